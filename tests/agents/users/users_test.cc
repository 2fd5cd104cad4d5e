// Personas, what users do, and how they word it.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/agents/users/talk.h"

namespace turnhalle::users {
namespace {

namespace fs = std::filesystem;

TEST(Persona, ShippedOnesAreTheFilesOfTheFolderByName) {
  std::set<std::string> files;
  for (const auto& item : fs::directory_iterator(TURNHALLE_SOURCE_DIR "/scenarios/users")) {
    files.insert(item.path().stem().string());
  }
  std::set<std::string> shipped;
  int held_out = 0;
  for (const Persona& persona : shipped_personas()) {
    EXPECT_TRUE(shipped.insert(persona.name).second);
    EXPECT_FALSE(persona.summary.empty()) << persona.name;
    held_out += persona.held_out ? 1 : 0;
  }
  EXPECT_EQ(shipped, files);
  EXPECT_EQ(shipped.size(), 24U);
  EXPECT_EQ(held_out, 9);
}

TEST(Persona, BadFilesAreRefusedWithAPlace) {
  const std::map<std::string, std::string> refused = {
      {"{\"kind\":\"user\",\"dubts\":1}", "doubts"},
      {"{\"kind\":\"recipe\"}", "user"},
      {"{\"kind\":\"user\",\"doubts\":3}", "/doubts"},
      {"{\"kind\":\"user\",\"noise\":{\"typos\":0.5}}", "/noise/typos"},
      {"{\"kind\":\"user\",\"disclosure\":\"on_aks\"}", "on_ask"},
      {"{\"kind\":\"user\",\"patience\":{\"grace\":0}}", "/patience/grace"},
      {"{\"kind\":\"user\",\"vague\":\"hint\"}", "hints"},
      {"{\"kind\":\"user\",\"refuse\":0.7,\"counter\":0.4}", "/counter"},
      {"{\"kind\":\"user\",\"mistakes\":{\"corrects_after\":0}}", "/mistakes/corrects_after"},
      {"{\"kind\":\"user\",\"memory\":{\"reask\":1}}", "reasks"},
      {"{\"kind\":\"user\",\"leaves_early\":2}", "/leaves_early"},
      {"{\"kind\":\"user\",\"temper\":{\"level_max\":4}}", "/temper/level_max"},
      {"{\"kind\":\"user\",\"tangents\":{\"chance\":-1}}", "/tangents/chance"},
      {"{\"kind\":\"user\",\"requests\":{\"count\":4}}", "/requests/count"},
      {"{\"kind\":\"user\",\"lexis\":\"heldout\"}", "held_out"},
      {"{\"kind\":\"user\",\"wording\":\"nonnative\"}", "non_native"},
      {"{\"kind\":\"user\",\"verbosity\":{\"words_max\":7}}", "/verbosity/words_max"},
      {"{\"kind\":\"user\",\"noise\":{\"truncated_to\":0.1}}", "/noise/truncated_to"},
      {"{\"kind\":\"user\",\"protocol\":{\"role_label\":\"tagged\"}}", "tag"}};
  for (const auto& [text, part] : refused) {
    const Result<Persona> persona = read(text);
    ASSERT_FALSE(persona.ok()) << text;
    EXPECT_NE(persona.error().text().find(part), std::string::npos) << persona.error().text();
  }
}

// The reader and the schema know the same keys.
TEST(Persona, EveryKeyIsReadAndInTheSchema) {
  const std::string text = R"({"kind":"user","version":1,"name":"all","summary":"s",
    "held_out":true,"disclosure":"when_pressed","asks":2,"at_once_max":1,"vague":"hints",
    "deflect":0.1,"refuse":0.1,"counter":0.1,"dont_know":0.1,"volunteer":0.1,
    "mistakes":{"chance":0.1,"corrects_after":2},"memory":{"reasks":0.1,"contradicts":0.1},
    "drift_at":3,"patience":{"grace":8,"hazard":0.1,"growth":0.1},"leaves_early":0.1,"doubts":1,
    "stops":false,"temper":{"chance":0.1,"growth":0.1,"level_max":2},
    "tangents":{"chance":0.1,"complains":0.1},"requests":{"count":1,"insists":2},
    "wording":"non_native","lexis":"held_out","verbosity":{"style":"rambling","words_max":20},
    "noise":{"typos":0.1,"lower_case":true,"no_punctuation":true,"truncation":0.1,
    "truncated_to":0.3},"protocol":{"words_max":30,"role_label":"tag"}})";
  const Result<Persona> persona = read(text);
  ASSERT_TRUE(persona.ok()) << persona.error().text();
  EXPECT_EQ(persona->protocol.role_label, RoleLabel::tag);
  EXPECT_EQ(persona->noise.truncated_to, 0.3);
  const Json schema = persona_schema()["properties"];
  const Json given = parse_json(text, "user.json")->root;
  EXPECT_EQ(schema.size(), given.size());
  for (const auto& [key, value] : given.items()) {
    ASSERT_TRUE(schema.contains(key)) << key;
    if (!value.is_object()) continue;
    EXPECT_EQ(schema[key]["properties"].size(), value.size()) << key;
    for (const auto& [inner, ignored] : value.items()) {
      EXPECT_TRUE(schema[key]["properties"].contains(inner)) << key << inner;
    }
  }
}

TEST(Dialogue, TellsWhatIsAskedAndSaysUnknownElse) {
  const Persona plain;
  Dialogue user = talk(plain, 3);
  EXPECT_EQ(user.ask({1}), (Moves{{Act::inform, 1}}));
  EXPECT_EQ(user.ask({}), (Moves{{Act::unknown, 0}}));
  EXPECT_EQ(user.ask({0, 2}), (Moves{{Act::inform, 0}, {Act::inform, 2}}));
  EXPECT_TRUE(user.told_all());
  EXPECT_EQ(user.ask({1}), (Moves{{Act::inform, 1}}));
}

TEST(Dialogue, DisclosureDecidesWhatIsToldWhen) {
  const Persona all = persona_with("\"disclosure\":\"all_at_once\"");
  Dialogue forthcoming = talk(all, 3);
  EXPECT_EQ(forthcoming.ask({2}),
            (Moves{{Act::inform, 2}, {Act::volunteer, 0}, {Act::volunteer, 1}}));
  const Persona one = persona_with("\"disclosure\":\"one_per_turn\"");
  Dialogue piecemeal = talk(one, 3);
  EXPECT_EQ(piecemeal.ask({1, 2}), (Moves{{Act::inform, 1}}));
  EXPECT_EQ(piecemeal.ask({}), (Moves{{Act::volunteer, 0}}));
  EXPECT_EQ(piecemeal.ask({}), (Moves{{Act::volunteer, 2}}));
  EXPECT_EQ(piecemeal.ask({}), (Moves{{Act::unknown, 0}}));
  const Persona reserved = persona_with("\"disclosure\":\"when_pressed\",\"asks\":3");
  Dialogue pressed = talk(reserved, 1);
  EXPECT_EQ(pressed.ask({0}), (Moves{{Act::deflect, 0}}));
  EXPECT_EQ(pressed.ask({0}), (Moves{{Act::deflect, 0}}));
  EXPECT_EQ(pressed.ask({0}), (Moves{{Act::inform, 0}}));
}

TEST(Dialogue, AnswersAtMostSoManyThingsAtOnce) {
  const Persona single = persona_with("\"at_once_max\":1");
  Dialogue user = talk(single, 3);
  EXPECT_EQ(user.ask({0, 1, 2}), (Moves{{Act::inform, 0}}));
}

TEST(Dialogue, DodgesEachThingAtMostOnce) {
  const Persona evasive = persona_with("\"deflect\":0.4");
  int dodged = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Dialogue user = talk(evasive, 1, seed);
    if (user.ask({0}) == Moves{{Act::deflect, 0}}) ++dodged;
    user.ask({0});
    EXPECT_TRUE(user.told(0));
  }
  EXPECT_NEAR(dodged, 800, 88);
}

TEST(Dialogue, AddsThingsAtItsRateOnlyWhereTheyAreNeeded) {
  const Persona chatty = persona_with("\"volunteer\":0.3");
  int added = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Dialogue user = talk(chatty, 2, seed);
    added += user.ask({0}).size() > 1 ? 1 : 0;
    EXPECT_EQ(talk(chatty, 2, seed, false).ask({0}), (Moves{{Act::inform, 0}}));
  }
  EXPECT_NEAR(added, 600, 82);
}

TEST(Dialogue, ChangesItsMindOnceAndSaysSoAboutWhatItHasTold) {
  const Persona changeable = persona_with("\"drift_at\":3");
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Dialogue user = talk(changeable, 2, seed);
    user.ask({0});
    user.ask({});
    EXPECT_FALSE(user.drifted());
    const Moves moves = user.ask({});
    EXPECT_TRUE(user.drifted());
    const bool told = user.drifted_slot() == 0;
    EXPECT_EQ(moves, told ? (Moves{{Act::correct, 0}}) : (Moves{{Act::unknown, 0}}));
    EXPECT_EQ(user.ask({}), (Moves{{Act::unknown, 0}}));
  }
}

TEST(Dialogue, LeavesAfterTellingEverything) {
  const Persona hasty = persona_with("\"patience\":{\"grace\":2,\"hazard\":0.5}");
  std::map<std::int64_t, int> left_at;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Dialogue user = talk(hasty, 3, seed);
    while (!user.left() && user.questions() < 60) user.ask({});
    EXPECT_TRUE(user.told_all());
    EXPECT_EQ(user.ask({1}), (Moves{{Act::unknown, 0}})) << "nobody is there any more";
    ++left_at[user.questions() - 1];
    Dialogue staying = talk(hasty, 3, seed, false);
    for (int i = 0; i < 20; ++i) staying.ask({0});
    EXPECT_FALSE(staying.left()) << "it cannot tell everything, so it stays";
  }
  EXPECT_EQ(left_at.begin()->first, 3);
  EXPECT_NEAR(left_at[3], 1000, 90);
  EXPECT_NEAR(left_at[4], 500, 78);
}

TEST(Dialogue, BelievesAnAnswerWhenItIsRepeated) {
  const Persona stern = persona_with("\"doubts\":2");
  Dialogue user = talk(stern, 1);
  EXPECT_FALSE(user.accepts("owl"));
  EXPECT_FALSE(user.accepts("owl"));
  EXPECT_FALSE(user.accepts("cat")) << "another answer is doubted from the start";
  EXPECT_FALSE(user.accepts("cat"));
  EXPECT_TRUE(user.accepts("cat"));
}

TEST(Dialogue, DrawsDependOnTheQuestionsOnly) {
  const Persona evasive = persona_with("\"deflect\":0.5,\"volunteer\":0.5");
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Dialogue one = talk(evasive, 4, seed);
    Dialogue other = talk(evasive, 4, seed);
    EXPECT_EQ(one.ask({0}), other.ask({0}));
    other.accepts("an answer in between moves nothing");
    EXPECT_EQ(one.words_key(), other.words_key());
    EXPECT_EQ(one.ask({1}), other.ask({1}));
  }
}

TEST(Dialogue, SnapshotsGoOnAlike) {
  for (const Persona& persona : shipped_personas()) {
    Dialogue user = talk(persona, 4);
    user.ask({0});
    user.accepts("owl");
    user.ask({1});
    const std::string bytes = bytes_of(user);
    Dialogue copy(persona);
    ByteReader in(bytes);
    ASSERT_TRUE(copy.restore(in) && in.finished()) << persona.name;
    EXPECT_EQ(bytes, bytes_of(copy));
    for (int i = 0; i < 12; ++i) EXPECT_EQ(user.ask({2, 3}), copy.ask({2, 3})) << persona.name;
    EXPECT_EQ(user.accepts("owl"), copy.accepts("owl"));
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      ByteReader broken(std::string_view(bytes).substr(0, cut));
      EXPECT_FALSE(copy.restore(broken));
    }
  }
}

TEST(Realiser, SaysValuesAndNothingThatIsNotTold) {
  for (const Persona& persona : shipped_personas()) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      for (std::size_t i = 0; i < kActs; ++i) {
        const auto act = static_cast<Act>(i);
        const Moves moves = {{act, 1}};
        const std::string text = realise(persona, moves, words_of, RandomKey::from_seed(seed));
        EXPECT_EQ(text.find("sea green") != std::string::npos, tells(act)) << text;
        EXPECT_EQ(text.find("pale pink") != std::string::npos, misleads(act)) << text;
        EXPECT_EQ(leaked(text, std::vector<std::string>{"Friday"}), std::nullopt) << text;
        EXPECT_FALSE(text.empty());
        EXPECT_EQ(text, realise(persona, moves, words_of, RandomKey::from_seed(seed)));
      }
    }
  }
}

TEST(Realiser, WordsThePlainUserPlainly) {
  const Persona plain;
  const Moves moves = {{Act::inform, 0}, {Act::volunteer, 1}};
  EXPECT_EQ(realise(plain, moves, words_of, {}),
            "The date: Friday. By the way, the colour: sea "
            "green.");
  EXPECT_EQ(realise(plain, Moves{{Act::unknown, 0}}, words_of, {}), "No information found.");
  const auto bare = [](const Move&) { return SlotWords{"", "Yes"}; };
  EXPECT_EQ(realise(plain, Moves{{Act::inform, 0}}, bare, {}), "Yes.");
}

TEST(Realiser, WordingsDiffer) {
  std::set<std::string> texts;
  for (const std::string wording : {"plain", "formal", "casual", "terse", "non_native"}) {
    const Persona persona = persona_with("\"wording\":\"" + wording + "\"");
    texts.insert(realise(persona, Moves{{Act::deflect, 0}}, words_of, RandomKey::from_seed(1)));
  }
  EXPECT_EQ(texts.size(), 5U);
}

TEST(Realiser, NoiseSparesFixedPieces) {
  const std::vector<Piece> pieces = {
      {"Regarding the ", false}, {"Date", true}, {", it is: ", false}, {"A-17.", true}};
  const Noise none;
  EXPECT_EQ(with_noise(none, pieces, {}), "Regarding the Date, it is: A-17.");
  const Noise plain{0.0, true, true};
  EXPECT_EQ(with_noise(plain, pieces, {}), "regarding the Date it is A-17.");
  const Noise typos{0.3, false, false};
  std::set<std::string> texts;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const std::string text = with_noise(typos, pieces, RandomKey::from_seed(seed));
    EXPECT_NE(text.find("Date"), std::string::npos) << text;
    EXPECT_TRUE(text.ends_with("A-17.")) << text;
    texts.insert(text);
  }
  EXPECT_GT(texts.size(), 40U);
}

TEST(Leak, FindsWholeWordsWhateverTheirCase) {
  const std::vector<std::string> values = {"red", "sea green"};
  EXPECT_EQ(leaked("A Red one", values), 0U);
  EXPECT_EQ(leaked("make it SEA-green!", values), 1U);
  EXPECT_EQ(leaked("bored, a green sea", values), std::nullopt);
}

}  // namespace
}  // namespace turnhalle::users
