#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>

#include "core/text.h"
#include "trainers/algo/compute.h"
#include "trainers/algo/compute_units.h"
#include "trainers/credit_log.h"
#include "trainers/steps.h"
#include "trainers/token_arrays.h"

namespace turnhalle {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

// How far the trainer's log-probs are from those recorded while sampling.
struct RolloutDifference {
  double sum = 0.0;
  double largest = 0.0;
  double tokens = 0.0;
  void add(double difference) {
    sum += difference;
    largest = std::max(largest, difference);
    tokens += 1.0;
  }
  void merge(const RolloutDifference& part) {
    sum += part.sum;
    largest = std::max(largest, part.largest);
    tokens += part.tokens;
  }
};

// One optimiser step's share of the batch, cut into micro-batches.
struct MiniBatch {
  algo::Batch rows;
  algo::Advantages advantages;
  algo::Denominators denominators;
  std::vector<std::vector<std::size_t>> micro_batches;     // of sequences
  std::vector<std::vector<std::size_t>> micro_batch_rows;  // of rows in `rows`
};

// Rows of a sequence, in the order of its targets.
std::vector<std::size_t> rows_of(const Sequence& sequence) {
  std::vector<std::size_t> rows;
  for (const RowSpan& span : sequence.spans) {
    if (rows.empty() || rows.back() != span.row) rows.push_back(span.row);
  }
  return rows;
}

MiniBatch make_mini_batch(const RolloutBatch& batch, const algo::Advantages& advantages,
                          const std::vector<std::size_t>& sequences, std::int64_t tokens_max) {
  MiniBatch mini;
  std::vector<std::size_t> rows;
  std::vector<std::size_t> place(batch.rows.rows(), 0);
  for (const std::size_t sequence : sequences) {
    for (const std::size_t row : rows_of(batch.sequences[sequence])) {
      place[row] = rows.size();
      rows.push_back(row);
    }
  }
  mini.rows = algo::select_rows(batch.rows, rows);
  mini.advantages = algo::select_rows(advantages, batch.rows, rows);
  mini.denominators = algo::global_denominators(mini.rows, mini.advantages);
  mini.micro_batches = make_micro_batches(batch.sequences, sequences, tokens_max);
  for (const std::vector<std::size_t>& micro : mini.micro_batches) {
    std::vector<std::size_t> micro_rows;
    for (const std::size_t sequence : micro) {
      for (const std::size_t row : rows_of(batch.sequences[sequence])) {
        micro_rows.push_back(place[row]);
      }
    }
    mini.micro_batch_rows.push_back(std::move(micro_rows));
  }
  return mini;
}

// Sequences whose group belongs to mini-batch `index` of `count`.
std::vector<std::size_t> sequences_of(const RolloutBatch& batch, std::int64_t groups,
                                      std::int64_t index, std::int64_t count) {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < batch.sequences.size(); ++i) {
    if (batch.sequences[i].spans.empty()) continue;
    const std::int64_t group = batch.rows.group[batch.sequences[i].spans.front().row];
    if (group * count / groups == index) result.push_back(i);
  }
  return result;
}

// What `learner` gives the sampled tokens of `sequences`, as an array over the batch's tokens.
std::vector<double> score_rows(const StepContext& context, Learner& learner,
                               std::span<const Sequence> sequences, const algo::Batch& rows,
                               double absent = 0.0) {
  LearnerWork work;
  work.sequences = sequences;
  work.temperature = static_cast<float>(context.experiment.reinforcement.temperature);
  std::vector<std::size_t> all(sequences.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  work.micro_batches =
      make_micro_batches(sequences, all, context.experiment.tokens_per_micro_batch);
  return scatter(sequences, learner.score(work), rows, absent);
}

// Loss and gradient of one micro-batch in the terms of the recipe.
struct MicroResult {
  algo::ObjectiveResult objective;
  RolloutDifference difference;
  double entropy_sum = 0.0;
  std::optional<Error> error;
};

// The sums over the micro-batches of a mini-batch, and the update that followed.
struct MiniBatchResult {
  MicroResult total;
  UpdateReport update;
};

// Means over the step's mini-batches. How far the policy is from the one that sampled is told of
// the first, before any weight moved.
class UpdateMetrics {
 public:
  void add(const MiniBatchResult& result) {
    const MicroResult& total = result.total;
    const double tokens = std::max(1.0, total.difference.tokens);
    if (count_ == 0.0) {
      first_["training/rollout_logprob_abs_diff"] = total.difference.sum / tokens;
      first_["training/rollout_logprob_abs_diff_max"] = total.difference.largest;
    }
    count_ += 1.0;
    sums_["actor/pg_loss"] += total.objective.loss;
    sums_["actor/grad_norm"] += result.update.gradient_norm;
    sums_["actor/entropy"] += total.entropy_sum / tokens;
    for (const auto& [name, value] : total.objective.metrics) sums_["actor/" + name] += value;
  }

  void write(StepMetrics& metrics) const {
    for (const auto& [name, sum] : sums_) metrics[name] = sum / count_;
    for (const auto& [name, value] : first_) metrics[name] = value;
  }

 private:
  double count_ = 0.0;
  StepMetrics sums_, first_;
};

TokenLoss objective_loss(const algo::Recipe& recipe, const MiniBatch& mini, std::size_t index,
                         const ScoredTokens& scored, MicroResult& result) {
  const std::vector<std::size_t>& rows = mini.micro_batch_rows[index];
  algo::Batch part = algo::select_rows(mini.rows, rows);
  part.logp.assign(scored.logp.begin(), scored.logp.end());
  part.entropy.assign(scored.entropy.begin(), scored.entropy.end());
  if (part.logp_old.empty()) part.logp_old = part.logp;
  const algo::Advantages advantages = algo::select_rows(mini.advantages, mini.rows, rows);
  for (std::size_t t = 0; t < part.logp.size(); ++t) {
    if (advantages.mask[t] == 0) continue;
    result.difference.add(std::abs(part.logp[t] - part.logp_rollout[t]));
    result.entropy_sum += part.entropy[t];
  }
  TokenLoss loss;
  loss.d_logp.assign(part.logp.size(), 0.0F);
  Result<algo::ObjectiveResult> objective =
      algo::compute_objective(recipe, part, advantages, mini.denominators);
  if (!objective) {
    result.error = objective.error();
    return loss;
  }
  result.objective = *std::move(objective);
  loss.loss = result.objective.loss;
  loss.d_logp.assign(result.objective.grad_logp.begin(), result.objective.grad_logp.end());
  loss.d_entropy.assign(result.objective.grad_entropy.begin(), result.objective.grad_entropy.end());
  return loss;
}

MiniBatchResult run_mini_batch(const StepContext& context, const RolloutBatch& batch,
                               const MiniBatch& mini, const OptimizerStep& step) {
  LearnerWork work;
  work.sequences = batch.sequences;
  work.micro_batches = mini.micro_batches;
  work.temperature = static_cast<float>(context.experiment.reinforcement.temperature);
  std::vector<MicroResult> parts(mini.micro_batches.size());
  context.learner.accumulate(work, [&](std::size_t index, const ScoredTokens& scored) {
    return objective_loss(context.experiment.reinforcement.recipe, mini, index, scored,
                          parts[index]);
  });
  MiniBatchResult result;
  MicroResult& total = result.total;
  for (const MicroResult& part : parts) {
    algo::merge(total.objective, part.objective);
    total.difference.merge(part.difference);
    total.entropy_sum += part.entropy_sum;
    if (part.error && !total.error) total.error = part.error;
  }
  if (!total.error) result.update = context.learner.update(step);
  return result;
}

// Statistics of what was played, under verl's names.
void add_rollout_metrics(const RolloutBatch& batch, const algo::Advantages& advantages,
                         StepMetrics& metrics) {
  double reward = 0.0, squares = 0.0, solves = 0.0, successes = 0.0, turns = 0.0;
  double updates = 0.0, readable = 0.0;
  std::map<std::int64_t, std::pair<double, double>> by_position;
  for (const RolloutRow& row : batch.episodes) {
    if (!row.reward) continue;
    if (row.kind == EpisodeKind::update_context) {
      updates += 1.0;
      readable += row.success ? 1.0 : 0.0;
      continue;
    }
    solves += 1.0;
    reward += *row.reward;
    squares += *row.reward * *row.reward;
    successes += row.success ? 1.0 : 0.0;
    turns += static_cast<double>(row.turn_reward.size());
    by_position[row.position].first += *row.reward;
    by_position[row.position].second += 1.0;
  }
  if (solves > 0.0) {
    metrics["critic/rewards/mean"] = reward / solves;
    metrics["critic/rewards/std"] =
        std::sqrt(std::max(0.0, squares / solves - reward * reward / (solves * solves)));
    metrics["critic/score/mean"] = successes / solves;
    metrics["num_turns/mean"] = turns / solves;
  }
  for (const auto& [position, sums] : by_position) {
    metrics["critic/rewards/position_" + std::to_string(position)] = sums.first / sums.second;
  }
  if (updates > 0.0) metrics["critic/update_readable"] = readable / updates;
  double degenerate = 0.0;
  for (const algo::GroupReport& group : advantages.groups) degenerate += group.degenerate ? 1 : 0;
  if (!advantages.groups.empty()) {
    metrics["training/zero_variance_groups"] =
        degenerate / static_cast<double>(advantages.groups.size());
  }
  double sum = 0.0, absolute = 0.0, tokens = 0.0;
  for (std::size_t t = 0; t < advantages.per_token.size(); ++t) {
    if (advantages.mask[t] == 0) continue;
    sum += advantages.per_token[t];
    absolute += std::abs(advantages.per_token[t]);
    tokens += 1.0;
  }
  if (tokens > 0.0) {
    metrics["critic/advantages/mean"] = sum / tokens;
    metrics["critic/advantages/abs_mean"] = absolute / tokens;
  }
  metrics["response_length/mean"] =
      static_cast<double>(batch.rows.tokens()) / std::max<double>(1.0, turns + updates);
  for (const auto& [name, value] : advantages.metrics) metrics["algo/" + name] = value;
}

// Log-probs of replies with the feedback before them overwritten, under the policy as it is.
Status add_masked_scores(const StepContext& context, RolloutBatch& batch) {
  const lm::Tokenizer& tokenizer = context.policy.tokenizer();
  const std::string& text = context.experiment.reinforcement.placeholder;
  const std::vector<lm::TokenId> placeholder = tokenizer.encode(text);
  if (placeholder.empty()) {
    return Error{context.experiment.file + " at /reinforcement/placeholder",
                 "expected a text that the policy's vocabulary can spell; found " + shown(text)};
  }
  const std::vector<Sequence> masked =
      make_counterfactuals(batch, tokenizer, context.policy.chat_template(), placeholder);
  batch.rows.logp_masked = score_rows(context, context.learner, masked, batch.rows,
                                      std::numeric_limits<double>::quiet_NaN());
  return ok_status();
}

// Fills the arrays that the recipe reads, before any weight moves.
Status add_arrays(const StepContext& context, RolloutBatch& batch) {
  const algo::Recipe& recipe = context.experiment.reinforcement.recipe;
  const std::vector<std::string> arrays = algo::arrays_for_advantages(recipe);
  const auto reads = [&arrays](std::string_view name) {
    return std::find(arrays.begin(), arrays.end(), name) != arrays.end();
  };
  const bool several = recipe.update.epochs * recipe.update.mini_batches > 1;
  if ((several && recipe.objective.anchor == algo::Anchor::old) || reads("logp_old") ||
      reads("info_gain")) {
    batch.rows.logp_old = score_rows(context, context.learner, batch.sequences, batch.rows);
  }
  if (context.reference != nullptr) {
    batch.rows.logp_ref = score_rows(context, *context.reference, batch.sequences, batch.rows);
  }
  if (reads("anchor")) batch.rows.anchor = anchor_states(batch);
  if (reads("structure")) {
    batch.rows.structure =
        structure_marks(batch, context.policy.tokenizer(), context.policy.chat_template());
  }
  return reads("info_gain") ? add_masked_scores(context, batch) : ok_status();
}

OptimizerStep optimiser_step(const Experiment& experiment, std::int64_t step) {
  const algo::Update& update = experiment.reinforcement.recipe.update;
  OptimizerStep result;
  result.kind = experiment.reinforcement.optimizer;
  result.learning_rate = experiment.reinforcement.schedule.at(step, experiment.reinforcement.steps);
  result.beta1 = update.beta1;
  result.beta2 = update.beta2;
  result.eps = update.adam_eps;
  result.weight_decay = update.weight_decay;
  result.gradient_norm_max = update.gradient_norm_max;
  return result;
}

// Whether each group has a token in the loss.
std::vector<bool> trains(const algo::Recipe& recipe, const algo::Batch& rows, std::size_t groups) {
  const algo::LossMask mask = algo::make_loss_mask(recipe, rows);
  std::vector<bool> result(groups, false);
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    for (std::size_t t = rows.offset[row]; t < rows.offset[row + 1]; ++t) {
      if (mask.token[t] != 0) result[static_cast<std::size_t>(rows.group[row])] = true;
    }
  }
  return result;
}

Result<std::vector<LifecycleRollout>> play_groups(const StepContext& context, std::int64_t first,
                                                  std::int64_t groups, bool recorded) {
  RolloutPlan plan;
  plan.seed = context.experiment.seed;
  plan.first_group = first;
  plan.groups = groups;
  plan.group_size = context.experiment.reinforcement.group_size;
  std::vector<std::unique_ptr<Recorder>> recorders;  // made before worlds are, in order
  for (std::int64_t trial = 0; recorded && context.recorder && trial < plan.group_size; ++trial) {
    recorders.push_back(context.recorder(trial, LifecycleIndex{first}));
  }
  return play_rollouts(
      context.experiment.scenario, plan,
      [&](LifecycleIndex) { return context.policy.make_agent(); },
      [&] { return context.policy.pump(); }, context.stop,
      [&](std::int64_t number) -> std::unique_ptr<Recorder> {
        const auto place = static_cast<std::size_t>(number);
        return place < recorders.size() ? std::move(recorders[place]) : nullptr;
      });
}

// The tasks of reinforcement follow those of imitation, and each round of refill follows all steps
// of the round before: every group is new, also in a run that is resumed.
std::int64_t first_group(const Experiment& experiment, std::int64_t step, std::int64_t round) {
  const Reinforcement& rl = experiment.reinforcement;
  return experiment.warm_start.steps * experiment.warm_start.lifecycles_per_step +
         (round * rl.steps + step) * rl.groups_per_step;
}

// The step's groups. With refill, groups that the recipe's filter takes out are replaced by new
// ones, for as many rounds as the experiment allows (DAPO's dynamic sampling, arXiv 2503.14476).
Result<RolloutBatch> play_step(const StepContext& context, std::int64_t step) {
  const Experiment& experiment = context.experiment;
  const Reinforcement& rl = experiment.reinforcement;
  context.policy.set_temperature(rl.temperature);
  std::vector<LifecycleRollout> kept;
  std::int64_t missing = rl.groups_per_step;
  for (std::int64_t round = 0; round <= rl.refill_rounds && missing > 0; ++round) {
    Result<std::vector<LifecycleRollout>> played =
        play_groups(context, first_group(experiment, step, round), missing, round == 0);
    if (!played || (context.stop != nullptr && *context.stop)) {
      return played ? Result<RolloutBatch>(RolloutBatch{}) : played.error();
    }
    const std::vector<bool> wanted =
        rl.refill_rounds == 0
            ? std::vector<bool>(static_cast<std::size_t>(missing), true)
            : trains(rl.recipe, assemble(*played, rl.group_size).rows,
                     static_cast<std::size_t>(missing));
    for (std::size_t i = 0; i < played->size(); ++i) {
      const std::size_t group = i / static_cast<std::size_t>(rl.group_size);
      if (wanted[group]) kept.push_back(std::move((*played)[i]));
    }
    missing = rl.groups_per_step - static_cast<std::int64_t>(kept.size()) / rl.group_size;
  }
  return assemble(std::move(kept), rl.group_size);
}

}  // namespace

Result<StepReport> reinforcement_step(const StepContext& context, std::int64_t step) {
  const Experiment& experiment = context.experiment;
  const algo::Recipe& recipe = experiment.reinforcement.recipe;
  const auto begin = Clock::now();
  Result<RolloutBatch> batch = play_step(context, step);
  if (!batch) {
    return batch.error();
  }
  StepReport report;
  if (context.stop != nullptr && *context.stop) {
    report.interrupted = true;
    return report;
  }
  const auto played = Clock::now();
  if (Status added = add_arrays(context, *batch); !added) {
    return added.error();
  }
  const auto scored = Clock::now();
  Result<algo::Advantages> advantages = algo::compute_advantages(recipe, batch->rows);
  if (!advantages) {
    return advantages.error();
  }
  add_rollout_metrics(*batch, *advantages, report.metrics);
  // With refill the first group of the batch need not be the one that was recorded.
  const Reinforcement& rl = experiment.reinforcement;
  if (context.recorder && rl.refill_rounds == 0) {
    report.credit = credit_lines(*batch, *advantages, experiment.warm_start.steps + step + 1,
                                 rl.recorded);
  }
  const OptimizerStep optimiser = optimiser_step(experiment, step);
  UpdateMetrics metrics;
  for (int epoch = 0; epoch < recipe.update.epochs; ++epoch) {
    for (int index = 0; index < recipe.update.mini_batches; ++index) {
      const std::vector<std::size_t> sequences =
          sequences_of(*batch, experiment.reinforcement.groups_per_step, index,
                       recipe.update.mini_batches);
      if (sequences.empty()) continue;
      const MiniBatch mini = make_mini_batch(*batch, *advantages, sequences,
                                             experiment.tokens_per_micro_batch);
      const MiniBatchResult result = run_mini_batch(context, *batch, mini, optimiser);
      if (result.total.error) {
        return *result.total.error;
      }
      report.skipped = report.skipped || result.update.skipped;
      if (report.bad_tensor.empty()) report.bad_tensor = result.update.bad_tensor;
      metrics.add(result);
    }
  }
  metrics.write(report.metrics);
  const auto end = Clock::now();
  std::int64_t tokens = 0;
  for (const Sequence& sequence : batch->sequences) {
    tokens += static_cast<std::int64_t>(sequence.tokens.size());
  }
  report.metrics["actor/lr"] = optimiser.learning_rate;
  report.metrics["timing_s/gen"] = seconds_between(begin, played);
  report.metrics["timing_s/old_log_prob"] = seconds_between(played, scored);
  report.metrics["timing_s/update_actor"] = seconds_between(scored, end);
  report.metrics["timing_s/step"] = seconds_between(begin, end);
  report.metrics["perf/total_num_tokens"] = static_cast<double>(tokens);
  report.metrics["perf/throughput"] = static_cast<double>(tokens) / seconds_between(begin, end);
  return report;
}

}  // namespace turnhalle
