// Randomness is a key, not an object passed around.
//
// A RandomKey is 16 bytes. split() derives an independent key for a name or an index; a draw is
// a pure function of key and counter, so no draw moves another, and a stream is restored by
// remembering its counter. Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy
// as 1, 2, 3"). The distributions are ours: those of std:: differ between libraries.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace turnhalle {

/// Names one independent stream of random numbers.
struct RandomKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  /// The key of a whole run.
  static RandomKey from_seed(std::uint64_t seed);
  /// An independent key for a named purpose ("map", "agent").
  RandomKey split(std::string_view name) const;
  /// An independent key for an index (lifecycle 7, turn 3).
  RandomKey split(std::uint64_t index) const;

  auto operator<=>(const RandomKey&) const = default;
};

/// One block of Philox4x32-10: 128 random bits for (key, counter).
std::array<std::uint32_t, 4> philox(RandomKey key, std::uint64_t counter);

/// A uniform double in [0, 1) for (key, counter); 53 bits.
double uniform_at(RandomKey key, std::uint64_t counter);

/// A stream: a key and how many draws were made from it. 24 bytes; copying it forks it.
class Random {
 public:
  explicit Random(RandomKey key, std::uint64_t counter = 0) : key_(key), counter_(counter) {}

  RandomKey key() const { return key_; }
  std::uint64_t counter() const { return counter_; }

  /// Uniform over all 64-bit values.
  std::uint64_t bits();
  /// Uniform in 0 … bound-1, without bias; bound ≥ 1.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in low … high, both included.
  std::int64_t between(std::int64_t low, std::int64_t high);
  /// Uniform in [0, 1).
  double uniform();
  /// Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// True with probability numerator/denominator exactly.
  bool chance(std::uint64_t numerator, std::uint64_t denominator) {
    return below(denominator) < numerator;
  }
  /// Standard normal (Box-Muller; one value per two draws).
  double normal();
  /// Fisher-Yates.
  template <class T>
  void shuffle(std::span<T> items) {
    for (std::size_t i = items.size(); i > 1; --i) {
      std::swap(items[i - 1], items[below(i)]);
    }
  }

 private:
  RandomKey key_;
  std::uint64_t counter_;
};

}  // namespace turnhalle
