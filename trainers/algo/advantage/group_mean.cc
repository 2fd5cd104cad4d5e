// Dr.GRPO, arXiv 2503.20783; Connect the Dots, arXiv 2606.20002, appendix A.
#include "trainers/algo/advantage.h"

namespace turnhalle::algo {

void group_mean(std::span<const double> value, const Groups& groups, Singleton singleton,
                std::span<double> advantage) {
  for (std::size_t g = 0; g < groups.count(); ++g) {
    const auto member = groups.members(g);
    const bool keep_raw = member.size() == 1 && singleton == Singleton::raw;
    const double baseline = keep_raw ? 0.0 : statistics(value, member, StdKind::none).mean;
    for (const std::size_t i : member) {
      advantage[i] = value[i] - baseline;
    }
  }
}

}  // namespace turnhalle::algo
