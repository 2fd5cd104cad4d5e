// CISPO: MiniMax-M1, arXiv 2506.13585, section 3.1.
#include <algorithm>
#include <cmath>

#include "trainers/algo/objective.h"

namespace turnhalle::algo {

ClipCounts cispo(const ObjectiveInput& input, const Cispo& constants,
                 const ObjectiveOutput& output) {
  ClipCounts counts;
  const double limit = constants.log_ratio_max;
  for (std::size_t t = 0; t < input.mask.size(); ++t) {
    if (input.mask[t] == 0) {
      continue;
    }
    const double ratio = std::exp(std::clamp(input.logp[t] - input.anchor[t], -limit, limit));
    const double clipped = std::clamp(ratio, constants.ratio_low, constants.ratio_high);
    counts.low += ratio < constants.ratio_low && input.advantage[t] < 0 ? 1 : 0;
    counts.high += ratio > constants.ratio_high && input.advantage[t] > 0 ? 1 : 0;
    output.grad_logp[t] = -input.weight[t] * clipped * input.advantage[t];
    output.loss[t] = output.grad_logp[t] * input.logp[t];
  }
  return counts;
}

}  // namespace turnhalle::algo
