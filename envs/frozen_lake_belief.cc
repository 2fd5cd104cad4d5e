#include "envs/frozen_lake_belief.h"

#include <algorithm>
#include <bit>

namespace turnhalle::frozen_lake {
namespace {

bool has(Permutations set, std::size_t number) { return (set >> number & 1) != 0; }

}  // namespace

void Belief::see(std::int64_t position, Permutations explained) {
  const auto place = static_cast<std::size_t>(position);
  if (place >= allowed_.size()) allowed_.resize(place + 1, kAllPermutations);
  allowed_[place] &= explained;
}

Permutations Belief::allowed_in(std::int64_t position) const {
  return allowed_over(position, position + 1);
}

Permutations Belief::allowed_over(std::int64_t from, std::int64_t to) const {
  Permutations all = kAllPermutations;
  const auto end = std::min(to, static_cast<std::int64_t>(allowed_.size()));
  for (std::int64_t i = from; i < end; ++i) all &= allowed_[static_cast<std::size_t>(i)];
  return all;
}

Weights Belief::before(std::int64_t position) const {
  Weights weights{};
  if (!lasting_.over_tasks) {
    weights.fill(1.0);
    return weights;
  }
  const Permutations always = allowed_over(0, position);
  if (!lasting_.changes()) {
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = has(always, i) ? 1.0 : 0.0;
    return weights;
  }
  // For every position of the change: the ways to have the permutation now, out of 24 without a
  // change so far, or out of 24 · 23 with one.
  for (std::int64_t at = lasting_.change_first; at <= lasting_.change_last; ++at) {
    const Permutations since = at > position ? always : allowed_over(at, position);
    const Permutations until = allowed_over(0, at);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (!has(since, i)) continue;
      const int others = std::popcount(until) - (has(until, i) ? 1 : 0);
      weights[i] += at > position ? 1.0 : static_cast<double>(others) / 23.0;
    }
  }
  return weights;
}

Permutations support(const Weights& weights) {
  Permutations set = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] > 0.0) set |= Permutations{1} << i;
  }
  return set;
}

}  // namespace turnhalle::frozen_lake
