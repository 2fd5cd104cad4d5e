// GSPO: arXiv 2507.18071, section 4.
#include <algorithm>
#include <cmath>
#include <utility>

#include "trainers/algo/objective.h"

namespace turnhalle::algo {
namespace {

/// One row; tokens begin … end.
ClipCounts gspo_row(const ObjectiveInput& input, const Gspo& constants,
                    std::pair<std::size_t, std::size_t> tokens, const ObjectiveOutput& output) {
  ClipCounts counts;
  double n = 0;
  double sum = 0;
  for (std::size_t t = tokens.first; t < tokens.second; ++t) {
    if (input.mask[t] != 0) {
      n += 1;
      sum += input.logp[t] - input.anchor[t];
    }
  }
  if (n == 0) {
    return counts;
  }
  const double inside = std::min(sum / n, constants.log_ratio_max);
  const double ratio = std::exp(inside);
  const double clipped = std::clamp(ratio, 1 - constants.clip_low, 1 + constants.clip_high);
  double slope = 0;  // of the row's summed loss along the row's mean log-ratio
  for (std::size_t t = tokens.first; t < tokens.second; ++t) {
    if (input.mask[t] == 0) {
      continue;
    }
    const double factor = -input.weight[t] * input.advantage[t];
    if (factor * clipped > factor * ratio) {
      output.loss[t] = factor * clipped;
      (factor < 0 ? counts.high : counts.low) += 1;
    } else {
      output.loss[t] = factor * ratio;
      slope += inside == sum / n ? factor * ratio : 0.0;
    }
  }
  for (std::size_t t = tokens.first; t < tokens.second; ++t) {
    output.grad_logp[t] = input.mask[t] != 0 ? slope / n : 0.0;
  }
  return counts;
}

}  // namespace

ClipCounts gspo(const ObjectiveInput& input, const Gspo& constants, const ObjectiveOutput& output) {
  ClipCounts counts;
  for (std::size_t row = 0; row + 1 < input.offset.size(); ++row) {
    const ClipCounts of_row =
        gspo_row(input, constants, {input.offset[row], input.offset[row + 1]}, output);
    counts.low += of_row.low;
    counts.high += of_row.high;
  }
  return counts;
}

}  // namespace turnhalle::algo
