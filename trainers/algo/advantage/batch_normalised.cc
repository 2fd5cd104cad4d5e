// Group mean with the batch's standard deviation: Lite PPO, arXiv 2508.08221.
#include "trainers/algo/advantage.h"

namespace turnhalle::algo {

void batch_normalised(std::span<const double> value, const Groups& groups,
                      const Normalisation& normalisation, std::span<double> advantage) {
  const Statistics all = statistics(value, groups.member, normalisation.std);
  const bool degenerate = all.degenerate(normalisation.tolerance);
  const double scale = normalisation.std == StdKind::none ? 1.0 : all.std + normalisation.eps;
  group_mean(value, groups, normalisation.singleton, advantage);
  for (const std::size_t i : groups.member) {
    advantage[i] = degenerate ? 0.0 : advantage[i] / scale;
  }
}

}  // namespace turnhalle::algo
