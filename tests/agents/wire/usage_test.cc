// What agents outside the process took, summed and by lifecycle.
#include "agents/usage.h"

#include <gtest/gtest.h>

namespace turnhalle {
namespace {

TEST(UsageLog, SumsTurnsAndRemembersTheFirstFailure) {
  UsageLog log;
  for (int i = 1; i <= 10; ++i) {
    log.add({i % 2}, {.turns = 1, .tries = 2, .prompt_tokens = 10, .seconds = 0.1 * i}, "");
  }
  log.add({0}, {.turns = 1, .tries = 3, .failures = 1, .seconds = 2.0, .cost = 0.5}, "refused");
  log.add({0}, {.turns = 1, .tries = 3, .failures = 1, .seconds = 2.0}, "closed");
  const Json json = log.to_json();
  EXPECT_EQ(json["turns"], 12);
  EXPECT_EQ(json["tries"], 26);
  EXPECT_EQ(json["failures"], 2);
  EXPECT_EQ(json["prompt_tokens"], 100);
  EXPECT_EQ(json["cost"], 0.5);
  EXPECT_EQ(json["mean_logprob"], nullptr);
  EXPECT_EQ(json["first_failure"], "refused");
  EXPECT_NEAR(json["seconds_per_turn"]["p50"].get<double>(), 0.6, 1e-6);
  EXPECT_NEAR(json["seconds_per_turn"]["p90"].get<double>(), 2.0, 1e-6);
  EXPECT_NEAR(json["seconds_per_turn"]["mean"].get<double>(), 9.5 / 12, 1e-6);
}

TEST(UsageLog, GivesOutALifecycleOnce) {
  UsageLog log;
  log.add({3}, {.turns = 1, .logprob_tokens = 2, .logprob_sum = -3.0}, "");
  log.add({4}, {.turns = 1}, "");
  EXPECT_EQ(log.take({3}).logprob_sum, -3.0);
  EXPECT_EQ(log.take({3}).turns, 0);
  EXPECT_EQ(log.total().turns, 2);
  EXPECT_EQ(log.to_json()["mean_logprob"], -1.5);
}

TEST(UsageLog, OfNothingHasNoSeconds) {
  EXPECT_EQ(UsageLog().to_json()["seconds_per_turn"], nullptr);
}

}  // namespace
}  // namespace turnhalle
