// The axes of how a user words things: lexis, verbosity, truncation, protocol.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agents/users/templates.h"
#include "tests/agents/users/talk.h"

namespace turnhalle::users {
namespace {

std::string worded(const Persona& persona, const Moves& moves, std::uint64_t seed = 0,
                   bool breaks_off = false) {
  return realise(persona, moves, words_of, RandomKey::from_seed(seed), breaks_off);
}

// All that a persona may say for a move.
std::set<std::string> texts_of(const Persona& persona, const Move& move) {
  std::set<std::string> texts;
  for (std::uint64_t seed = 0; seed < 20; ++seed) texts.insert(worded(persona, {move}, seed));
  return texts;
}

TEST(WordingAxes, TheLexesShareNoSentence) {
  for (const std::string wording : {"plain", "formal", "casual", "terse", "non_native"}) {
    const std::string axes = "\"wording\":\"" + wording + "\",\"lexis\":";
    const Persona train = persona_with(axes + "\"train\"");
    const Persona held_out = persona_with(axes + "\"held_out\"");
    for (std::size_t act = 0; act < kActs; ++act) {
      const std::map<Act, std::size_t> kinds = {{Act::tangent, kTangentKinds},
                                                {Act::request, kRequestKinds}};
      const auto several = kinds.find(static_cast<Act>(act));
      const std::size_t slots = several == kinds.end() ? 1 : several->second;
      for (std::size_t slot = 0; slot < slots; ++slot) {
        const Move move{static_cast<Act>(act), slot};
        for (const std::string& text : texts_of(train, move)) {
          EXPECT_FALSE(texts_of(held_out, move).contains(text)) << text;
        }
      }
    }
  }
  std::set<std::string_view> fillers;
  for (const Lexis lexis : {Lexis::train, Lexis::held_out}) {
    for (const auto& of_wording : sentences_of(lexis).fillers) {
      for (const std::string_view filler : of_wording)
        EXPECT_TRUE(fillers.insert(filler).second) << filler;
    }
  }
}

TEST(WordingAxes, EverySentenceIsThereAndHasItsPlaces) {
  for (const Lexis lexis : {Lexis::train, Lexis::held_out}) {
    for (std::size_t i = 0; i < kWordingCount; ++i) {
      Persona persona;
      persona.lexis = lexis;
      persona.wording = static_cast<Wording>(i);
      for (std::size_t act = 0; act < kActs; ++act) {
        for (const std::string& text : texts_of(persona, {static_cast<Act>(act), 1})) {
          EXPECT_FALSE(text.empty());
          EXPECT_EQ(text.find_first_of("#$"), std::string::npos) << text;
          const auto said = static_cast<Act>(act);
          if (said == Act::hint || said == Act::reask) {
            EXPECT_NE(text.find("colour"), std::string::npos) << text;
          }
          if (said == Act::tangent || said == Act::nag) {
            EXPECT_NE(text.find(subject_of(1)), std::string::npos) << text;
          }
        }
      }
    }
  }
}

const Moves kTold = {{Act::inform, 0}, {Act::volunteer, 1}, {Act::tangent, 0}, {Act::urge, 0}};

TEST(WordingAxes, AMinimalUserSaysValuesAndNothingBesideThem) {
  const Persona minimal = persona_with(R"("verbosity":{"style":"minimal"},"wording":"casual")");
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(worded(minimal, {{Act::inform, 0}, {Act::urge, 0}}, seed), "Friday.");
    EXPECT_EQ(worded(minimal, {{Act::urge, 0}}, seed), "Hurry.");
    EXPECT_LT(worded(minimal, kTold, seed).size(), 32U);
    const std::string last = worded(minimal, {{Act::inform, 0}, {Act::leave, 0}}, seed);
    EXPECT_TRUE(last == "Friday. Bye." || last == "Friday. Gone.") << last;
  }
}

std::int64_t words_in(const std::string& text) {
  return 1 + std::count(text.begin(), text.end(), ' ');
}

TEST(WordingAxes, ARamblingUserAddsFillersUpToItsLimit) {
  const Persona standard = persona_with("");
  const Persona rambling = persona_with(R"("verbosity":{"style":"rambling"})");
  const Persona limited = persona_with(R"("verbosity":{"style":"rambling","words_max":12})");
  std::int64_t longest = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Moves moves = {{Act::inform, 1}};
    const std::string text = worded(rambling, moves, seed);
    EXPECT_GT(words_in(text), words_in(worded(standard, moves, seed)) + 2) << text;
    EXPECT_NE(text.find(worded(standard, moves, seed)), std::string::npos) << text;
    longest = std::max(longest, words_in(text));
    EXPECT_LE(words_in(worded(limited, moves, seed)), 12);
  }
  EXPECT_GT(longest, 16);
  EXPECT_LE(longest, 40);
}

TEST(WordingAxes, ALengthLimitLeavesOutWhatTellsNothingAndNeverAValue) {
  const Persona limited = persona_with(R"("protocol":{"words_max":10})");
  EXPECT_EQ(worded(limited, kTold), "The date: Friday. By the way, the colour: sea green.");
  EXPECT_EQ(worded(limited, {{Act::urge, 0}, {Act::inform, 0}, {Act::nag, 0}}),
            "Please hurry up. The date: Friday.")
      << "the last is left out first";
  const Persona tight =
      persona_with(R"("protocol":{"words_max":1},"verbosity":{"style":"rambling"})");
  EXPECT_EQ(worded(tight, kTold), "The date: Friday. By the way, the colour: sea green.");
  EXPECT_FALSE(worded(tight, {{Act::unknown, 0}}).empty()) << "something is always said";
}

TEST(WordingAxes, AMessageThatEndsEarlyKeepsItsValues) {
  const Persona half = persona_with(R"("noise":{"truncated_to":0.5})");
  EXPECT_EQ(worded(half, {{Act::inform, 0}, {Act::volunteer, 1}}, 0, true),
            "The date: Friday. By the w colour sea green");
  EXPECT_EQ(worded(half, {{Act::unknown, 0}}, 0, true), "No informa");
  const Persona fifth = persona_with(R"("noise":{"truncated_to":0.2},"wording":"formal")");
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Moves moves = {{Act::inform, 0}, {Act::correct, 1}, {Act::leave, 0}};
    const std::string text = worded(fifth, moves, seed, true);
    EXPECT_LT(text.size(), worded(fifth, moves, seed).size() * 2 / 3) << text;
    EXPECT_NE(text.find("Friday"), std::string::npos) << text;
    EXPECT_TRUE(text.ends_with("sea green")) << text;
  }
}

TEST(WordingAxes, RoleLabelsStandBeforeTheText) {
  EXPECT_EQ(labelled(persona_with("").protocol, "Yes."), "Yes.");
  EXPECT_EQ(labelled(persona_with(R"("protocol":{"role_label":"name"})").protocol, "Yes."),
            "User: Yes.");
  EXPECT_EQ(labelled(persona_with(R"("protocol":{"role_label":"tag"})").protocol, "Yes."),
            "<user> Yes.");
}

TEST(WordingAxes, WrongValuesAreWordedLikeRightOnes) {
  const Persona plain = persona_with("");
  EXPECT_EQ(worded(plain, {{Act::mistake, 0}}), "The date: Sunday.");
  EXPECT_EQ(worded(plain, {{Act::contradict, 1}}), "By the way, the colour: pale pink.");
  EXPECT_EQ(worded(plain, {{Act::rectify, 0}}), "I was wrong about the date: it is Friday.");
}

}  // namespace
}  // namespace turnhalle::users
