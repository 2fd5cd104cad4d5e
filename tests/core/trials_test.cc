// Reliability over trials, against values worked out by hand and against what it promises.
#include "core/trials.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/rng.h"

namespace turnhalle {
namespace {

TaskTrials task(std::int64_t cluster, std::vector<double> rewards) {
  TaskTrials trials{cluster, std::move(rewards), 0};
  for (const double reward : trials.rewards) trials.successes += reward >= 1.0 ? 1 : 0;
  return trials;
}

TEST(PassHat, IsTheShareOfDrawsThatAllSucceed) {
  EXPECT_DOUBLE_EQ(pass_hat(3, 4, 1), 0.75);
  EXPECT_DOUBLE_EQ(pass_hat(3, 4, 2), 0.5);
  EXPECT_DOUBLE_EQ(pass_hat(3, 4, 3), 0.25);
  EXPECT_DOUBLE_EQ(pass_hat(3, 4, 4), 0.0);
  EXPECT_DOUBLE_EQ(pass_hat(2, 5, 2), 0.1);
  EXPECT_DOUBLE_EQ(pass_hat(0, 3, 1), 0.0);
  EXPECT_DOUBLE_EQ(pass_hat(5, 5, 5), 1.0);
}

TEST(PassHat, IsAveragedOverTasksWithEnoughTrials) {
  const std::vector<TaskTrials> tasks = {task(0, {1, 1, 1, 0}), task(1, {1, 1}), task(2, {0})};
  EXPECT_DOUBLE_EQ(pass_hat_k(tasks, 1).mean, (0.75 + 1.0 + 0.0) / 3);
  EXPECT_DOUBLE_EQ(pass_hat_k(tasks, 2).mean, (0.5 + 1.0) / 2);
  EXPECT_EQ(pass_hat_k(tasks, 2).n, 2);
  EXPECT_EQ(pass_hat_k(tasks, 5).n, 0);
}

// What k draws without looking back estimate is p^k.
TEST(PassHat, OfIndependentTrialsIsThePower) {
  Random random(RandomKey::from_seed(3));
  std::vector<TaskTrials> tasks;
  for (std::int64_t i = 0; i < 4000; ++i) {
    std::vector<double> rewards;
    for (int trial = 0; trial < 5; ++trial) rewards.push_back(random.chance(7, 10) ? 1.0 : 0.0);
    tasks.push_back(task(i, std::move(rewards)));
  }
  for (std::int64_t k = 1; k <= 4; ++k) {
    const Interval interval = pass_hat_k(tasks, k);
    EXPECT_NEAR(interval.mean, std::pow(0.7, static_cast<double>(k)), 0.02);
    EXPECT_LT(interval.low, interval.mean);
    EXPECT_GT(interval.high, interval.mean);
  }
}

TEST(Cvar, IsTheMeanOfTheWorstTasks) {
  std::vector<TaskTrials> tasks;
  for (std::int64_t i = 10; i >= 1; --i) {
    tasks.push_back(task(i, {static_cast<double>(i) - 0.5, static_cast<double>(i) + 0.5}));
  }
  EXPECT_DOUBLE_EQ(cvar(tasks, 0.1).mean, 1.0);
  EXPECT_DOUBLE_EQ(cvar(tasks, 0.25).mean, 2.0);  // of 1, 2, 3: ⌈2.5⌉ tasks
  EXPECT_DOUBLE_EQ(cvar(tasks, 0.3).mean, 2.0);
  EXPECT_DOUBLE_EQ(cvar(tasks, 1.0).mean, 5.5);
  EXPECT_EQ(cvar(tasks, 0.1).n, 10);
}

TEST(Cvar, AtOneHasTheIntervalOfAMean) {
  Random random(RandomKey::from_seed(5));
  std::vector<TaskTrials> tasks;
  std::vector<double> values;
  std::vector<std::int64_t> clusters;
  for (std::int64_t i = 0; i < 400; ++i) {
    values.push_back(random.normal());
    clusters.push_back(i);
    tasks.push_back(task(i, {values.back()}));
  }
  const Interval mean = cluster_bootstrap(values, clusters);
  const Interval all = cvar(tasks, 1.0);
  EXPECT_NEAR(all.mean, mean.mean, 1e-12);
  EXPECT_NEAR(all.low, mean.low, 0.02);
  EXPECT_NEAR(all.high, mean.high, 0.02);
  const Interval worst = cvar(tasks, 0.1);
  EXPECT_NEAR(worst.mean, -1.755, 0.25);  // −φ(z)/0.1 at the lower tenth of a normal
  EXPECT_LT(worst.low, worst.mean);
  EXPECT_GT(worst.high, worst.mean);
}

TEST(Cvar, LeavesOutTasksWithoutRewards) {
  EXPECT_EQ(cvar(std::vector{task(0, {})}, 0.1).n, 0);
  EXPECT_DOUBLE_EQ(cvar(std::vector{task(0, {}), task(1, {2.0})}, 0.1).mean, 2.0);
}

// Four tasks of one lifecycle tell less of other lifecycles than tasks of four.
TEST(Cvar, ResamplesWholeLifecycles) {
  std::vector<TaskTrials> together, apart;
  for (std::int64_t i = 0; i < 200; ++i) {
    const double value = static_cast<double>(i / 4 % 10);
    together.push_back(task(i / 4, {value}));
    apart.push_back(task(i, {value}));
  }
  const Interval wide = cvar(together, 0.5), narrow = cvar(apart, 0.5);
  EXPECT_DOUBLE_EQ(wide.mean, narrow.mean);
  EXPECT_GT(wide.high - wide.low, 1.5 * (narrow.high - narrow.low));
}

TEST(TrialSpread, IsTheMeanDistanceOfTheNinthTenths) {
  std::vector<double> eleven;
  for (int i = 0; i <= 10; ++i) eleven.push_back(static_cast<double>(10 - i));
  const std::vector<TaskTrials> tasks = {task(0, eleven), task(1, {3.0, 3.0}), task(2, {1.0})};
  EXPECT_DOUBLE_EQ(trial_spread(tasks).mean, (8.0 + 0.0) / 2);
  EXPECT_EQ(trial_spread(tasks).n, 2);
  EXPECT_DOUBLE_EQ(trial_spread(std::vector{task(0, {0.0, 1.0})}).mean, 0.8);
  EXPECT_EQ(trial_spread(std::vector{task(0, {1.0})}).n, 0);
}

TEST(KendallTau, CountsPairsInOrder) {
  const std::vector<double> up = {1, 2, 3, 4}, down = {4, 3, 2, 1}, swapped = {1, 3, 2, 4},
                            tied = {1, 1, 3, 4};
  EXPECT_DOUBLE_EQ(kendall_tau(up, up), 1.0);
  EXPECT_DOUBLE_EQ(kendall_tau(up, down), -1.0);
  EXPECT_DOUBLE_EQ(kendall_tau(up, swapped), 4.0 / 6.0);
  EXPECT_DOUBLE_EQ(kendall_tau(up, tied), 5.0 / 6.0);
}

TEST(RankStability, IsFullForAgentsThatAreFarApart) {
  std::vector<std::vector<TaskTrials>> agents(3);
  for (std::int64_t i = 0; i < 50; ++i) {
    const double noise = static_cast<double>(i % 5) / 10.0;
    agents[0].push_back(task(i, {noise}));
    agents[1].push_back(task(i, {2.0 + noise}));
    agents[2].push_back(task(i, {1.0 + noise}));
  }
  const RankStability stability = rank_stability(agents);
  EXPECT_DOUBLE_EQ(stability.tau.mean, 1.0);
  EXPECT_DOUBLE_EQ(stability.tau.low, 1.0);
  EXPECT_DOUBLE_EQ(stability.best_stays, 1.0);
}

TEST(RankStability, IsLowForAgentsThatDifferByChanceOnly) {
  Random random(RandomKey::from_seed(8));
  std::vector<std::vector<TaskTrials>> agents(2);
  for (std::int64_t i = 0; i < 200; ++i) {
    for (auto& tasks : agents) tasks.push_back(task(i, {random.uniform()}));
  }
  const RankStability stability = rank_stability(agents);
  EXPECT_EQ(stability.tau.low, -1.0);
  EXPECT_EQ(stability.tau.high, 1.0);
  EXPECT_GT(stability.best_stays, 0.4);
  EXPECT_LT(stability.best_stays, 0.99);
}

// Both agents find the same lifecycles hard; one is always a little better. Paired resamples see
// that, unpaired ones would not.
TEST(RankStability, TakesTheSameLifecyclesForAll) {
  Random random(RandomKey::from_seed(8));
  std::vector<std::vector<TaskTrials>> agents(2);
  for (std::int64_t i = 0; i < 50; ++i) {
    const double value = random.normal();
    agents[0].push_back(task(i, {value}));
    agents[1].push_back(task(i, {value + 0.01}));
  }
  EXPECT_DOUBLE_EQ(rank_stability(agents).best_stays, 1.0);
}

TEST(RankStability, NeedsTwoAgentsWithRewards) {
  const std::vector<std::vector<TaskTrials>> one = {{task(0, {1.0})}};
  EXPECT_EQ(rank_stability(one).tau.n, 0);
  const std::vector<std::vector<TaskTrials>> empty = {{task(0, {1.0})}, {task(0, {})}};
  EXPECT_EQ(rank_stability(empty).tau.n, 0);
}

}  // namespace
}  // namespace turnhalle
