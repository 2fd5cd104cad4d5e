// How reliable an agent is over repeated trials of the same tasks, with 95 % intervals.
//
// Intervals are percentile bootstraps that resample whole lifecycles (tasks in one hidden world
// vary together) with a fixed key: the same values give the same interval on any machine.
// Trials that broke through no fault of the agent have no reward and are left out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/statistics.h"

namespace turnhalle {

/// One task and what its trials came to.
struct TaskTrials {
  std::int64_t cluster = 0;     ///< its lifecycle
  std::vector<double> rewards;  ///< one for each trial that counts
  std::int64_t successes = 0;   ///< of those
};

/// The chance that k trials drawn from n of which c succeeded all succeed: C(c,k) / C(n,k).
/// τ-bench, arXiv 2406.12045. 1 ≤ k ≤ n.
double pass_hat(std::int64_t successes, std::int64_t trials, std::int64_t k);
/// pass^k: the mean of the above over the tasks with at least k trials.
Interval pass_hat_k(std::span<const TaskTrials> tasks, std::int64_t k);

/// Conditional value at risk: the mean of the worst ⌈share·N⌉ of N tasks, each by its mean reward
/// over its trials. 0 < share ≤ 1; at 1 it is the mean over the tasks.
Interval cvar(std::span<const TaskTrials> tasks, double share);

/// P90 − P10 of a task's rewards over its trials (between neighbours by straight lines), averaged
/// over the tasks with at least two trials: 0 for an agent that always does the same.
/// "Unreliability" of Lost in Conversation, arXiv 2505.06120.
Interval trial_spread(std::span<const TaskTrials> tasks);

/// Kendall's τ of two rankings by value: pairs in the same order less pairs in the opposite one,
/// over all pairs; a tie in either counts 0. At least two values.
double kendall_tau(std::span<const double> a, std::span<const double> b);

/// How much the order of agents by mean reward depends on the tasks that were drawn.
struct RankStability {
  Interval tau;             ///< Kendall's τ with the order on all tasks, over the resamples
  double best_stays = 0.0;  ///< share of the resamples in which the best agent is the best alone
};
/// `agents[i]` are the tasks of agent i; resamples take the same lifecycles for all (paired).
/// At least two agents, each with rewards; else n is 0.
RankStability rank_stability(std::span<const std::vector<TaskTrials>> agents);

}  // namespace turnhalle
