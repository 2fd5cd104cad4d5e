#include <chrono>
#include <numeric>

#include "agents/scripted.h"
#include "trainers/steps.h"

namespace turnhalle {
namespace {

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

struct TargetWeights {
  std::vector<std::vector<float>> per_sequence;  ///< one per target token
  double sum = 0.0;
};

// 1 for what the demonstrator said, observation_weight for what the world said after that.
TargetWeights target_weights(std::span<const Sequence> sequences, double observation_weight) {
  TargetWeights weights;
  for (const Sequence& sequence : sequences) {
    std::vector<float> row;
    for (const std::size_t position : target_positions(sequence, TargetTokens::from_first_reply)) {
      row.push_back(sequence.sampled[position] != 0 ? 1.0F
                                                    : static_cast<float>(observation_weight));
      weights.sum += row.back();
    }
    weights.per_sequence.push_back(std::move(row));
  }
  return weights;
}

// Weighted mean of −log p over the whole step.
TokenLoss imitation_loss(const TargetWeights& weights, const ScoredTokens& scored) {
  TokenLoss result;
  result.d_logp.reserve(scored.logp.size());
  std::size_t token = 0;
  for (const std::size_t sequence : scored.sequences) {
    for (const float weight : weights.per_sequence[sequence]) {
      const double share = weight / weights.sum;
      if (weight != 0.0F) result.loss -= share * scored.logp[token];
      result.d_logp.push_back(static_cast<float>(-share));
      ++token;
    }
  }
  return result;
}

}  // namespace

Result<StepReport> imitation_step(const StepContext& context, std::int64_t step) {
  const auto begin = std::chrono::steady_clock::now();
  const WarmStart& warm = context.experiment.warm_start;
  const Scenario& scenario = context.experiment.scenario;
  RolloutPlan plan;
  plan.seed = context.experiment.seed;
  plan.first_group = step * warm.lifecycles_per_step;
  plan.groups = warm.lifecycles_per_step;
  const AgentFactory agents = [&](LifecycleIndex) {
    return lm::make_tokenised_agent(
        make_player_agent(scenario.family->make_player(warm.demonstrator)),
        context.policy.tokenizer(), context.policy.chat_template());
  };
  Result<std::vector<LifecycleRollout>> rollouts =
      play_rollouts(scenario, plan, agents, nullptr, context.stop);
  if (!rollouts) {
    return rollouts.error();
  }
  StepReport report;
  if (context.stop != nullptr && *context.stop) {
    report.interrupted = true;
    return report;
  }
  const RolloutBatch batch = assemble(*std::move(rollouts), 1);
  LearnerWork work;
  work.sequences = batch.sequences;
  work.targets = TargetTokens::from_first_reply;
  std::vector<std::size_t> all(batch.sequences.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  work.micro_batches =
      make_micro_batches(work.sequences, all, context.experiment.tokens_per_micro_batch);
  const TargetWeights weights = target_weights(work.sequences, warm.observation_weight);
  const double loss = context.learner.accumulate(
      work,
      [&](std::size_t, const ScoredTokens& scored) { return imitation_loss(weights, scored); });
  OptimizerStep update;
  update.kind = warm.optimizer;
  update.learning_rate = warm.schedule.at(step, warm.steps);
  update.beta2 = warm.beta2;
  update.weight_decay = warm.weight_decay;
  update.gradient_norm_max = 1.0;
  const UpdateReport updated = context.learner.update(update);
  report.skipped = updated.skipped;
  report.bad_tensor = updated.bad_tensor;
  std::int64_t tokens = 0;
  for (const Sequence& sequence : batch.sequences) {
    tokens += static_cast<std::int64_t>(sequence.tokens.size());
  }
  const double seconds = seconds_since(begin);
  report.metrics = {{"actor/sft_loss", loss},
                    {"actor/grad_norm", updated.gradient_norm},
                    {"actor/lr", update.learning_rate},
                    {"perf/total_num_tokens", static_cast<double>(tokens)},
                    {"perf/throughput", static_cast<double>(tokens) / seconds},
                    {"timing_s/step", seconds}};
  return report;
}

}  // namespace turnhalle
