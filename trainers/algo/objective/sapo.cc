// SAPO: arXiv 2511.20347.
#include <algorithm>
#include <cmath>

#include "trainers/algo/objective.h"

namespace turnhalle::algo {

ClipCounts sapo(const ObjectiveInput& input, const Sapo& constants, const ObjectiveOutput& output) {
  const double limit = constants.log_ratio_max;
  for (std::size_t t = 0; t < input.mask.size(); ++t) {
    if (input.mask[t] == 0) {
      continue;
    }
    const double tau = input.advantage[t] > 0 ? constants.tau_positive : constants.tau_negative;
    const double log_ratio = input.logp[t] - input.anchor[t];
    const double inside = std::clamp(log_ratio, -limit, limit);
    const double ratio = std::exp(inside);
    const double gate = 1 / (1 + std::exp(-tau * (ratio - 1)));
    const double factor = -input.weight[t] * input.advantage[t];
    output.loss[t] = factor * gate * 4 / tau;
    output.grad_logp[t] = inside == log_ratio ? factor * 4 * gate * (1 - gate) * ratio : 0.0;
  }
  return {};
}

}  // namespace turnhalle::algo
