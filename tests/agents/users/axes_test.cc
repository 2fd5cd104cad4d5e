// The axes of what a user does: each at its extreme, and that its default changes nothing.
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/agents/users/talk.h"

namespace turnhalle::users {
namespace {

TEST(Axes, AtTheirDefaultsChangeNotOneByte) {
  const Persona plain = persona_with("");
  const std::vector<std::string> defaults = {R"("vague":"unknown")",
                                             R"("deflect":0,"refuse":0,"counter":0,"dont_know":0)",
                                             R"("mistakes":{"chance":0,"corrects_after":3})",
                                             R"("memory":{"reasks":0,"contradicts":0})",
                                             R"("leaves_early":0)",
                                             R"("temper":{"chance":0,"growth":0,"level_max":2})",
                                             R"("tangents":{"chance":0,"complains":1})",
                                             R"("requests":{"count":0,"insists":3})",
                                             R"("wording":"plain","lexis":"train")",
                                             R"("verbosity":{"style":"standard","words_max":8})",
                                             R"("noise":{"truncation":0,"truncated_to":0.2})",
                                             R"("protocol":{"words_max":0,"role_label":"none"})"};
  for (const std::string& axis : defaults) {
    const Persona persona = persona_with(axis);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      Dialogue one = talk(plain, 2, seed);
      Dialogue other = talk(persona, 2, seed);
      for (const std::set<std::size_t>& asked :
           {std::set<std::size_t>{}, std::set<std::size_t>{1}, std::set<std::size_t>{0, 1}}) {
        const Moves moves = one.ask(asked);
        EXPECT_EQ(moves, other.ask(asked)) << axis;
        EXPECT_EQ(bytes_of(one), bytes_of(other)) << axis;
        const std::string text = realise(plain, moves, words_of, one.words_key());
        EXPECT_EQ(text, realise(persona, moves, words_of, other.words_key(), other.breaks_off()));
        EXPECT_EQ(labelled(persona.protocol, text), text);
      }
    }
  }
}

TEST(Axes, VagueQuestionsAreAnsweredAsThePersonaDoes) {
  const Persona asks_back = persona_with(R"("vague":"asks_back")");
  EXPECT_EQ(talk(asks_back, 2).ask({}), (Moves{{Act::clarify, 0}}));
  EXPECT_EQ(talk(asks_back, 2).ask({1}), (Moves{{Act::inform, 1}}));
  const Persona hints = persona_with(R"("vague":"hints")");
  Dialogue hinting = talk(hints, 2);
  hinting.ask({0});
  EXPECT_EQ(hinting.ask({}), (Moves{{Act::hint, 1}}));
  EXPECT_FALSE(hinting.told(1));
  hinting.ask({1});
  EXPECT_EQ(hinting.ask({}), (Moves{{Act::clarify, 0}}));
  EXPECT_EQ(talk(hints, 1, 1, false).ask({}), (Moves{{Act::clarify, 0}}))
      << "where only questions are answered there is nothing to hint at";
  const Persona tells_one = persona_with(R"("vague":"tells_one")");
  Dialogue telling = talk(tells_one, 2);
  EXPECT_EQ(telling.ask({}), (Moves{{Act::volunteer, 0}}));
  EXPECT_EQ(telling.ask({}), (Moves{{Act::volunteer, 1}}));
  EXPECT_EQ(telling.ask({}), (Moves{{Act::unknown, 0}}));
}

TEST(Axes, RefusingCounteringAndNotKnowingHappenOnceForEachThing) {
  for (const auto& [key, act] : {std::pair<std::string, Act>{"refuse", Act::refuse},
                                 std::pair<std::string, Act>{"counter", Act::counter},
                                 std::pair<std::string, Act>{"dont_know", Act::dont_know}}) {
    const Persona persona = persona_with("\"" + key + "\":1");
    Dialogue user = talk(persona, 2);
    EXPECT_EQ(user.ask({0}), (Moves{{act, 0}}));
    EXPECT_EQ(user.ask({0, 1}), (Moves{{Act::inform, 0}, {act, 0}}));
    EXPECT_EQ(user.ask({1}), (Moves{{Act::inform, 1}}));
  }
}

TEST(Axes, DodgesComeAtTheirRates) {
  const Persona persona =
      persona_with(R"("deflect":0.1,"refuse":0.2,"counter":0.3,"dont_know":0.15)");
  std::vector<int> counts(kActs);
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    ++counts[static_cast<std::size_t>(talk(persona, 1, seed).ask({0}).front().act)];
  }
  EXPECT_NEAR(counts[static_cast<std::size_t>(Act::deflect)], 200, 54);
  EXPECT_NEAR(counts[static_cast<std::size_t>(Act::refuse)], 400, 72);
  EXPECT_NEAR(counts[static_cast<std::size_t>(Act::counter)], 600, 82);
  EXPECT_NEAR(counts[static_cast<std::size_t>(Act::dont_know)], 300, 64);
}

TEST(Axes, MistakesArePutRightWhenDueAndWhenAskedForAgain) {
  const Persona persona = persona_with(R"("mistakes":{"chance":1,"corrects_after":2})");
  Dialogue user = talk(persona, 2);
  EXPECT_EQ(user.ask({0}), (Moves{{Act::mistake, 0}}));
  EXPECT_FALSE(user.told(0)) << "only the right value counts as told";
  EXPECT_TRUE(user.owes());
  EXPECT_EQ(user.ask({}), (Moves{{Act::unknown, 0}}));
  EXPECT_EQ(user.ask({1}), (Moves{{Act::rectify, 0}, {Act::mistake, 1}}));
  EXPECT_TRUE(user.told(0));
  EXPECT_EQ(user.ask({1}), (Moves{{Act::rectify, 1}}));
  EXPECT_TRUE(user.told_all());
  EXPECT_FALSE(user.owes());
  EXPECT_EQ(user.ask({0}), (Moves{{Act::inform, 0}})) << "nothing is told wrongly twice";
}

TEST(Axes, MistakesArePutRightBeforeTheUserStops) {
  const Persona persona = persona_with(
      R"("mistakes":{"chance":1,"corrects_after":4},"patience":{"grace":1,"hazard":1})");
  Dialogue user = talk(persona, 3);
  EXPECT_EQ(user.ask({0}), (Moves{{Act::mistake, 0}}));
  EXPECT_EQ(user.ask({1}), (Moves{{Act::mistake, 1},
                                  {Act::rectify, 0},
                                  {Act::rectify, 1},
                                  {Act::volunteer, 2},
                                  {Act::leave, 0}}));
  EXPECT_TRUE(user.told_all());
  Dialogue settled = talk(persona, 2);
  settled.ask({1});
  EXPECT_EQ(settled.settle(), (Moves{{Act::rectify, 1}}));
  EXPECT_TRUE(settled.settle().empty());
}

TEST(Axes, MistakesAreMadeOnlyAboutWhatHasOtherValues) {
  const Persona persona = persona_with(R"("mistakes":{"chance":1})");
  EXPECT_EQ(talk(persona, Slots{1, true, false}).ask({0}), (Moves{{Act::inform, 0}}));
  EXPECT_EQ(talk(persona, Slots{1, false}).ask({0}), (Moves{{Act::inform, 0}}));
  const Persona seldom = persona_with(R"("mistakes":{"chance":0.3})");
  int wrong = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    wrong += talk(seldom, 1, seed).ask({0}).front().act == Act::mistake ? 1 : 0;
  }
  EXPECT_NEAR(wrong, 600, 82);
}

TEST(Axes, MemoryAsksAgainAndContradictsWhatWasTold) {
  const Persona asks = persona_with(R"("memory":{"reasks":1})");
  Dialogue asking = talk(asks, 2);
  EXPECT_EQ(asking.ask({0}), (Moves{{Act::inform, 0}})) << "that was just said";
  EXPECT_EQ(asking.ask({1}), (Moves{{Act::inform, 1}, {Act::reask, 0}}));
  const Persona contradicts = persona_with(R"("memory":{"contradicts":1})");
  Dialogue user = talk(contradicts, 2);
  user.ask({0});
  EXPECT_EQ(user.ask({1}), (Moves{{Act::inform, 1}, {Act::contradict, 0}}));
  EXPECT_TRUE(user.owes());
  EXPECT_EQ(user.ask({}), (Moves{{Act::rectify, 0}, {Act::contradict, 1}}));
  EXPECT_EQ(user.settle(), (Moves{{Act::rectify, 1}}));
}

TEST(Axes, AChangeOfMindSettlesAContradiction) {
  const Persona persona =
      persona_with(R"("memory":{"contradicts":1},"mistakes":{"corrects_after":4},"drift_at":3)");
  Dialogue user = talk(persona, 1);
  user.ask({0});
  EXPECT_EQ(user.ask({}), (Moves{{Act::contradict, 0}}));
  EXPECT_EQ(user.ask({}), (Moves{{Act::correct, 0}}));
  EXPECT_FALSE(user.owes());
}

TEST(Axes, LeavingEarlyTellsAllThatIsLeft) {
  const Persona persona = persona_with(R"("leaves_early":1)");
  Dialogue user = talk(persona, 3);
  EXPECT_EQ(user.ask({}), (Moves{{Act::unknown, 0}})) << "it has told nothing yet";
  EXPECT_EQ(user.ask({1}),
            (Moves{{Act::inform, 1}, {Act::volunteer, 0}, {Act::volunteer, 2}, {Act::leave, 0}}));
  EXPECT_TRUE(user.left() && user.told_all());
  EXPECT_EQ(talk(persona, 1).ask({0}), (Moves{{Act::inform, 0}})) << "nothing is left: no hurry";
  Dialogue heard_out = talk(persona, Slots{2, true, true, true});
  EXPECT_EQ(heard_out.ask({0}), (Moves{{Act::inform, 0}}));
  EXPECT_EQ(talk(persona, 2, 1, false).ask({0}), (Moves{{Act::inform, 0}}));
}

TEST(Axes, TemperRisesByLevelsOverQuestionsThatBringNothing) {
  const Persona persona = persona_with(R"("temper":{"chance":1})");
  Dialogue user = talk(persona, 2);
  EXPECT_EQ(user.ask({0}), (Moves{{Act::inform, 0}}));
  EXPECT_EQ(user.ask({0}), (Moves{{Act::inform, 0}, {Act::urge, 0}}));
  EXPECT_EQ(user.ask({1}), (Moves{{Act::inform, 1}})) << "a good question angers nobody";
  EXPECT_EQ(user.ask({}), (Moves{{Act::unknown, 0}, {Act::complain, 0}}));
  EXPECT_EQ(user.ask({}), (Moves{{Act::unknown, 0}, {Act::threaten, 0}}));
  EXPECT_EQ(user.ask({}), (Moves{{Act::unknown, 0}, {Act::threaten, 0}}));
  EXPECT_FALSE(user.left());
  const Persona mild = persona_with(R"("temper":{"chance":1,"level_max":1})");
  Dialogue patient = talk(mild, 1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(patient.ask({}), (Moves{{Act::unknown, 0}, {Act::urge, 0}}));
  }
}

TEST(Axes, TemperGrowsWithEachOutburst) {
  const Persona persona = persona_with(R"("temper":{"chance":0.5,"growth":0.5})");
  int first = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Dialogue user = talk(persona, 1, seed);
    if (user.ask({}).size() == 1) continue;
    ++first;
    EXPECT_EQ(user.ask({}).size(), 2U) << "after one outburst the chance is 1";
  }
  EXPECT_NEAR(first, 1000, 90);
}

std::string_view subject_in(const Moves& moves) {
  for (const Move& move : moves) {
    if (move.act == Act::tangent) return subject_of(move.slot);
  }
  return "";
}

TEST(Axes, TangentsWantToBeAnswered) {
  const Persona persona = persona_with(R"("tangents":{"chance":1,"complains":1})");
  Dialogue user = talk(persona, 3);
  const Moves first = user.ask({0});
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0], (Move{Act::inform, 0}));
  EXPECT_EQ(first[1].act, Act::tangent);
  user.hears("Which colour?");
  const Moves ignored = user.ask({1});
  ASSERT_EQ(ignored.size(), 3U);
  EXPECT_EQ(ignored[1], (Move{Act::nag, first[1].slot}));
  user.hears("I like " + std::string(subject_in(ignored)) + ", too! Which size?");
  const Moves answered = user.ask({2});
  ASSERT_EQ(answered.size(), 2U);
  EXPECT_EQ(answered[1].act, Act::tangent);
  const Persona seldom = persona_with(R"("tangents":{"chance":0.3})");
  int tangents = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Dialogue other = talk(seldom, 2, seed);
    tangents += subject_in(other.ask({0})).empty() ? 0 : 1;
    EXPECT_NE(other.ask({1}).back().act, Act::nag) << "it does not mind";
  }
  EXPECT_NEAR(tangents, 600, 82);
}

TEST(Axes, AnAnswerToATangentIsNotAWastedQuestion) {
  const Persona persona = persona_with(R"("tangents":{"chance":1},"temper":{"chance":1})");
  Dialogue user = talk(persona, 1);
  const Moves first = user.ask({0});
  user.hears("Ah, " + std::string(subject_in(first)) + ".");
  for (const Move& move : user.ask({})) EXPECT_NE(move.act, Act::urge);
  user.hears("Hm.");
  EXPECT_EQ(user.ask({})[1].act, Act::urge);
}

TEST(Axes, RequestsAreInsistedOnAndThenDropped) {
  const Persona persona = persona_with(R"("requests":{"count":2,"insists":2})");
  Dialogue user = talk(persona, 1);
  const Moves expected = {{Act::request, 0}, {Act::insist, 0}, {Act::insist, 0}, {Act::let_go, 0},
                          {Act::request, 1}, {Act::insist, 1}, {Act::insist, 1}, {Act::let_go, 1}};
  for (const Move& move : expected) EXPECT_EQ(user.ask({}), (Moves{{Act::unknown, 0}, move}));
  EXPECT_EQ(user.ask({}), (Moves{{Act::unknown, 0}}));
  const Persona meek = persona_with(R"("requests":{"count":1,"insists":0})");
  Dialogue giving_in = talk(meek, 1);
  EXPECT_EQ(giving_in.ask({0}), (Moves{{Act::inform, 0}, {Act::request, 0}}));
  EXPECT_EQ(giving_in.ask({}), (Moves{{Act::unknown, 0}, {Act::let_go, 0}}));
}

TEST(Axes, MessagesNeverEndEarlyTwiceRunning) {
  const Persona always = persona_with(R"("noise":{"truncation":1})");
  Dialogue user = talk(always, 1);
  for (int i = 0; i < 10; ++i) {
    user.ask({});
    EXPECT_EQ(user.breaks_off(), i % 2 == 0);
  }
  // In the long run p / (1 + p) of the messages.
  const Persona half = persona_with(R"("noise":{"truncation":0.5})");
  int cut = 0;
  bool before = false;
  Dialogue long_talk = talk(half, 1);
  for (int i = 0; i < 3000; ++i) {
    long_talk.ask({});
    EXPECT_FALSE(before && long_talk.breaks_off());
    before = long_talk.breaks_off();
    cut += before ? 1 : 0;
  }
  EXPECT_NEAR(cut, 1000, 104);
}

// The draws of a question are its own: what was asked before and what the agent said moves none.
TEST(Axes, DrawsDependOnTheQuestionsOnly) {
  const Persona persona = persona_with(
      R"("tangents":{"chance":0.5},"memory":{"reasks":0.5},"noise":{"truncation":0.4})");
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Dialogue one = talk(persona, 3, seed);
    Dialogue other = talk(persona, 3, seed);
    one.ask({0});
    other.ask({0});
    one.hears("an answer");
    other.hears("quite another answer");
    other.accepts("in between");
    EXPECT_EQ(one.ask({1, 2}), other.ask({1, 2}));
    EXPECT_EQ(one.breaks_off(), other.breaks_off());
  }
}

// Any byte of a snapshot may be anything: it is refused, or the talk goes on.
TEST(Axes, HostileSnapshotsAreRefusedOrGoOn) {
  for (const Persona& persona : shipped_personas()) {
    Dialogue user = talk(persona, 3);
    for (int i = 0; i < 3; ++i) user.ask({static_cast<std::size_t>(i)});
    const std::string bytes = bytes_of(user);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      for (const char byte : {'\0', '\1', '\2', '\7', '\xff'}) {
        std::string hostile = bytes;
        hostile[at] = byte;
        Dialogue copy(persona);
        ByteReader in(hostile);
        if (!copy.restore(in) || !in.finished() || copy.slots() != 3) continue;
        for (int i = 0; i < 5; ++i) {
          copy.hears("chess");
          for (const Move& move : copy.ask({0, 2})) {
            EXPECT_TRUE(!about_slot(move.act) || move.slot < 3);
            EXPECT_TRUE(move.act != Act::nag || move.slot < kTangents);
          }
        }
        copy.settle();
      }
    }
  }
}

}  // namespace
}  // namespace turnhalle::users
