// Rules, parser and players of guess_number.
#include "envs/guess_number.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/envs/family_case.h"

namespace turnhalle::guess_number {
namespace {

Task task_of(std::uint64_t number) {
  const RandomKey key = RandomKey::from_seed(3);
  return {key.split("hidden"), key.split("task").split(number), 0};
}

std::int64_t secret_of(const Environment& environment) {
  return environment.hidden_state()["secret"].get<std::int64_t>();
}

TEST(GuessNumber, SecretsAreUniform) {
  const auto game = family_of(entry())->make();
  std::map<std::int64_t, int> counts;
  for (std::uint64_t i = 0; i < 4500; ++i) {
    game->reset(task_of(i));
    ++counts[secret_of(*game)];
  }
  ASSERT_EQ(counts.size(), 9u);
  for (const auto& [secret, count] : counts) {
    EXPECT_NEAR(count, 500, 105) << secret;
  }
}

TEST(GuessNumber, AnswersSayWhereTheSecretIs) {
  for (std::uint64_t i = 0; i < 50; ++i) {
    const auto game = family_of(entry(), "{\"guesses\":64}")->make();
    EXPECT_EQ(game->reset(task_of(i)).user,
              "Guess a number from 1 to 9. Reply with the number only.");
    const std::int64_t secret = secret_of(*game);
    for (std::int64_t number = 1; number <= 9; ++number) {
      if (number == secret) continue;
      const StepResult result = say(*game, std::to_string(number));
      EXPECT_EQ(result.outcome, Outcome::running);
      EXPECT_EQ(result.observation, number < secret ? "Higher" : "Lower");
      EXPECT_EQ(result.reward, 0.0);
    }
    const StepResult found = say(*game, std::to_string(secret));
    EXPECT_EQ(found.outcome, Outcome::done);
    EXPECT_EQ(found.reward, 1.0);
  }
}

TEST(GuessNumber, EndsWhenTheGuessesAreUsedUp) {
  const auto game = family_of(entry(), "{\"guesses\":2}")->make();
  game->reset(task_of(0));
  const std::string wrong = secret_of(*game) == 1 ? "2" : "1";
  EXPECT_EQ(say(*game, wrong).outcome, Outcome::running);
  EXPECT_EQ(say(*game, wrong).outcome, Outcome::truncated);
}

TEST(GuessNumber, ReadsExactlyOneNumber) {
  const std::vector<std::string> readable = {"5",   " 5\n", "I guess 5.",   "**5**",
                                             "005", "5!",   "Higher than 5"};
  const std::vector<std::string> unreadable = {
      "", "five", "5 or 6", "-5", "3.5", "0", "10", "55", "5 5", "99999999999999999999999"};
  for (const std::string& text : readable) {
    const auto game = family_of(entry(), "{\"guesses\":1}")->make();
    game->reset(task_of(0));
    EXPECT_NE(say(*game, text).outcome, Outcome::agent_error) << text;
  }
  for (const std::string& text : unreadable) {
    const auto game = family_of(entry(), "{\"guesses\":1}")->make();
    game->reset(task_of(0));
    const StepResult result = say(*game, text);
    EXPECT_EQ(result.outcome, Outcome::agent_error) << text;
    EXPECT_EQ(result.reward, 0.0) << text;
  }
}

double success(const std::string& role, std::uint64_t games) {
  const auto family = family_of(entry());
  const auto game = family->make();
  const auto player = family->make_player(role);
  double sum = 0.0;
  for (std::uint64_t i = 0; i < games; ++i) {
    game->reset(task_of(i));
    for (std::int64_t turn = 0;; ++turn) {
      const RandomKey key = RandomKey::from_seed(i).split(static_cast<std::uint64_t>(turn));
      const StepResult result =
          say(*game, player->play({*game, {}, EpisodeKind::solve, 0, turn}, key));
      sum += result.reward;
      if (result.outcome != Outcome::running) break;
    }
  }
  return sum / static_cast<double>(games);
}

// Exact values; four standard errors of 20 000 games are 0.014.
TEST(GuessNumberPlayers, ReachTheirScores) {
  EXPECT_NEAR(success("expert", 20'000), 7.0 / 9.0, 0.014);
  EXPECT_NEAR(success("random", 20'000), 1.0 - 512.0 / 729.0, 0.014);
  EXPECT_NEAR(success("consistent", 20'000), 0.5695, 0.014);
  EXPECT_NEAR(success("demonstrator", 20'000), 0.4287, 0.014);
}

TEST(GuessNumberOptions, WrongOnesAreNamed) {
  for (const std::string& options : {std::string("{\"low\":5,\"high\":5}"),
                                     std::string("{\"high\":0}"), std::string("{\"guess\":3}")}) {
    const auto family = read_options(entry(), options, PromptStyle::paper);
    ASSERT_FALSE(family) << options;
    EXPECT_NE(family.error().text().find("options.json:1:"), std::string::npos);
  }
}

}  // namespace
}  // namespace turnhalle::guess_number
