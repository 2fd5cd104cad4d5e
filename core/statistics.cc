#include "core/statistics.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/check.h"
#include "core/rng.h"

namespace turnhalle {

Json to_json(const Interval& interval) {
  if (interval.n == 0) {
    return {{"mean", nullptr}, {"low", nullptr}, {"high", nullptr}, {"n", 0}};
  }
  return {{"mean", interval.mean}, {"low", interval.low}, {"high", interval.high},
          {"n", interval.n}};
}

Interval wilson(std::int64_t successes, std::int64_t n) {
  check(0 <= successes && successes <= n, "successes lie between 0 and n", successes, n);
  if (n == 0) {
    return {};
  }
  constexpr double kZ = 1.959963984540054;
  const double count = static_cast<double>(n);
  const double rate = static_cast<double>(successes) / count;
  const double scale = 1.0 + kZ * kZ / count;
  const double centre = (rate + kZ * kZ / (2.0 * count)) / scale;
  const double half =
      kZ / scale * std::sqrt(rate * (1.0 - rate) / count + kZ * kZ / (4.0 * count * count));
  return {rate, std::max(0.0, centre - half), std::min(1.0, centre + half), n};
}

Interval cluster_bootstrap(std::span<const double> values,
                           std::span<const std::int64_t> clusters) {
  check(values.size() == clusters.size(), "every value has a cluster");
  if (values.empty()) {
    return {};
  }
  struct Sum {
    double total = 0.0;
    double count = 0.0;
  };
  std::map<std::int64_t, Sum> by_cluster;
  double total = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    Sum& sum = by_cluster[clusters[i]];
    sum.total += values[i];
    sum.count += 1.0;
    total += values[i];
  }
  std::vector<Sum> sums;
  for (const auto& [cluster, sum] : by_cluster) sums.push_back(sum);
  constexpr int kResamples = 1000;
  Random random(RandomKey::from_seed(0).split("bootstrap"));
  std::vector<double> means;
  for (int resample = 0; resample < kResamples; ++resample) {
    Sum drawn;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const Sum& sum = sums[random.below(sums.size())];
      drawn.total += sum.total;
      drawn.count += sum.count;
    }
    means.push_back(drawn.total / drawn.count);
  }
  std::sort(means.begin(), means.end());
  return {total / static_cast<double>(values.size()), means[24], means[974],
          static_cast<std::int64_t>(values.size())};
}

}  // namespace turnhalle
