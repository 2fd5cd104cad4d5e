// Success and reward by position.
#include <gtest/gtest.h>

#include "trainers/evaluation.h"

namespace turnhalle {
namespace {

RolloutRow row_of(EpisodeKind kind, std::int64_t position, std::optional<double> reward,
                  bool success) {
  RolloutRow row;
  row.kind = kind;
  row.position = position;
  row.reward = reward;
  row.success = success;
  row.turn_reward.assign(static_cast<std::size_t>(position + 2), 0.0);
  return row;
}

std::vector<LifecycleRollout> two_lifecycles() {
  std::vector<LifecycleRollout> rollouts(2);
  rollouts[0].rows = {row_of(EpisodeKind::solve, 0, 0.0, false),
                      row_of(EpisodeKind::update_context, 1, 0.0, true),
                      row_of(EpisodeKind::solve, 1, 0.9, true)};
  rollouts[1].rows = {row_of(EpisodeKind::solve, 0, 0.8, true),
                      row_of(EpisodeKind::update_context, 1, -0.1, false),
                      row_of(EpisodeKind::solve, 1, std::nullopt, false)};
  return rollouts;
}

TEST(Evaluation, CountsByPositionAndLeavesOutWhatHasNoReward) {
  const EvaluationReport report = summarise(40, two_lifecycles());
  EXPECT_EQ(report.step, 40);
  EXPECT_EQ(report.lifecycles, 2);
  ASSERT_EQ(report.positions.size(), 3U);
  EXPECT_EQ(report.positions[0].position, 0);
  EXPECT_EQ(report.positions[0].success.n, 2);
  EXPECT_DOUBLE_EQ(report.positions[0].success.mean, 0.5);
  EXPECT_DOUBLE_EQ(report.positions[0].reward.mean, 0.4);
  EXPECT_EQ(report.positions[1].success.n, 1);
  EXPECT_DOUBLE_EQ(report.positions[1].reward.mean, 0.9);
  EXPECT_EQ(report.positions[2].position, -1);
  EXPECT_EQ(report.positions[2].reward.n, 3);
  EXPECT_NEAR(report.positions[2].reward.mean, 1.7 / 3.0, 1e-12);
  EXPECT_DOUBLE_EQ(report.update_readable.mean, 0.5);
  EXPECT_NEAR(report.turns_mean, 7.0 / 3.0, 1e-12);
}

TEST(Evaluation, IsWrittenWithAllForTheLastRow) {
  const Json json = to_json(summarise(40, two_lifecycles()));
  EXPECT_EQ(json["step"], 40);
  EXPECT_EQ(json["positions"][1]["position"], 1);
  EXPECT_EQ(json["positions"][2]["position"], "all");
  EXPECT_EQ(json["positions"][2]["success"]["n"], 3);
}

TEST(Evaluation, OfNothingHasNullsAndNoNumbers) {
  const Json json = to_json(summarise(0, {}));
  ASSERT_EQ(json["positions"].size(), 1U);
  EXPECT_TRUE(json["positions"][0]["reward"]["mean"].is_null());
  EXPECT_EQ(json["turns"], 0.0);
}

}  // namespace
}  // namespace turnhalle
