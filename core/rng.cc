#include "core/rng.h"

#include <cmath>
#include <numbers>

#include "core/check.h"

namespace turnhalle {
namespace {

constexpr std::uint32_t kMultiplier0 = 0xD2511F53;
constexpr std::uint32_t kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9;
constexpr std::uint32_t kWeyl1 = 0xBB67AE85;

// Philox4x32 has a 64-bit key and a 128-bit counter: the low half of a RandomKey is the key,
// the high half fills the upper words of the counter.
std::array<std::uint32_t, 4> philox_rounds(std::array<std::uint32_t, 4> counter,
                                           std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{kMultiplier0} * counter[0];
    const std::uint64_t product1 = std::uint64_t{kMultiplier1} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

std::uint64_t low_half(const std::array<std::uint32_t, 4>& block) {
  return block[0] | (std::uint64_t{block[1]} << 32);
}
std::uint64_t high_half(const std::array<std::uint32_t, 4>& block) {
  return block[2] | (std::uint64_t{block[3]} << 32);
}

// Counters of splits have the top bit set, so that they never meet those of draws.
constexpr std::uint64_t kSplitIndex = std::uint64_t{1} << 63;
constexpr std::uint64_t kSplitName = std::uint64_t{3} << 62;

// FNV-1a, 64 bits: names are short and few, the mixing is Philox's.
std::uint64_t name_hash(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return hash;
}

}  // namespace

std::array<std::uint32_t, 4> philox(RandomKey key, std::uint64_t counter) {
  return philox_rounds(
      {static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32),
       static_cast<std::uint32_t>(key.high), static_cast<std::uint32_t>(key.high >> 32)},
      {static_cast<std::uint32_t>(key.low), static_cast<std::uint32_t>(key.low >> 32)});
}

RandomKey RandomKey::from_seed(std::uint64_t seed) { return RandomKey{0, seed}.split("run"); }

RandomKey RandomKey::split(std::string_view name) const {
  const auto block = philox(*this, kSplitName ^ (name_hash(name) >> 2));
  return {high_half(block), low_half(block)};
}

RandomKey RandomKey::split(std::uint64_t index) const {
  check(index < kSplitIndex >> 1, "an index of a split key is below 2^62", index);
  const auto block = philox(*this, kSplitIndex | index);
  return {high_half(block), low_half(block)};
}

double uniform_at(RandomKey key, std::uint64_t counter) {
  return static_cast<double>(low_half(philox(key, counter)) >> 11) * 0x1.0p-53;
}

std::uint64_t Random::bits() { return low_half(philox(key_, counter_++)); }

std::uint64_t Random::below(std::uint64_t bound) {
  check(bound > 0, "a bound of a draw is at least 1");
  // Lemire's multiply-and-reject: without bias, almost always one draw.
  while (true) {
    const auto product = static_cast<unsigned __int128>(bits()) * bound;
    const auto fraction = static_cast<std::uint64_t>(product);
    if (fraction >= bound || fraction >= (0 - bound) % bound) {
      return static_cast<std::uint64_t>(product >> 64);
    }
  }
}

std::int64_t Random::between(std::int64_t low, std::int64_t high) {
  check(low <= high, "a range of a draw is not empty", low, high);
  const auto width = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
  const std::uint64_t offset = width == 0 ? bits() : below(width);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + offset);
}

double Random::uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }

double Random::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

}  // namespace turnhalle
