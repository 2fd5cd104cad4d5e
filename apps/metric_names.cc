#include "apps/metric_names.h"

#include <utility>

#include "trainers/metrics.h"

namespace turnhalle::app {
namespace {

struct Line {
  const char* name;
  const char* summary;
};

// trainers/README.md explains those of the recipe in full.
constexpr Line kLines[] = {
    {"actor/advantage_mean", "mean advantage of the tokens in the loss"},
    {"actor/entropy", "entropy of the policy, nats per sampled token"},
    {"actor/grad_norm", "norm of the gradient before it is clipped"},
    {"actor/kl_loss", "divergence from the reference, before its coefficient"},
    {"actor/lr", "learning rate of this step"},
    {"actor/pg_clipfrac", "share of tokens whose clipped branch won"},
    {"actor/pg_clipfrac_high", "of them: ratio above the upper clip"},
    {"actor/pg_clipfrac_low", "of them: ratio below the lower clip"},
    {"actor/pg_clipfrac_lower", "share of tokens that the dual clip cut"},
    {"actor/pg_loss", "loss of the policy objective"},
    {"actor/ppo_kl", "mean of logp_old - logp, nats per token"},
    {"actor/rejected_share", "share of tokens that the correction threw away"},
    {"actor/rollout_logprob_abs_diff", "mean |logp - logp of sampling| over the mini-batches"},
    {"actor/rollout_logprob_abs_diff_max", "mean of the largest of each mini-batch"},
    {"actor/sft_loss", "imitation: negative log-probability per weighted token, nats"},
    {"algo/advantage_token_mean", "mean advantage, each unit weighted by its tokens"},
    {"algo/groups", "groups that were compared"},
    {"algo/groups_zero_variance", "of them: all returns equal, so no signal"},
    {"algo/reweight_temperature", "temperature of the adaptive re-weighting; 0: not active"},
    {"algo/reweighted_groups", "groups whose advantages were re-weighted"},
    {"algo/rows_left_out", "rollouts without a reward or thrown out by a filter"},
    {"critic/advantages/abs_mean", "mean size of the advantage per token"},
    {"critic/advantages/mean", "mean advantage per token"},
    {"critic/rewards/mean", "mean reward per task, after shaping"},
    {"critic/rewards/position_N", "the same of the tasks at position N of their lifecycle"},
    {"critic/rewards/std", "standard deviation of the reward over tasks"},
    {"critic/score/mean", "share of tasks solved"},
    {"critic/update_readable", "share of context updates that could be read"},
    {"num_turns/mean", "turns per task"},
    {"perf/throughput", "tokens per second of the whole step"},
    {"perf/total_num_tokens", "tokens of the batch, observed and sampled"},
    {"response_length/mean", "sampled tokens per reply"},
    {"timing_s/gen", "seconds of playing the rollouts"},
    {"timing_s/old_log_prob", "seconds of log-probs before the update, masked ones included"},
    {"timing_s/step", "seconds of the whole step"},
    {"timing_s/update_actor", "seconds of credit, loss and update"},
    {"training/global_step", "steps done, imitation included"},
    {"training/rollout_logprob_abs_diff", "mean |logp - logp of sampling| before the update"},
    {"training/rollout_logprob_abs_diff_max", "the largest of them"},
    {"training/skipped_steps", "steps left out so far because a gradient was not finite"},
    {"training/zero_variance_groups", "share of groups whose returns are all equal"},
};

}  // namespace

std::vector<MetricName> metric_names() {
  std::vector<MetricName> names;
  for (const Line& line : kLines) {
    StepMetrics metrics = {{line.name, 0.0}};
    add_trl_aliases(metrics);
    std::string alias;
    for (const auto& [name, unused] : metrics) {
      if (name != line.name) alias = name;
    }
    names.push_back({line.name, line.summary, std::move(alias)});
  }
  return names;
}

}  // namespace turnhalle::app
