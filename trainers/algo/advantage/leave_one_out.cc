// RLOO, arXiv 2402.14740.
#include "trainers/algo/advantage.h"

namespace turnhalle::algo {

void leave_one_out(std::span<const double> value, const Groups& groups, Singleton singleton,
                   std::span<double> advantage) {
  for (std::size_t g = 0; g < groups.count(); ++g) {
    const auto member = groups.members(g);
    if (member.size() == 1) {
      advantage[member[0]] = singleton == Singleton::raw ? value[member[0]] : 0.0;
      continue;
    }
    double sum = 0;
    for (const std::size_t i : member) {
      sum += value[i];
    }
    const auto others = static_cast<double>(member.size() - 1);
    for (const std::size_t i : member) {
      advantage[i] = value[i] - (sum - value[i]) / others;
    }
  }
}

}  // namespace turnhalle::algo
