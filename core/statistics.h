// Means with 95 % intervals, as every report prints them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/json.h"

namespace turnhalle {

struct Interval {
  double mean = 0.0;
  double low = 0.0;
  double high = 0.0;
  std::int64_t n = 0;  ///< observations
};
/// {"mean","low","high","n"}; null where nothing was observed.
Json to_json(const Interval& interval);
/// The interval that to_json() wrote.
Interval interval_from(const Json& json);

/// Wilson score interval for `successes` of `n`.
Interval wilson(std::int64_t successes, std::int64_t n);

/// Mean of independent values, such as one from each of several runs, with Student's interval. Of
/// a single value the interval is not known: low and high are NaN, null in JSON.
Interval student(std::span<const double> values);

/// mean(a) − mean(b) with Welch's interval, n the number of all values. Not known (NaN) when a
/// side has fewer than two values.
Interval welch_difference(std::span<const double> a, std::span<const double> b);

/// Mean over all values with a percentile bootstrap that resamples whole clusters (lifecycles):
/// `values[i]` belongs to `clusters[i]`. 1 000 resamples with a fixed key: the same values give
/// the same interval. More than 10 000 clusters are resampled in 10 000 blocks.
Interval cluster_bootstrap(std::span<const double> values, std::span<const std::int64_t> clusters);

}  // namespace turnhalle
