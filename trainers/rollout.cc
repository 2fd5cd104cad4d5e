#include "trainers/rollout.h"

#include <utility>

#include "envs/task_sequence.h"

namespace turnhalle {
namespace {

class RolloutRecorder final : public Recorder {
 public:
  explicit RolloutRecorder(std::function<void(LifecycleRollout)> finished)
      : finished_(std::move(finished)) {}

  void episode_started(std::int64_t, const EpisodeStart& start) override {
    if (!start.continues || rollout_.sequences.empty()) rollout_.sequences.emplace_back();
    RolloutRow row;
    row.kind = start.kind;
    row.position = start.position;
    rollout_.rows.push_back(std::move(row));
  }

  void turn_played(const TurnRecord& turn) override {
    RolloutRow& row = rollout_.rows.back();
    row.turn_reward.push_back(turn.result.reward);
    if (!turn.reply.tokens) {
      return;  // the agent failed before it said anything
    }
    Sequence& sequence = rollout_.sequences.back();
    const ReplyTokens& tokens = *turn.reply.tokens;
    append(sequence, tokens.observed, 0);
    sequence.spans.push_back({rollout_.rows.size() - 1, sequence.tokens.size(), row.turn.size(),
                              tokens.sampled.size()});
    append(sequence, tokens.sampled, 1);
    row.turn.insert(row.turn.end(), tokens.sampled.size(), static_cast<std::int32_t>(turn.turn));
    row.logprob.insert(row.logprob.end(), tokens.logprobs.begin(), tokens.logprobs.end());
    row.logprob.resize(row.turn.size());
  }

  void episode_ended(std::int64_t, const EpisodeEnd& end) override {
    RolloutRow& row = rollout_.rows.back();
    row.outcome = end.outcome;
    row.reward = end.reward;
    row.success = end.success;
  }

  void lifecycle_ended() override { finished_(std::move(rollout_)); }

 private:
  static void append(Sequence& sequence, const std::vector<std::int32_t>& ids,
                     std::uint8_t sampled) {
    sequence.tokens.insert(sequence.tokens.end(), ids.begin(), ids.end());
    sequence.sampled.insert(sequence.sampled.end(), ids.size(), sampled);
  }

  std::function<void(LifecycleRollout)> finished_;
  LifecycleRollout rollout_;
};

void append_row(algo::Batch& batch, const RolloutRow& row) {
  batch.reward.push_back(row.reward.value_or(0.0));
  batch.has_reward.push_back(row.reward.has_value() ? 1 : 0);
  batch.truncated.push_back(row.outcome == Outcome::truncated ? 1 : 0);
  batch.position.push_back(row.position);
  batch.is_update.push_back(row.kind == EpisodeKind::update_context ? 1 : 0);
  batch.turn_reward.insert(batch.turn_reward.end(), row.turn_reward.begin(),
                           row.turn_reward.end());
  batch.turn_offset.push_back(batch.turn_reward.size());
  batch.turn.insert(batch.turn.end(), row.turn.begin(), row.turn.end());
  batch.mask.insert(batch.mask.end(), row.turn.size(), row.reward.has_value() ? 1 : 0);
  batch.logp_rollout.insert(batch.logp_rollout.end(), row.logprob.begin(), row.logprob.end());
  batch.offset.push_back(batch.turn.size());
}

}  // namespace

std::unique_ptr<Recorder> make_rollout_recorder(std::function<void(LifecycleRollout)> finished) {
  return std::make_unique<RolloutRecorder>(std::move(finished));
}

RolloutBatch assemble(std::vector<LifecycleRollout> rollouts, std::int64_t group_size) {
  RolloutBatch result;
  result.rows.turn_offset.push_back(0);
  for (std::size_t i = 0; i < rollouts.size(); ++i) {
    const std::size_t first_row = result.episodes.size();
    for (Sequence& sequence : rollouts[i].sequences) {
      for (RowSpan& span : sequence.spans) span.row += first_row;
      result.sequences.push_back(std::move(sequence));
    }
    for (RolloutRow& row : rollouts[i].rows) {
      result.rows.group.push_back(static_cast<std::int64_t>(i) / group_size);
      result.rows.lifecycle.push_back(static_cast<std::int64_t>(i) % group_size);
      append_row(result.rows, row);
      row.turn.clear();
      row.logprob.clear();
      result.episodes.push_back(std::move(row));
    }
  }
  return result;
}

Result<std::vector<LifecycleRollout>> play_rollouts(
    const Scenario& scenario, const RolloutPlan& plan, const AgentFactory& agents,
    const std::function<bool()>& pump, const std::atomic<bool>* stop,
    const std::function<std::unique_ptr<Recorder>(std::int64_t)>& extra) {
  std::vector<LifecycleIndex> indices;
  for (std::int64_t i = 0; i < plan.groups * plan.group_size; ++i) indices.push_back({i});
  std::vector<LifecycleRollout> rollouts(indices.size());
  PoolTask task;
  task.make_agent = agents;
  task.finished = [](World&, LifecycleIndex) {};
  task.make_world = [&](LifecycleIndex index) {
    const LifecycleIndex group{plan.first_group + index.value / plan.group_size};
    const RunSeed seed{plan.seed, plan.split, index.value % plan.group_size};
    std::vector<std::unique_ptr<Recorder>> recorders;
    recorders.push_back(make_rollout_recorder([&rollouts, index](LifecycleRollout rollout) {
      rollouts[static_cast<std::size_t>(index.value)] = std::move(rollout);
    }));
    if (extra) recorders.push_back(extra(index.value));
    return std::make_unique<World>(make_lifecycle(scenario, seed, group),
                                   WorldOptions{index, seed.agent(group), scenario.limits},
                                   tee(std::move(recorders)));
  };
  PoolOptions options;
  options.in_flight = plan.in_flight;
  options.stop = stop;
  options.pump = pump ? pump : [] { return false; };
  Result<bool> played = play_all(indices, task, options);
  if (!played) {
    return played.error();
  }
  if (!*played && (stop == nullptr || !*stop)) {
    return Error{scenario.file, "a world stopped before its end"};
  }
  return rollouts;
}

}  // namespace turnhalle
