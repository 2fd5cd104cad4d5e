// What can be known of the hidden buttons of a lifecycle: the exact posterior over permutations,
// with buttons that last, that are drawn anew for every task, or that change once.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "envs/frozen_lake_planner.h"

namespace turnhalle::frozen_lake {

/// For how long buttons keep their meaning.
struct Lasting {
  bool over_tasks = true;  ///< false: every task draws its own
  /// Positions at which the buttons may change, once, to a uniform other permutation; each is as
  /// likely as the others. 0: they never change.
  std::int64_t change_first = 0;
  std::int64_t change_last = 0;

  bool changes() const { return change_first > 0; }
};

/// Bayes' rule over (permutation, other permutation, position of the change), which are
/// independent and uniform before anything is seen.
class Belief {
 public:
  explicit Belief(const Lasting& lasting) : lasting_(lasting) {}

  /// A move in the task at `position` is explained by these permutations only.
  void see(std::int64_t position, Permutations explained);
  /// What the moves seen in that task allow.
  Permutations allowed_in(std::int64_t position) const;
  /// The weight of each permutation to be that of the task at `position`, given the moves of the
  /// tasks before it. Within the task a move only strikes out permutations. Not normalised; with
  /// buttons that do not change all weights are 0 or 1.
  Weights before(std::int64_t position) const;

 private:
  Permutations allowed_over(std::int64_t from, std::int64_t to) const;  // to is excluded
  Lasting lasting_;
  std::vector<Permutations> allowed_;  // by position
};

/// The permutations with a weight above 0.
Permutations support(const Weights& weights);

}  // namespace turnhalle::frozen_lake
