// Strong types for the numbers that name things; none converts into another.
#pragma once

#include <compare>
#include <cstdint>

namespace turnhalle {

/// Virtual time since the world's start, in nanoseconds.
struct SimTime {
  std::int64_t ns = 0;
  auto operator<=>(const SimTime&) const = default;
};
/// A span of virtual time, in nanoseconds.
struct SimDuration {
  std::int64_t ns = 0;
  auto operator<=>(const SimDuration&) const = default;
};
constexpr SimTime operator+(SimTime time, SimDuration span) { return {time.ns + span.ns}; }
constexpr SimDuration operator-(SimTime later, SimTime earlier) { return {later.ns - earlier.ns}; }
constexpr SimDuration milliseconds(std::int64_t count) { return {count * 1'000'000}; }

/// A chair at the table: who acts in an environment.
struct Seat {
  std::int32_t value = 0;
  auto operator<=>(const Seat&) const = default;
};
inline constexpr Seat kAgentSeat{0};
inline constexpr Seat kUserSeat{1};

/// A lifecycle of a run: 0, 1, 2, …
struct LifecycleIndex {
  std::int64_t value = 0;
  auto operator<=>(const LifecycleIndex&) const = default;
};

}  // namespace turnhalle
