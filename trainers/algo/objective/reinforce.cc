// REINFORCE: Williams 1992, "Simple statistical gradient-following algorithms"; for
// language models arXiv 2402.14740.
#include "trainers/algo/objective.h"

namespace turnhalle::algo {

ClipCounts reinforce(const ObjectiveInput& input, const Reinforce&, const ObjectiveOutput& output) {
  for (std::size_t t = 0; t < input.mask.size(); ++t) {
    if (input.mask[t] == 0) {
      continue;
    }
    output.grad_logp[t] = -input.weight[t] * input.advantage[t];
    output.loss[t] = output.grad_logp[t] * input.logp[t];
  }
  return {};
}

}  // namespace turnhalle::algo
