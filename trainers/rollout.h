// Rollouts: worlds × agents → sequences of token ids and the rows that credit is computed on.
//
// A sequence is one conversation as the policy saw it (its token ledger); a row is one episode.
// In the compact style an update episode goes on in the conversation of its task, so a sequence
// may hold two rows. Rows hold sampled tokens only; what the world said stays in the sequence.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/pool.h"
#include "core/scenario.h"
#include "trainers/algo/batch.h"

namespace turnhalle {

/// Tokens position … position+count-1 of a sequence are tokens token … token+count-1 of a row.
struct RowSpan {
  std::size_t row = 0;
  std::size_t position = 0;
  std::size_t token = 0;
  std::size_t count = 0;
};

struct Sequence {
  std::vector<std::int32_t> tokens;
  std::vector<std::uint8_t> sampled;  ///< one per token: 1 where the agent produced it
  std::vector<RowSpan> spans;         ///< one per turn, in order
};

/// One episode of a rollout.
struct RolloutRow {
  EpisodeKind kind = EpisodeKind::solve;
  std::int64_t position = 0;
  Outcome outcome = Outcome::running;
  std::optional<double> reward;
  bool success = false;
  std::vector<double> turn_reward;
  std::vector<std::int32_t> turn;  ///< of each sampled token
  std::vector<float> logprob;      ///< of each sampled token, as recorded while sampling
};

/// What one lifecycle left behind.
struct LifecycleRollout {
  std::vector<Sequence> sequences;  ///< spans name rows of this lifecycle
  std::vector<RolloutRow> rows;
};

/// Collects a lifecycle whose agent gives token ids; `finished` gets it at the end.
std::unique_ptr<Recorder> make_rollout_recorder(std::function<void(LifecycleRollout)> finished);

/// All rollouts of a step. Group g has the lifecycles g·group_size … (g+1)·group_size-1.
struct RolloutBatch {
  std::vector<Sequence> sequences;  ///< spans name rows of `rows`
  algo::Batch rows;
  std::vector<RolloutRow> episodes;  ///< one per row, without its token arrays
};
RolloutBatch assemble(std::vector<LifecycleRollout> rollouts, std::int64_t group_size);

/// Which lifecycles to play: groups first_group … first_group+groups-1 of `group_size` rollouts
/// of the same tasks, whose agents draw differently.
struct RolloutPlan {
  std::uint64_t seed = 0;
  Split split = Split::train;
  std::int64_t first_group = 0;
  std::int64_t groups = 1;
  std::int64_t group_size = 1;
  int in_flight = 256;
};

/// Plays the plan; the result does not depend on the order in which worlds end. `extra` may make
/// a second recorder (a store's) for a rollout's number in the plan; it may return null.
Result<std::vector<LifecycleRollout>> play_rollouts(
    const Scenario& scenario, const RolloutPlan& plan, const AgentFactory& agents,
    const std::function<bool()>& pump, const std::atomic<bool>* stop,
    const std::function<std::unique_ptr<Recorder>(std::int64_t)>& extra = nullptr);

}  // namespace turnhalle
