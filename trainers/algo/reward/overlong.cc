// Soft overlong punishment: DAPO, arXiv 2503.14476, section 3.4.
#include <algorithm>

#include "trainers/algo/reward.h"

namespace turnhalle::algo {

void add_overlong_penalty(std::span<const double> length, const Overlong& constants,
                          std::span<double> reward) {
  const double start = constants.length_max - constants.buffer;
  for (std::size_t i = 0; i < reward.size(); ++i) {
    double share = std::max(0.0, (length[i] - start) / constants.buffer);
    if (constants.form == OverlongForm::bounded) {
      share = std::min(share, 1.0);
    }
    reward[i] -= constants.factor * share;
  }
}

}  // namespace turnhalle::algo
