// Lifecycles of guess_number played on a pool of threads, and what is kept of them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/pool.h"
#include "core/scenario.h"
#include "envs/all.h"
#include "envs/task_sequence.h"

namespace turnhalle {

struct PlayedLife {
  std::vector<AgentReply> replies;
  std::vector<EpisodeEnd> ends;
  bool ended = false;
};

inline const Scenario& guessing() {
  static const EnvironmentRegistry registry = all_environments();
  static const Scenario scenario =
      read_scenario(std::string(TURNHALLE_SOURCE_DIR) + "/scenarios/guess_number.json", registry)
          .value();
  return scenario;
}

class KeepingRecorder final : public Recorder {
 public:
  explicit KeepingRecorder(PlayedLife& into) : into_(into) {}
  void episode_started(std::int64_t, const EpisodeStart&) override {}
  void turn_played(const TurnRecord& turn) override { into_.replies.push_back(turn.reply); }
  void episode_ended(std::int64_t, const EpisodeEnd& end) override { into_.ends.push_back(end); }
  void lifecycle_ended() override { into_.ended = true; }

 private:
  PlayedLife& into_;
};

/// Plays lifecycles 0 … count-1; all of them are there afterwards, played or not.
inline std::vector<PlayedLife> play_guessing(const AgentFactory& agents, std::int64_t count,
                                             int threads,
                                             const std::atomic<bool>* stop = nullptr) {
  std::vector<PlayedLife> lives(static_cast<std::size_t>(count));
  std::vector<LifecycleIndex> indices;
  for (std::int64_t i = 0; i < count; ++i) indices.push_back({i});
  const RunSeed seed;
  PoolTask task;
  task.make_world = [&](LifecycleIndex index) {
    return std::make_unique<World>(
        make_lifecycle(guessing(), seed, index),
        WorldOptions{index, seed.agent(index), guessing().limits},
        std::make_unique<KeepingRecorder>(lives[static_cast<std::size_t>(index.value)]));
  };
  task.make_agent = agents;
  task.finished = [](World&, LifecycleIndex) {};
  PoolOptions options;
  options.threads = threads;
  options.stop = stop;
  const Result<bool> played = play_all(indices, task, options);
  EXPECT_TRUE(played.ok()) << (played ? "" : played.error().text());
  return lives;
}

/// The agent failed at its first turn, for a reason that one line tells in these words.
inline void expect_lost(const PlayedLife& life, const std::string& words) {
  EXPECT_TRUE(life.ended);
  ASSERT_EQ(life.ends.size(), 1U);
  EXPECT_EQ(life.ends[0].outcome, Outcome::infrastructure_error);
  EXPECT_FALSE(life.ends[0].reward.has_value());
  ASSERT_EQ(life.replies.size(), 1U);
  EXPECT_EQ(life.replies[0].failure, ReplyFailure::infrastructure);
  EXPECT_THAT(life.replies[0].failure_text, testing::HasSubstr(words));
  EXPECT_EQ(life.replies[0].failure_text.find('\n'), std::string::npos);
}

}  // namespace turnhalle
