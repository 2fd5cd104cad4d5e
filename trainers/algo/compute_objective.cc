// The second half of a recipe: advantages to a loss and its gradient. Denominators are global and
// rejection does not shrink them (AReaL, arXiv 2505.24298, and its code).
#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "trainers/algo/compute.h"

namespace turnhalle::algo {
namespace {

ClipCounts run_objective(const ObjectiveKind& kind, const ObjectiveInput& input,
                         const ObjectiveOutput& output) {
  if (const auto* rec = std::get_if<RecOneSide>(&kind)) {
    return rec_one_side(input, *rec, output);
  }
  if (const auto* ppo = std::get_if<PpoClip>(&kind)) {
    return ppo_clip(input, *ppo, output);
  }
  if (const auto* of_rows = std::get_if<Gspo>(&kind)) {
    return gspo(input, *of_rows, output);
  }
  if (const auto* capped = std::get_if<Cispo>(&kind)) {
    return cispo(input, *capped, output);
  }
  if (const auto* gated = std::get_if<Sapo>(&kind)) {
    return sapo(input, *gated, output);
  }
  return reinforce(input, Reinforce{}, output);
}

/// Sums over the tokens of a loss mask, for metrics.
struct LogProbSums {
  double ppo_kl = 0;
  double entropy = 0;
  double advantage = 0;
  double rollout_difference = 0;
  double rollout_difference_max = 0;
};

LogProbSums sum_up(const Batch& batch, const Advantages& advantages) {
  LogProbSums sums;
  for (std::size_t t = 0; t < batch.tokens(); ++t) {
    if (advantages.mask[t] == 0) {
      continue;
    }
    sums.advantage += advantages.per_token[t];
    if (!batch.logp_old.empty()) {
      sums.ppo_kl += batch.logp_old[t] - batch.logp[t];
    }
    if (!batch.entropy.empty()) {
      sums.entropy += batch.entropy[t];
    }
    if (!batch.logp_rollout.empty()) {
      const std::vector<double>& trained = batch.logp_old.empty() ? batch.logp : batch.logp_old;
      const double difference = std::abs(trained[t] - batch.logp_rollout[t]);
      sums.rollout_difference += difference;
      sums.rollout_difference_max = std::max(sums.rollout_difference_max, difference);
    }
  }
  return sums;
}

void add_metrics(const Batch& batch, const Advantages& advantages, double tokens,
                 std::map<std::string, double>& metrics) {
  const LogProbSums sums = sum_up(batch, advantages);
  const double share = inverse_or_zero(tokens);
  metrics["advantage_mean"] = sums.advantage * share;
  if (!batch.logp_old.empty()) {
    metrics["ppo_kl"] = sums.ppo_kl * share;
  }
  if (!batch.entropy.empty()) {
    metrics["entropy"] = sums.entropy * share;
  }
  if (!batch.logp_rollout.empty()) {
    metrics["rollout_logprob_abs_diff"] = sums.rollout_difference * share;
    metrics["rollout_logprob_abs_diff_max"] = sums.rollout_difference_max;
  }
}

/// Per-token losses of a micro-batch and their slopes.
struct TokenLosses {
  std::vector<double> policy;
  std::vector<double> grad_logp;
  std::vector<double> kl;          ///< the estimate; empty without the regulariser
  std::vector<double> row_factor;  ///< of the aggregation
};

void add_kl(const KlLoss& regulariser, const Batch& batch, const Advantages& advantages,
            TokenLosses& losses) {
  losses.kl.assign(batch.tokens(), 0.0);
  for (std::size_t t = 0; t < batch.tokens(); ++t) {
    if (advantages.mask[t] != 0) {
      const KlTerm term = kl_estimate(regulariser.estimator, batch.logp[t] - batch.logp_ref[t],
                                      regulariser.limits, regulariser.straight_through);
      losses.kl[t] = term.value;
      losses.grad_logp[t] += regulariser.coefficient * term.gradient;
    }
  }
}

/// Applies the rows' factors: sums the parts of the loss and scales the gradients.
void aggregate(const Recipe& recipe, const Batch& batch, const Advantages& advantages,
               const TokenLosses& losses, ObjectiveResult& result) {
  const std::vector<double>& factor = losses.row_factor;
  const double bonus = recipe.regularisers.entropy_coefficient;
  double policy = 0;
  double kl = 0;
  double entropy = 0;
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    for (std::size_t t = batch.offset[row]; t < batch.offset[row + 1]; ++t) {
      policy += factor[row] * losses.policy[t];
      result.grad_logp[t] = factor[row] * losses.grad_logp[t];
      kl += losses.kl.empty() ? 0.0 : factor[row] * losses.kl[t];
    }
    for (std::size_t t = batch.offset[row]; bonus != 0 && t < batch.offset[row + 1]; ++t) {
      if (advantages.mask[t] != 0) {
        entropy += factor[row] * batch.entropy[t];
        result.grad_entropy[t] = -bonus * factor[row];
      }
    }
  }
  result.loss = policy - bonus * entropy;
  result.metrics["pg_loss"] = policy;
  if (recipe.regularisers.kl.has_value()) {
    result.metrics["kl_loss"] = kl;
    result.loss += recipe.regularisers.kl->coefficient * kl;
  }
}

}  // namespace

Result<Weights> compute_weights(const Recipe& recipe, const Batch& batch,
                                std::span<const std::uint8_t> mask) {
  const Status status =
      require_arrays(batch, arrays_for_weights(recipe), "the recipe " + recipe.name);
  if (!status.ok()) {
    return status.error();
  }
  check(mask.size() == batch.tokens(), "a mark per token", mask.size(), batch.tokens());
  Weights result;
  result.keep.assign(mask.begin(), mask.end());
  result.weight.assign(mask.begin(), mask.end());
  if (!recipe.correction.has_value()) {
    return result;
  }
  std::vector<double> log_ratio(batch.tokens(), 0.0);
  for (std::size_t t = 0; t < batch.tokens(); ++t) {
    if (mask[t] != 0) {
      log_ratio[t] = batch.logp_old[t] - batch.logp_rollout[t];
    }
  }
  const CorrectionCounts counts = importance_weights(
      *recipe.correction, {batch.offset, mask, log_ratio, batch.turn}, result.weight, result.keep);
  const double share = inverse_or_zero(counts.tokens);
  result.metrics["tokens"] = counts.tokens;
  result.metrics["rejected_share"] = counts.rejected * share;
  result.metrics["truncated_share"] = counts.truncated * share;
  result.metrics["weight_mean"] =
      counts.weight_sum * inverse_or_zero(counts.tokens - counts.rejected);
  result.metrics["log_ratio_abs_mean"] = counts.abs_difference * share;
  result.metrics["log_ratio_abs_max"] = counts.abs_difference_max;
  return result;
}

Result<ObjectiveResult> compute_objective(const Recipe& recipe, const Batch& batch,
                                          const Advantages& advantages,
                                          const Denominators& denominators) {
  check_shapes(batch);
  const Status status = require_arrays(batch, arrays_for_loss(recipe), "the recipe " + recipe.name);
  if (!status.ok()) {
    return status.error();
  }
  Result<Weights> weights = compute_weights(recipe, batch, advantages.mask);
  if (!weights.ok()) {
    return weights.error();
  }
  const std::size_t tokens = batch.tokens();
  TokenLosses losses{std::vector<double>(tokens, 0.0),
                     std::vector<double>(tokens, 0.0),
                     {},
                     std::vector<double>(batch.rows(), 0.0)};
  const bool is_rollout = recipe.objective.anchor == Anchor::rollout;
  const ClipCounts clips = run_objective(
      recipe.objective.kind,
      {batch.offset, weights->keep, batch.logp, is_rollout ? batch.logp_rollout : batch.logp_old,
       advantages.per_token, weights->weight},
      {losses.policy, losses.grad_logp});
  if (recipe.regularisers.kl.has_value()) {
    add_kl(*recipe.regularisers.kl, batch, advantages, losses);
  }
  row_factors(recipe.aggregation, denominators, batch.offset, advantages.mask, losses.row_factor);
  ObjectiveResult result;
  result.grad_logp.assign(tokens, 0.0);
  result.grad_value.assign(tokens, 0.0);
  result.grad_entropy.assign(tokens, 0.0);
  aggregate(recipe, batch, advantages, losses, result);
  const double share = inverse_or_zero(denominators.tokens);
  result.metrics["pg_clipfrac"] = (clips.low + clips.high) * share;
  result.metrics["pg_clipfrac_low"] = clips.low * share;
  result.metrics["pg_clipfrac_high"] = clips.high * share;
  result.metrics["pg_clipfrac_lower"] = clips.dual * share;
  double rejected = 0;
  for (std::size_t t = 0; t < tokens; ++t) {
    rejected += advantages.mask[t] != 0 && weights->keep[t] == 0 ? 1 : 0;
  }
  result.metrics["rejected_share"] = rejected * share;
  add_metrics(batch, advantages, denominators.tokens, result.metrics);
  return result;
}

void merge(ObjectiveResult& total, const ObjectiveResult& part) {
  total.loss += part.loss;
  for (const auto& [name, value] : part.metrics) {
    double& target = total.metrics[name];
    target = name.ends_with("_max") ? std::max(target, value) : target + value;
  }
}

}  // namespace turnhalle::algo
