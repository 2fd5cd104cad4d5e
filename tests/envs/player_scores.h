// Plays lifecycles of a scenario with one of its players and gives the scores by position.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "core/playthrough.h"
#include "envs/all.h"
#include "envs/task_sequence.h"

namespace turnhalle {

inline Scenario scenario_named(const std::string& name) {
  return read_scenario(TURNHALLE_SOURCE_DIR "/scenarios/" + name + ".json", all_environments())
      .value();
}

/// Means over lifecycles, by position, and the standard errors of the means.
struct PositionScores {
  std::vector<double> success;
  std::vector<double> reward;
  std::vector<double> success_error;
  std::vector<double> reward_error;
};

/// Adds up one player's episodes; every update must be readable and every action legal.
class ScoreSums final : public Recorder {
 public:
  struct Sums {
    double success = 0.0;
    double reward = 0.0;
    double squares = 0.0;
  };
  explicit ScoreSums(std::vector<Sums>& sums) : sums_(sums) {}
  void episode_started(std::int64_t, const EpisodeStart& start) override {
    solves_ = start.kind == EpisodeKind::solve;
    position_ = static_cast<std::size_t>(start.position);
  }
  void turn_played(const TurnRecord&) override {}
  void episode_ended(std::int64_t, const EpisodeEnd& end) override {
    if (!solves_) {
      EXPECT_EQ(end.outcome, Outcome::done);
      return;
    }
    EXPECT_NE(end.outcome, Outcome::agent_error);
    Sums& sums = sums_[position_];
    sums.success += end.success ? 1.0 : 0.0;
    sums.reward += end.reward.value();
    sums.squares += end.reward.value() * end.reward.value();
  }
  void lifecycle_ended() override {}

 private:
  std::vector<Sums>& sums_;
  bool solves_ = true;
  std::size_t position_ = 0;
};

inline PositionScores score_player(const Scenario& scenario, const std::string& role,
                                   std::int64_t lifecycles) {
  std::vector<ScoreSums::Sums> sums(static_cast<std::size_t>(scenario.lifecycle.tasks));
  const RunSeed seed{11, Split::test, 0};
  for (std::int64_t index = 0; index < lifecycles; ++index) {
    World world(make_lifecycle(scenario, seed, {index}), {{index}, seed.agent({index}), {}},
                std::make_unique<ScoreSums>(sums));
    const auto player = scenario.family->make_player(role);
    world.start();
    while (!world.finished()) {
      world.deliver(reply_of(*player, world.conversation()));
    }
  }
  PositionScores scores;
  const auto n = static_cast<double>(lifecycles);
  for (const ScoreSums::Sums& sum : sums) {
    const double p = sum.success / n;
    const double mean = sum.reward / n;
    scores.success.push_back(p);
    scores.success_error.push_back(std::sqrt(p * (1.0 - p) / n));
    scores.reward.push_back(mean);
    scores.reward_error.push_back(std::sqrt(std::max(0.0, sum.squares / n - mean * mean) / n));
  }
  return scores;
}

}  // namespace turnhalle
