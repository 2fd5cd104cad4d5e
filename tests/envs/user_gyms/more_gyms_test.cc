// Rules and players of the user gyms that have the paper's wording only.
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "agents/users/realiser.h"
#include "core/text.h"
#include "envs/user_gyms/bm25.h"
#include "envs/user_gyms/colbench_gym.h"
#include "envs/user_gyms/persuade_gym.h"
#include "envs/user_gyms/search_gym.h"
#include "envs/user_gyms/search_library.h"
#include "envs/user_gyms/travel_gym.h"
#include "envs/user_gyms/travel_table.h"
#include "envs/user_gyms/turtle_gym.h"
#include "envs/user_gyms/turtle_stories.h"
#include "envs/user_gyms/user_gym.h"
#include "tests/envs/user_gyms/play_gym.h"

namespace turnhalle::user_gyms {
namespace {

TEST(PersuadeGym, MovesALevelByWhatMattersAtThatMoment) {
  const auto game = family_of(persuade::entry())->make();
  for (std::uint64_t i = 0; i < 20; ++i) {
    game->reset(task_of(i));
    const Json concerns = game->hidden_state()["concerns"];
    ASSERT_EQ(concerns.size(), 6U);
    EXPECT_EQ(say(*game, "[action] " + concerns[1].get<std::string>()).reward, 0.0);
    EXPECT_EQ(say(*game, "[action] " + concerns[0].get<std::string>() + " and " +
                             concerns[1].get<std::string>())
                  .reward,
              0.0)
        << "one thing at a time";
    StepResult result;
    double sum = 0.0;
    for (const Json& concern : concerns) {
      EXPECT_EQ(result.outcome, Outcome::running);
      const std::string name = concern.get<std::string>();
      result = say(*game, "[action] Think of " + name + ".");
      sum += result.reward;
    }
    EXPECT_NEAR(sum, 1.0, 1e-9);
    EXPECT_EQ(result.outcome, Outcome::done);
  }
}

TEST(PersuadeGym, HintsAtTheConcernWithoutNamingIt) {
  const auto game = family_of(persuade::entry())->make();
  for (std::uint64_t i = 0; i < 40; ++i) {
    game->reset(task_of(i));
    const std::string first = game->hidden_state()["concerns"][0].get<std::string>();
    const std::string text = say(*game, "[action] What matters to you?").observation;
    EXPECT_EQ(users::leaked(text, std::vector<std::string>{first}), std::nullopt) << text;
    EXPECT_GT(text.size(), 60U) << text;
  }
}

TEST(TurtleStories, WordsOfAStoryAreDifferentAndNotInItsSurface) {
  for (std::size_t i = 0; i < story_count(); ++i) {
    std::set<std::string_view> words;
    for (const Unknown& unknown : story(i).unknowns) {
      EXPECT_TRUE(possibilities_in(story(i).surface, unknown).empty()) << story(i).surface;
      EXPECT_TRUE(possibilities_in(unknown.question, unknown).empty()) << unknown.question;
      words.insert(unknown.words.begin(), unknown.words.end());
    }
    EXPECT_EQ(words.size(), kUnknowns * kPossibilities) << story(i).surface;
  }
}

TEST(TurtleGym, AnswersAndPaysForWhatIsExplainedBeyondTheBestAnswer) {
  const auto game = family_of(turtle::entry())->make();
  for (std::uint64_t i = 0; i < 20; ++i) {
    game->reset(task_of(i));
    const Json truths = game->hidden_state()["truths"];
    const auto truth = [&](std::size_t place) { return truths[place].get<std::string>(); };
    EXPECT_EQ(say(*game, "[action] Was it " + truth(0) + "?").observation.substr(0, 4), "Yes.");
    EXPECT_EQ(
        say(*game, "[action] Or " + truth(0) + " or " + truth(1) + "?").observation.substr(0, 6),
        "Maybe.");
    EXPECT_EQ(say(*game, "[action] Anything?").observation.substr(0, 21), "No information found.");
    EXPECT_NEAR(say(*game, "[answer] " + truth(1)).reward, 0.3, 1e-9);
    EXPECT_NEAR(say(*game, "[answer] " + truth(2)).reward, 0.0, 1e-9) << "no better than before";
    EXPECT_NEAR(say(*game, "[answer] " + truth(0) + " " + truth(2)).reward, 0.4, 1e-9);
    const StepResult last = say(*game, "[answer] " + truth(0) + " " + truth(1) + " " + truth(2));
    EXPECT_NEAR(last.reward, 0.3, 1e-9);
    EXPECT_EQ(last.outcome, Outcome::done);
  }
}

TEST(TravelTable, HintsNameNoValueAndFeaturesAreUnique) {
  std::set<std::string_view> names;
  std::vector<std::string> values;
  for (std::size_t i = 0; i < kAspects; ++i) {
    for (std::size_t j = 0; j < kFeatures; ++j) {
      const Feature& feature = aspect(i).features[j];
      EXPECT_TRUE(names.insert(feature.name).second) << feature.name;
      EXPECT_EQ(feature_in("Which " + std::string(feature.name) + "?"), (FeaturePlace{i, j}));
      for (const std::string_view value : feature.values) values.emplace_back(value);
    }
  }
  for (std::size_t i = 0; i < kAspects; ++i) {
    for (const Feature& feature : aspect(i).features) {
      for (const std::string_view hint : feature.hints) {
        EXPECT_EQ(users::leaked(hint, values), std::nullopt) << hint;
        EXPECT_FALSE(feature_in(hint)) << hint;
      }
    }
  }
}

TEST(TravelGym, TellsPreferencesWhenAskedAndOneUnaskedAfterThreeIdleQuestions) {
  const auto game = family_of(travel::entry(), "{\"aspects\":1,\"preferences\":1}")->make();
  game->reset(task_of(3));
  EXPECT_EQ(say(*game, "[action] Nice weather!").observation,
            "No information found. (Turns left: 19)");
  say(*game, "[action] Really?");
  const std::string third = say(*game, "[action] Well.").observation;
  EXPECT_EQ(third.find("No information"), std::string::npos) << third;
}

TEST(TravelGym, BooksEachAspectOnceAndPaysForTheBestOffer) {
  const auto game = family_of(travel::entry())->make();
  for (std::uint64_t i = 0; i < 20; ++i) {
    game->reset(task_of(i));
    const Json wishes = game->hidden_state()["wishes"];
    EXPECT_EQ(wishes.size(), 2U);
    StepResult result;
    for (const auto& [name, wish] : wishes.items()) {
      const std::string best = wish["best"].get<std::string>();
      result = say(*game, "[answer] " + best);
      EXPECT_NEAR(result.reward, 0.5, 1e-12) << name;
      if (result.outcome == Outcome::running) {
        EXPECT_EQ(say(*game, "[answer] " + best).reward, 0.0) << "booked already";
      }
    }
    EXPECT_EQ(result.outcome, Outcome::done);
  }
  for (const std::string name : {"", "7", "F", "F0", "F19", "F07", "X1", "F1 or F2", "f1"}) {
    game->reset(task_of(1));
    EXPECT_NE(say(*game, "[answer] " + name).observation.find("names no offer"), std::string::npos)
        << name;
  }
}

TEST(TravelGym, ListsOffersToAFullQueryAndFailsEveryFifthTime) {
  const auto game = family_of(travel::entry(), "{\"aspects\":5}")->make();
  const std::string opening = game->reset(task_of(2)).user;
  EXPECT_NE(say(*game, "[search] flight").observation.find("names one of"), std::string::npos);
  std::string query = "[search] flight";
  for (const std::string& word : words_of(opening)) {
    if (word != "hotel" && word != "restaurant" && word != "apartment" && word != "car") {
      query += " " + word;
    }
  }
  for (int i = 2; i <= 5; ++i) {
    const std::string text = say(*game, query).observation;
    EXPECT_EQ(text.find("\nF18 ") != std::string::npos, i < 5) << text;
  }
}

// By hand: three texts of 2, 2 and 4 words, mean 8/3; "b" is in two of them.
TEST(Bm25, ScoresByTheFormula) {
  const Bm25 index({"a b", "a c", "b b c d"});
  const double rarity = std::log(1.0 + 1.5 / 2.5);
  const double mean = 8.0 / 3.0;
  EXPECT_NEAR(index.score("b", 0), rarity * 2.2 / (1.0 + 1.2 * (0.25 + 0.75 * 2.0 / mean)), 1e-12);
  EXPECT_NEAR(index.score("b b", 2), rarity * 2.0 * 2.2 / (2.0 + 1.2 * (0.25 + 0.75 * 4.0 / mean)),
              1e-12);
  EXPECT_EQ(index.score("b", 1), 0.0);
  EXPECT_EQ(index.best("d a", 2), (std::vector<std::size_t>{2, 0}));
  EXPECT_TRUE(index.best("zebra", 5).empty());
}

TEST(SearchGym, FindsTextsAndJudgesAnswers) {
  const auto game = family_of(search::entry(), "{\"searches\":2}")->make();
  for (std::uint64_t i = 0; i < 20; ++i) {
    const std::string question = game->reset(task_of(i)).user;
    const std::string found = say(*game, "[search] " + question).observation;
    EXPECT_TRUE(found.starts_with("1. ")) << found;
    EXPECT_NE(found.find("\n5. "), std::string::npos);
    EXPECT_EQ(say(*game, "[search] xylophone").observation.substr(0, 21), "No information found.");
    EXPECT_EQ(say(*game, "[search] city").observation.substr(0, 22), "No searches are left. ");
    EXPECT_EQ(say(*game, "[answer] nobody").outcome, Outcome::running);
    const StepResult right =
        say(*game, "[answer] " + game->hidden_state()["answer"].get<std::string>());
    EXPECT_EQ(right.reward, 1.0);
    EXPECT_EQ(right.outcome, Outcome::done);
  }
}

TEST(ColbenchGym, TellsNumbersAndCountsThePassedCalls) {
  const auto game = family_of(colbench::entry())->make();
  for (std::uint64_t i = 0; i < 20; ++i) {
    game->reset(task_of(i));
    const Json facts = game->hidden_state()["facts"];
    const auto fact = [&](const char* name) { return shortest(facts[name].get<double>()); };
    EXPECT_EQ(say(*game, "[action] What is the rate?").observation,
              "The rate: " + fact("rate") + ". (Turns left: 9)");
    EXPECT_EQ(say(*game, "[answer] 3 +").outcome, Outcome::running) << "cannot be read";
    const std::string without_mark = "max(" + fact("least") + ", " + fact("base") + " + x * " +
                                     fact("rate") + " + ifelse(x > " + fact("limit") + ", " +
                                     fact("extra") + ", 0))";
    const StepResult half = say(*game, "[answer] " + without_mark);
    EXPECT_EQ(half.reward, facts["factor"].get<double>() == 1.0 ? 1.0 : 0.5) << without_mark;
    EXPECT_EQ(half.outcome, Outcome::done);
    game->reset(task_of(i));
    const std::string whole = "(" + without_mark + ") * (" + fact("factor") + " if v else 1)";
    EXPECT_EQ(say(*game, "[answer] " + whole).reward, 1.0) << whole;
  }
}

TEST(ColbenchGym, JudgesByTheNumberThatTheUserChangedTo) {
  const auto game = family_of(colbench::entry(), "{\"persona\":{\"drift_at\":1}}")->make();
  for (std::uint64_t i = 0; i < 20; ++i) {
    game->reset(task_of(i));
    const Json before = game->hidden_state()["facts"];
    say(*game, "[action] Hello?");
    EXPECT_NE(game->hidden_state()["facts"], before);
  }
}

TEST(MorePlayers, ReachTheirScores) {
  for (const EnvironmentEntry& entry :
       {colbench::entry(), persuade::entry(), turtle::entry(), travel::entry(), search::entry()}) {
    EXPECT_EQ(success(*family_of(entry), "expert", 200), 1.0) << entry.name;
    EXPECT_LT(success(*family_of(entry), "random", 200), 0.25) << entry.name;
  }
}

}  // namespace
}  // namespace turnhalle::user_gyms
