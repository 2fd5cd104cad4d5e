// One return per lifecycle: the ablation of Connect the Dots, arXiv 2606.20002, section 4.
#include <algorithm>
#include <cmath>

#include "trainers/algo/credit.h"
#include "trainers/algo/groups.h"

namespace turnhalle::algo {

void trajectory_sum_returns(const EpisodeRewards& episodes, double decay,
                            std::span<double> returns) {
  const Groups lifecycles = make_groups(episodes.lifecycle, episodes.counts);
  for (std::size_t g = 0; g < lifecycles.count(); ++g) {
    const auto member = lifecycles.members(g);
    std::int64_t last = 0;
    for (const std::size_t i : member) {
      last = std::max(last, episodes.position[i]);
    }
    double sum = 0;
    for (const std::size_t i : member) {
      const auto tasks_left = static_cast<double>(last - episodes.position[i]);
      sum += std::pow(decay, tasks_left) * episodes.reward[i];
    }
    for (const std::size_t i : member) {
      returns[i] = sum;
    }
  }
}

}  // namespace turnhalle::algo
