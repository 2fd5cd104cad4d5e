// Pooling over the tokens of a group: released code of InfoPO, arXiv 2603.00656.
#include <algorithm>
#include <cmath>

#include "trainers/algo/advantage_term.h"

namespace turnhalle::algo {

void weighted_z_score(const WeightedValues& values, const Groups& groups, double eps,
                      std::span<double> advantage) {
  constexpr double tolerance = 1e-9;
  for (std::size_t g = 0; g < groups.count(); ++g) {
    const auto member = groups.members(g);
    const bool equal = statistics(values.value, member, StdKind::none).degenerate(tolerance);
    double total = 0;
    double sum = 0;
    for (const std::size_t i : member) {
      total += values.weight[i];
      sum += values.weight[i] * values.value[i];
    }
    if (equal || total <= 1) {
      continue;
    }
    const double mean = sum / total;
    double square = 0;
    for (const std::size_t i : member) {
      const double deviation = values.value[i] - mean;
      square += values.weight[i] * deviation * deviation;
    }
    const double std = std::sqrt(square / (total - 1));
    for (const std::size_t i : member) {
      advantage[i] = (values.value[i] - mean) / (std + eps);
    }
  }
}

}  // namespace turnhalle::algo
