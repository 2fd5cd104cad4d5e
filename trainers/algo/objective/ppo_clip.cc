// PPO clip: arXiv 1707.06347, equation 7; dual clip: arXiv 1912.09729.
#include <algorithm>
#include <cmath>

#include "trainers/algo/objective.h"

namespace turnhalle::algo {

ClipCounts ppo_clip(const ObjectiveInput& input, const PpoClip& constants,
                    const ObjectiveOutput& output) {
  ClipCounts counts;
  const double limit = constants.log_ratio_max;
  for (std::size_t t = 0; t < input.mask.size(); ++t) {
    if (input.mask[t] == 0) {
      continue;
    }
    const double advantage = input.advantage[t];
    const double log_ratio = input.logp[t] - input.anchor[t];
    const double inside = std::clamp(log_ratio, -limit, limit);
    const double ratio = std::exp(inside);
    const double clipped = std::clamp(ratio, 1 - constants.clip_low, 1 + constants.clip_high);
    double loss = -advantage * ratio;
    double gradient = inside == log_ratio ? loss : 0.0;
    if (-advantage * clipped > loss) {
      loss = -advantage * clipped;
      gradient = 0;
      (advantage > 0 ? counts.high : counts.low) += 1;
    }
    if (advantage < 0 && loss > -advantage * constants.dual_clip) {
      loss = -advantage * constants.dual_clip;
      gradient = 0;
      counts.dual += 1;
    }
    output.loss[t] = input.weight[t] * loss;
    output.grad_logp[t] = input.weight[t] * gradient;
  }
  return counts;
}

}  // namespace turnhalle::algo
