// Returns over positions: Connect the Dots, arXiv 2606.20002, appendix A.
#include <algorithm>
#include <vector>

#include "core/check.h"
#include "trainers/algo/credit.h"
#include "trainers/algo/groups.h"

namespace turnhalle::algo {
namespace {

struct Solve {
  std::int64_t position;
  double reward;
};

/// The solve episodes of one lifecycle, by position.
std::vector<Solve> solves_of(const EpisodeRewards& episodes, std::span<const std::size_t> member) {
  std::vector<Solve> solves;
  for (const std::size_t i : member) {
    if (episodes.is_update[i] == 0) {
      solves.push_back({episodes.position[i], episodes.reward[i]});
    }
  }
  std::sort(solves.begin(), solves.end(),
            [](const Solve& a, const Solve& b) { return a.position < b.position; });
  return solves;
}

double return_of(std::span<const double> list, const LifecycleReturn& style) {
  std::size_t n = list.size();
  if (style.style == ReturnStyle::sliding_window_mean) {
    n = std::min(n, style.window);
  }
  double sum = 0;
  double factor = 1;
  for (std::size_t k = 0; k < n; ++k) {
    sum += factor * list[k];
    factor *= style.style == ReturnStyle::discounted ? style.gamma : 1.0;
  }
  return style.style == ReturnStyle::discounted ? sum : sum / static_cast<double>(n);
}

}  // namespace

void connect_the_dots_returns(const EpisodeRewards& episodes, const LifecycleReturn& style,
                              std::span<double> returns) {
  check(style.window >= 1, "a window holds at least one reward", style.window);
  const Groups lifecycles = make_groups(episodes.lifecycle, episodes.counts);
  std::vector<double> list;
  for (std::size_t g = 0; g < lifecycles.count(); ++g) {
    const auto member = lifecycles.members(g);
    const std::vector<Solve> solves = solves_of(episodes, member);
    for (const std::size_t i : member) {
      list.clear();
      if (episodes.is_update[i] != 0) {
        list.push_back(episodes.reward[i]);
      }
      for (const Solve& solve : solves) {
        if (solve.position >= episodes.position[i]) {
          list.push_back(solve.reward);
        }
      }
      returns[i] = return_of(list, style);
    }
  }
}

}  // namespace turnhalle::algo
