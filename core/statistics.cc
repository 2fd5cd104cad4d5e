#include "core/statistics.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/check.h"
#include "core/rng.h"

namespace turnhalle {

namespace {

struct Sum {
  double total = 0.0;
  double count = 0.0;
};

// In the order of the clusters' numbers; within one in the order of its values.
std::vector<Sum> sums_by_cluster(std::span<const double> values,
                                 std::span<const std::int64_t> clusters) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (!std::is_sorted(clusters.begin(), clusters.end())) {
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return clusters[a] < clusters[b];
    });
  }
  std::vector<Sum> sums;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || clusters[order[i]] != clusters[order[i - 1]]) sums.emplace_back();
    sums.back().total += values[order[i]];
    sums.back().count += 1.0;
  }
  return sums;
}

// Many clusters are put together to blocks of independent clusters, which are then resampled: the
// sum over a block varies as its clusters do, and 10 000 blocks give the spread to about 1 %.
std::vector<Sum> in_blocks(std::vector<Sum> clusters) {
  constexpr std::size_t kBlocks = 10'000;
  if (clusters.size() <= kBlocks) {
    return clusters;
  }
  std::vector<Sum> blocks(kBlocks);
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    blocks[i % kBlocks].total += clusters[i].total;
    blocks[i % kBlocks].count += clusters[i].count;
  }
  return blocks;
}

}  // namespace

Json to_json(const Interval& interval) {
  if (interval.n == 0) {
    return {{"mean", nullptr}, {"low", nullptr}, {"high", nullptr}, {"n", 0}};
  }
  return {{"mean", interval.mean}, {"low", interval.low}, {"high", interval.high},
          {"n", interval.n}};
}

Interval interval_from(const Json& json) {
  if (json.at("n") == 0) {
    return {};
  }
  return {json.at("mean").get<double>(), json.at("low").get<double>(),
          json.at("high").get<double>(), json.at("n").get<std::int64_t>()};
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

namespace {

struct MeanAndError {
  double mean = 0.0;
  double squared_error = 0.0;  // variance of the mean
  double degrees = 0.0;
};

MeanAndError mean_and_error(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  MeanAndError result;
  for (const double value : values) result.mean += value / n;
  for (const double value : values) {
    result.squared_error += (value - result.mean) * (value - result.mean) / (n * (n - 1.0));
  }
  result.degrees = n - 1.0;
  return result;
}

// Half the width of a 95 % interval.
double half_width(double squared_error, double degrees) {
  if (squared_error == 0.0) return 0.0;
  const boost::math::students_t distribution(degrees);
  return boost::math::quantile(distribution, 0.975) * std::sqrt(squared_error);
}

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

}  // namespace

Interval student(std::span<const double> values) {
  if (values.empty()) return {};
  const auto n = static_cast<std::int64_t>(values.size());
  if (n == 1) return {values[0], kUnknown, kUnknown, n};
  const MeanAndError m = mean_and_error(values);
  const double half = half_width(m.squared_error, m.degrees);
  return {m.mean, m.mean - half, m.mean + half, n};
}

Interval welch_difference(std::span<const double> a, std::span<const double> b) {
  const auto n = static_cast<std::int64_t>(a.size() + b.size());
  if (a.empty() || b.empty()) return {};
  if (a.size() < 2 || b.size() < 2) {
    return {student(a).mean - student(b).mean, kUnknown, kUnknown, n};
  }
  const MeanAndError first = mean_and_error(a), second = mean_and_error(b);
  const double error = first.squared_error + second.squared_error;
  const double degrees =
      error == 0.0 ? first.degrees + second.degrees
                   : error * error / (first.squared_error * first.squared_error / first.degrees +
                                      second.squared_error * second.squared_error / second.degrees);
  const double half = half_width(error, degrees);
  const double difference = first.mean - second.mean;
  return {difference, difference - half, difference + half, n};
}

Interval cluster_bootstrap(std::span<const double> values,
                           std::span<const std::int64_t> clusters) {
  check(values.size() == clusters.size(), "every value has a cluster");
  if (values.empty()) {
    return {};
  }
  double total = 0.0;
  for (const double value : values) total += value;
  const std::vector<Sum> sums = in_blocks(sums_by_cluster(values, clusters));
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
