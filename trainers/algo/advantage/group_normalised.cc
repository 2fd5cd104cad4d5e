// GRPO, arXiv 2402.03300, section 4.1.2; the conventions differ between TRL and verl.
#include "trainers/algo/advantage.h"

namespace turnhalle::algo {

void group_normalised(std::span<const double> value, const Groups& groups,
                      const Normalisation& normalisation, std::span<double> advantage) {
  for (std::size_t g = 0; g < groups.count(); ++g) {
    const auto member = groups.members(g);
    const Statistics of = statistics(value, member, normalisation.std);
    const bool divides = normalisation.std != StdKind::none;
    double mean = of.mean;
    double scale = divides ? of.std + normalisation.eps : 1.0;
    if (member.size() == 1 && normalisation.singleton == Singleton::raw) {
      mean = 0;
      scale = divides ? 1.0 + normalisation.eps : 1.0;
    } else if (of.degenerate(normalisation.tolerance)) {
      for (const std::size_t i : member) {
        advantage[i] = 0;
      }
      continue;
    }
    for (const std::size_t i : member) {
      advantage[i] = (value[i] - mean) / scale;
    }
  }
}

}  // namespace turnhalle::algo
