// Divergence as a reward per token: InstructGPT, arXiv 2203.02155.
#include "trainers/algo/reward.h"

namespace turnhalle::algo {

void add_kl_penalty(const KlPenaltyInput& input, const KlPenalty& constants,
                    std::span<double> token_reward) {
  for (std::size_t t = 0; t < input.mask.size(); ++t) {
    if (input.mask[t] != 0) {
      const double x = input.logp[t] - input.logp_ref[t];
      token_reward[t] -= constants.coefficient *
                         kl_estimate(constants.estimator, x, constants.limits, false).value;
    }
  }
}

}  // namespace turnhalle::algo
