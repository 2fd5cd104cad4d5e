// Topics, rules, rewards and players of intention_gym.
#include "envs/user_gyms/intention_gym.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "envs/user_gyms/intention_topics.h"
#include "tests/envs/user_gyms/play_gym.h"

namespace turnhalle::user_gyms {
namespace {

TEST(IntentionTopics, HaveSixDifferentDetailsWithTwoOfEachImportance) {
  for (std::size_t i = 0; i < topic_count(); ++i) {
    std::set<std::size_t> details;
    std::multiset<std::int64_t> importances;
    for (const Topic::Need& need : topic(i).needs) {
      details.insert(need.detail);
      importances.insert(need.importance);
    }
    EXPECT_EQ(details.size(), kDetailsPerTopic) << topic(i).name;
    EXPECT_EQ(importances, (std::multiset<std::int64_t>{1, 1, 2, 2, 3, 3})) << topic(i).name;
  }
}

TEST(IntentionTopics, ReadTheirOwnQuestionsAndValues) {
  for (std::size_t i = 0; i < detail_count(); ++i) {
    EXPECT_EQ(details_in(detail(i).question), std::set<std::size_t>{i}) << detail(i).question;
    EXPECT_EQ(details_in(detail(i).name), std::set<std::size_t>{i}) << detail(i).name;
    for (std::size_t j = 0; j < kValuesPerDetail; ++j) {
      const Value value{i, j};
      EXPECT_EQ(values_in(name_of(value)), std::set<Value>{value}) << name_of(value);
      EXPECT_TRUE(details_in(name_of(value)).empty()) << name_of(value);
    }
  }
}

// Golden numbers of the released gym's rule: base by importance, 0.2 off for each further detail.
TEST(IntentionReward, FollowsThePaper) {
  EXPECT_DOUBLE_EQ(intention::question_reward(3, 1), 1.0);
  EXPECT_DOUBLE_EQ(intention::question_reward(2, 1), 0.7);
  EXPECT_DOUBLE_EQ(intention::question_reward(1, 1), 0.4);
  EXPECT_DOUBLE_EQ(intention::question_reward(3, 3), 0.6);
  EXPECT_NEAR(intention::question_reward(1, 2), 0.2, 1e-12);
  EXPECT_DOUBLE_EQ(intention::question_reward(1, 4), 0.0);
  EXPECT_DOUBLE_EQ(intention::question_reward(0, 0), 0.0);
}

const std::string kIntentionCompact = "{\"missing\":3,\"turns\":5,\"reward\":\"delivery\"}";

// The missing details of a fresh episode: name and value.
std::vector<std::pair<std::string, std::string>> missing_of(const Environment& game) {
  std::vector<std::pair<std::string, std::string>> missing;
  const Json state = game.hidden_state();
  for (const auto& [name, entry] : state["missing"].items()) {
    missing.emplace_back(name, entry["value"].get<std::string>());
  }
  return missing;
}

TEST(IntentionGym, NamesTheOtherDetailsAtOnceAndNoneThatIsMissing) {
  const auto game = family_of(intention::entry())->make();
  for (std::uint64_t i = 0; i < 50; ++i) {
    const std::string text = game->reset(task_of(i)).user;
    const auto missing = missing_of(*game);
    EXPECT_GE(missing.size(), 2U);
    EXPECT_LE(missing.size(), 4U);
    EXPECT_EQ(values_in(text).size(), kDetailsPerTopic - missing.size()) << text;
    for (const auto& [name, value] : missing) {
      EXPECT_EQ(text.find(value), std::string::npos) << text;
    }
  }
}

TEST(IntentionGym, PaysForCoveringOneByOneAndLessForAllAtOnce) {
  const auto game = family_of(intention::entry(), "{\"missing\":3}")->make();
  for (std::uint64_t i = 0; i < 20; ++i) {
    game->reset(task_of(i));
    const auto missing = missing_of(*game);
    double sum = 0.0;
    StepResult result;
    for (const auto& [name, value] : missing) {
      EXPECT_EQ(result.outcome, Outcome::running);
      result = say(*game, "[action] What " + name + " would you like?");
      EXPECT_NE(result.observation.find(value), std::string::npos) << result.observation;
      EXPECT_GT(result.reward, 0.0);
      sum += result.reward;
    }
    EXPECT_NEAR(sum, 1.0, 1e-9);
    EXPECT_EQ(result.outcome, Outcome::done);

    game->reset(task_of(i));
    std::string all = "[action] Which";
    for (const auto& [name, value] : missing) all += " " + name;
    const StepResult at_once = say(*game, all + "?");
    EXPECT_EQ(at_once.outcome, Outcome::done);
    EXPECT_LT(at_once.reward, 0.6);
  }
}

TEST(IntentionGym, SaysNothingNewTwiceAndNothingUnasked) {
  const auto game = family_of(intention::entry(), "{\"missing\":2}")->make();
  game->reset(task_of(4));
  const auto missing = missing_of(*game);
  EXPECT_EQ(say(*game, "[action] What else?").observation,
            "No information found. (Turns left: 19)");
  const StepResult first = say(*game, "[action] " + missing[0].first + "?");
  EXPECT_EQ(first.observation.find(missing[1].second), std::string::npos);
  const StepResult again = say(*game, "[action] " + missing[0].first + "?");
  EXPECT_NE(again.observation.find(missing[0].second), std::string::npos);
  EXPECT_EQ(again.reward, 0.0);
}

TEST(IntentionGym, DeliversOnlyWithEveryValueRight) {
  const auto game = family_of(intention::entry(), kIntentionCompact)->make();
  for (std::uint64_t i = 0; i < 20; ++i) {
    game->reset(task_of(i));
    std::string right;
    for (const auto& [name, value] : missing_of(*game)) right += " " + value;
    EXPECT_EQ(say(*game, "[answer]" + right).reward, 1.0) << right;
    game->reset(task_of(i));
    const std::string short_of_one = right.substr(0, right.rfind(' '));
    EXPECT_EQ(say(*game, "[answer]" + short_of_one).reward, 0.0) << short_of_one;
    game->reset(task_of(i));
    std::string everything = "[answer]";
    for (std::size_t j = 0; j < detail_count(); ++j) {
      for (std::size_t k = 0; k < kValuesPerDetail; ++k) everything += " " + name_of(Value{j, k});
    }
    const StepResult result = say(*game, everything);
    EXPECT_EQ(result.reward, 0.0);
    EXPECT_EQ(result.outcome, Outcome::done);
  }
}

// Four standard errors of 4 000 games at 0.05: 0.014.
TEST(IntentionPlayers, ReachTheirScores) {
  const auto family = family_of(intention::entry(), kIntentionCompact, PromptStyle::compact);
  EXPECT_EQ(success(*family, "expert", 1'000), 1.0);
  EXPECT_NEAR(success(*family, "demonstrator", 4'000), 0.050, 0.014);
  EXPECT_NEAR(success(*family, "random", 4'000), 0.007, 0.006);
  EXPECT_EQ(success(*family_of(intention::entry()), "expert", 1'000), 1.0);
  EXPECT_NEAR(success(*family_of(intention::entry()), "random", 1'000), 0.55, 0.065);
}

TEST(IntentionPlayers, DemonstratorLeavesMostGroupsWithoutAnOutcomeToCompare) {
  const auto family = family_of(intention::entry(), kIntentionCompact, PromptStyle::compact);
  EXPECT_GT(equal_groups(*family, "demonstrator", 600), 0.6);
}

TEST(IntentionOptions, WrongOnesAreNamed) {
  for (const std::string options :
       {"{\"missing\":6}", "{\"missing\":[3,2]}", "{\"reward\":\"all\"}", "{\"turns\":41}"}) {
    const auto family = read_options(intention::entry(), options, PromptStyle::paper);
    ASSERT_FALSE(family) << options;
    EXPECT_NE(family.error().text().find("options.json:1:"), std::string::npos);
  }
}

}  // namespace
}  // namespace turnhalle::user_gyms
