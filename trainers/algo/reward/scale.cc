// Affine reward with bounds: ParaVT, arXiv 2605.20342 (configuration of the release).
#include <algorithm>

#include "trainers/algo/reward.h"

namespace turnhalle::algo {

void scale_reward(const RewardScale& constants, std::span<double> reward) {
  for (double& value : reward) {
    value = std::clamp(constants.scale * value + constants.shift, constants.low, constants.high);
  }
}

}  // namespace turnhalle::algo
