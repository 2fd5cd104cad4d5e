// Ragged groups: which values are compared with each other, and their statistics.
//
// A group is a list of indices into an array of values (rollouts, episodes, turns). Groups may
// have any size. A value that must not be looked at (a null reward) is in no group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace turnhalle::algo {

/// What a deviation is divided by: nothing, sqrt(sum/n), or sqrt(sum/(n-1)).
enum class StdKind { none, population, bessel };

/// What a group of one gets: 0, or its own value (baseline 0, as in verl).
enum class Singleton { zero, raw };

/// Groups by offsets: group g holds member[offset[g]] … member[offset[g+1]-1].
struct Groups {
  std::vector<std::size_t> offset{0};
  std::vector<std::size_t> member;

  std::size_t count() const { return offset.size() - 1; }
  std::span<const std::size_t> members(std::size_t group) const {
    return {member.data() + offset[group], offset[group + 1] - offset[group]};
  }
};

/// Equal keys make a group; groups stand in the order of their first key. Indices whose `counts`
/// is 0 join none. Both spans have one entry per value.
Groups make_groups(std::span<const std::int64_t> key, std::span<const std::uint8_t> counts);

/// Sizes, mean and spread of some values.
struct Statistics {
  std::size_t n = 0;
  double mean = 0;
  double std = 0;  ///< of the kind asked for; 0 for StdKind::none and where it is not defined
  double low = 0;
  double high = 0;

  /// All values equal up to `tolerance`. Compared by max - min, since a standard deviation of
  /// equal values may come out as rounding noise, which a small eps then blows up to order 1.
  bool degenerate(double tolerance) const { return high - low <= tolerance; }
};

/// Statistics of value[i] for i in `member`.
Statistics statistics(std::span<const double> value, std::span<const std::size_t> member,
                      StdKind kind);

}  // namespace turnhalle::algo
