// k1, k2, k3 as compared in "On a few pitfalls in KL divergence gradient estimation",
// arXiv 2506.09477.
#include "trainers/algo/kl.h"

#include <algorithm>
#include <cmath>

namespace turnhalle::algo {
namespace {

KlTerm without_limits(KlEstimator estimator, double x) {
  switch (estimator) {
    case KlEstimator::k1:
      return {x, 1};
    case KlEstimator::k2:
      return {x * x / 2, x};
    case KlEstimator::abs:
      return {std::abs(x), x > 0 ? 1.0 : (x < 0 ? -1.0 : 0.0)};
    case KlEstimator::k3:
      break;
  }
  return {std::exp(-x) + x - 1, 1 - std::exp(-x)};
}

}  // namespace

KlTerm kl_estimate(KlEstimator estimator, double x, KlLimits limits, bool straight_through) {
  const double inside = std::clamp(x, -limits.input_max, limits.input_max);
  KlTerm term = without_limits(estimator, inside);
  if (straight_through) {
    term.gradient = without_limits(KlEstimator::k2, x).gradient;
  } else if (inside != x || std::abs(term.value) > limits.output_max) {
    term.gradient = 0;
  }
  term.value = std::clamp(term.value, -limits.output_max, limits.output_max);
  return term;
}

}  // namespace turnhalle::algo
