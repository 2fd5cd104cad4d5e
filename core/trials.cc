#include "core/trials.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/check.h"
#include "core/rng.h"

namespace turnhalle {
namespace {

constexpr std::int64_t kResamplesMax = 1000;
constexpr std::int64_t kResamplesMin = 100;
constexpr std::int64_t kVisitsMax = 50'000'000;  // of values, over all resamples

std::int64_t resamples_for(std::size_t values) {
  const auto size = std::max<std::int64_t>(1, static_cast<std::int64_t>(values));
  return std::clamp(kVisitsMax / size, kResamplesMin, kResamplesMax);
}

// The percentile interval of drawn statistics around the one of all values.
Interval interval_of(double whole, std::vector<double> drawn, std::size_t n) {
  std::sort(drawn.begin(), drawn.end());
  const std::size_t count = drawn.size();
  const std::size_t low = std::max<std::size_t>(count * 25 / 1000, 1) - 1;
  const std::size_t high = std::max<std::size_t>(count * 975 / 1000, 1) - 1;
  return {whole, drawn[low], drawn[high], static_cast<std::int64_t>(n)};
}

// Numbers 0 … count-1 in place of the clusters' own.
std::vector<std::size_t> dense(std::span<const std::int64_t> clusters, std::size_t& count) {
  std::map<std::int64_t, std::size_t> numbers;
  for (const std::int64_t cluster : clusters) numbers.emplace(cluster, 0);
  count = 0;
  for (auto& [cluster, number] : numbers) number = count++;
  std::vector<std::size_t> result;
  result.reserve(clusters.size());
  for (const std::int64_t cluster : clusters) result.push_back(numbers[cluster]);
  return result;
}

// How often each of `count` clusters is drawn in one resample.
void draw_times(Random& random, std::vector<double>& times) {
  std::fill(times.begin(), times.end(), 0.0);
  for (std::size_t i = 0; i < times.size(); ++i) times[random.below(times.size())] += 1.0;
}

// The mean of the lowest share of values that are sorted, value i counting weights[i] times.
double low_mean(std::span<const double> sorted, std::span<const double> weights, double share) {
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  const double wanted = std::max(1.0, std::ceil(share * total - 1e-9));
  double left = wanted;
  double sum = 0.0;
  for (std::size_t i = 0; i < sorted.size() && left > 0.0; ++i) {
    const double taken = std::min(weights[i], left);
    sum += taken * sorted[i];
    left -= taken;
  }
  return sum / wanted;
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double percentile(std::span<const double> sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - std::floor(place));
}

// Sums of rewards by cluster and agent: a row for each cluster.
struct Totals {
  std::vector<std::vector<double>> sums;
  std::vector<std::vector<double>> counts;

  explicit Totals(std::span<const std::vector<TaskTrials>> agents) {
    std::map<std::int64_t, std::size_t> rows;
    for (const auto& tasks : agents) {
      for (const TaskTrials& task : tasks) rows.emplace(task.cluster, 0);
    }
    std::size_t next = 0;
    for (auto& [cluster, row] : rows) row = next++;
    sums.assign(rows.size(), std::vector<double>(agents.size(), 0.0));
    counts = sums;
    for (std::size_t agent = 0; agent < agents.size(); ++agent) {
      for (const TaskTrials& task : agents[agent]) {
        const std::size_t row = rows[task.cluster];
        for (const double reward : task.rewards) sums[row][agent] += reward;
        counts[row][agent] += static_cast<double>(task.rewards.size());
      }
    }
  }

  // The agents' means, cluster i counting times[i] times; empty when one has no reward.
  std::vector<double> means(std::span<const double> times) const {
    std::vector<double> sum(sums.empty() ? 0 : sums[0].size(), 0.0), count = sum;
    for (std::size_t row = 0; row < sums.size(); ++row) {
      if (times[row] == 0.0) continue;
      for (std::size_t agent = 0; agent < sum.size(); ++agent) {
        sum[agent] += times[row] * sums[row][agent];
        count[agent] += times[row] * counts[row][agent];
      }
    }
    for (std::size_t agent = 0; agent < sum.size(); ++agent) {
      if (count[agent] == 0.0) return {};
      sum[agent] /= count[agent];
    }
    return sum;
  }
};

bool is_best_alone(std::span<const double> means, std::size_t agent) {
  for (std::size_t other = 0; other < means.size(); ++other) {
    if (other != agent && means[other] >= means[agent]) return false;
  }
  return true;
}

}  // namespace

double pass_hat(std::int64_t successes, std::int64_t trials, std::int64_t k) {
  check(0 <= successes && successes <= trials && 1 <= k && k <= trials,
        "k of the trials are drawn", successes, trials, k);
  double chance = 1.0;
  for (std::int64_t i = 0; i < k; ++i) {
    chance *= static_cast<double>(std::max<std::int64_t>(successes - i, 0)) /
              static_cast<double>(trials - i);
  }
  return chance;
}

Interval pass_hat_k(std::span<const TaskTrials> tasks, std::int64_t k) {
  std::vector<double> values;
  std::vector<std::int64_t> clusters;
  for (const TaskTrials& task : tasks) {
    if (std::ssize(task.rewards) < k) continue;
    values.push_back(pass_hat(task.successes, std::ssize(task.rewards), k));
    clusters.push_back(task.cluster);
  }
  return cluster_bootstrap(values, clusters);
}

Interval cvar(std::span<const TaskTrials> tasks, double share) {
  check(share > 0.0 && share <= 1.0, "a share of the tasks", share);
  std::vector<std::pair<double, std::int64_t>> by_value;
  for (const TaskTrials& task : tasks) {
    if (!task.rewards.empty()) by_value.emplace_back(mean_of(task.rewards), task.cluster);
  }
  if (by_value.empty()) {
    return {};
  }
  std::sort(by_value.begin(), by_value.end());
  std::vector<double> values;
  std::vector<std::int64_t> names;
  for (const auto& [value, cluster] : by_value) {
    values.push_back(value);
    names.push_back(cluster);
  }
  std::size_t count = 0;
  const std::vector<std::size_t> clusters = dense(names, count);
  std::vector<double> weights(values.size(), 1.0);
  const double whole = low_mean(values, weights, share);
  std::vector<double> times(count), drawn;
  Random random(RandomKey::from_seed(0).split("cvar"));
  for (std::int64_t left = resamples_for(values.size()); left > 0; --left) {
    draw_times(random, times);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = times[clusters[i]];
    drawn.push_back(low_mean(values, weights, share));
  }
  return interval_of(whole, std::move(drawn), values.size());
}

Interval trial_spread(std::span<const TaskTrials> tasks) {
  std::vector<double> values;
  std::vector<std::int64_t> clusters;
  for (const TaskTrials& task : tasks) {
    if (task.rewards.size() < 2) continue;
    std::vector<double> sorted = task.rewards;
    std::sort(sorted.begin(), sorted.end());
    values.push_back(percentile(sorted, 0.9) - percentile(sorted, 0.1));
    clusters.push_back(task.cluster);
  }
  return cluster_bootstrap(values, clusters);
}

double kendall_tau(std::span<const double> a, std::span<const double> b) {
  check(a.size() == b.size() && a.size() >= 2, "two rankings of the same things");
  const auto sign = [](double x) { return x > 0.0 ? 1.0 : (x < 0.0 ? -1.0 : 0.0); };
  double agreement = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) agreement += sign(a[i] - a[j]) * sign(b[i] - b[j]);
  }
  const auto n = static_cast<double>(a.size());
  return agreement / (n * (n - 1.0) / 2.0);
}

RankStability rank_stability(std::span<const std::vector<TaskTrials>> agents) {
  const Totals totals(agents);
  std::vector<double> times(totals.sums.size(), 1.0);
  const std::vector<double> whole = totals.means(times);
  if (agents.size() < 2 || whole.empty()) {
    return {};
  }
  const auto best =
      static_cast<std::size_t>(std::max_element(whole.begin(), whole.end()) - whole.begin());
  Random random(RandomKey::from_seed(0).split("ranks"));
  std::vector<double> drawn;
  double stays = 0.0;
  for (std::int64_t left = resamples_for(times.size() * agents.size()); left > 0; --left) {
    draw_times(random, times);
    const std::vector<double> means = totals.means(times);
    if (means.empty()) continue;
    drawn.push_back(kendall_tau(whole, means));
    stays += is_best_alone(means, best) ? 1.0 : 0.0;
  }
  if (drawn.empty()) {
    return {};
  }
  const double mean = mean_of(drawn);
  const double share = stays / static_cast<double>(drawn.size());
  return {interval_of(mean, std::move(drawn), times.size()), share};
}

}  // namespace turnhalle
