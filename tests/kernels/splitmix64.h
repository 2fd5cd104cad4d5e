// Random numbers for the arrays and thread orders of the kernels' tests, which must not depend on
// anything but a seed.
#pragma once

#include <cstdint>

namespace turnhalle {

/// A step of splitmix64.
inline std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15ULL;
  std::uint64_t z = state;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31U);
}

}  // namespace turnhalle
