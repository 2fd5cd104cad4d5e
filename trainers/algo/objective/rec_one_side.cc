// REC-OneSide: Connect the Dots, arXiv 2606.20002, appendix A, equations 1 and 2.
#include <cmath>

#include "trainers/algo/objective.h"

namespace turnhalle::algo {

ClipCounts rec_one_side(const ObjectiveInput& input, const RecOneSide& constants,
                        const ObjectiveOutput& output) {
  ClipCounts counts;
  for (std::size_t t = 0; t < input.mask.size(); ++t) {
    const double advantage = input.advantage[t];
    if (input.mask[t] == 0 || advantage == 0) {
      continue;
    }
    const double ratio = std::exp(input.logp[t] - input.anchor[t]);
    if (advantage > 0 && ratio > 1 + constants.clip_high) {
      counts.high += 1;
      continue;
    }
    if (advantage < 0 && ratio < 1 - constants.clip_low) {
      counts.low += 1;
      continue;
    }
    const double factor = -input.weight[t] * advantage;
    if (constants.importance_weight) {
      output.loss[t] = factor * ratio;
      output.grad_logp[t] = factor * ratio;
    } else {
      output.loss[t] = factor * input.logp[t];
      output.grad_logp[t] = factor;
    }
  }
  return counts;
}

}  // namespace turnhalle::algo
