#include "core/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace turnhalle {
namespace {

using Block = std::array<std::uint32_t, 4>;

// Pearson's statistic for equal cells.
double chi_square(std::span<const std::uint64_t> counts) {
  const double total =
      static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  const double expected = total / static_cast<double>(counts.size());
  double sum = 0;
  for (const std::uint64_t count : counts) {
    sum += std::pow(static_cast<double>(count) - expected, 2) / expected;
  }
  return sum;
}

// Known answers of Random123's kat_vectors for philox4x32-10. The low half of a RandomKey is the
// 64-bit key, the high half the upper words of the counter.
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox({0, 0}, 0), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint64_t kOnes = ~std::uint64_t{0};
  EXPECT_EQ(philox({kOnes, kOnes}, kOnes), (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x0370734413198a2e, 0x299f31d0a4093822}, 0x85a308d3243f6a88),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

// Digests of runs depend on these: a change here breaks every stored run.
TEST(FrozenDraws, KeysStayWhatTheyAre) {
  const RandomKey run = RandomKey::from_seed(7);
  EXPECT_EQ(run, (RandomKey{0x23be79cc6631c9ec, 0x5f86dc04ed998c69}));
  EXPECT_EQ(run.split("map"), (RandomKey{0x2eb14d0a66f278c3, 0x0bdcf5749973d857}));
  EXPECT_EQ(run.split(3), (RandomKey{0x496fbda8c93ad558, 0xa95fabe5885c8c18}));
}

TEST(FrozenDraws, StreamsStayWhatTheyAre) {
  const RandomKey key = RandomKey::from_seed(7).split("map");
  Random bits(key);
  EXPECT_EQ(bits.bits(), 0xb738a14a49a69797u);
  EXPECT_EQ(bits.bits(), 0xff731cb866cc6530u);
  EXPECT_EQ(bits.bits(), 0x698bbd6e6c1244bcu);
  Random below(key);
  for (const std::uint64_t expected : {7, 9, 4, 3, 8, 2, 4, 8}) {
    EXPECT_EQ(below.below(10), expected);
  }
  Random between(key);
  for (const std::int64_t expected : {2, 5, -1, -1, 4, -3, -1, 4}) {
    EXPECT_EQ(between.between(-5, 5), expected);
  }
  Random uniform(key);
  EXPECT_EQ(uniform.uniform(), 0x1.6e714294934d2p-1);
  EXPECT_EQ(uniform.uniform(), 0x1.fee63970cd98cp-1);
  Random normal(key);
  EXPECT_NEAR(normal.normal(), 1.5858899257709582, 1e-14);
  EXPECT_NEAR(normal.normal(), -0.72645098485823434, 1e-14);
  Random shuffle(key);
  std::vector<int> items = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  shuffle.shuffle(std::span<int>(items));
  EXPECT_EQ(items, (std::vector<int>{9, 0, 6, 4, 1, 5, 2, 3, 8, 7}));
  EXPECT_EQ(shuffle.counter(), 9u);
}

TEST(Random, StreamIsRestoredFromItsCounter) {
  Random random(RandomKey::from_seed(1));
  for (int i = 0; i < 5; ++i) {
    random.normal();
  }
  Random restored(random.key(), random.counter());
  EXPECT_EQ(random.counter(), 10u);
  EXPECT_EQ(random.bits(), restored.bits());
}

TEST(Random, UniformAtIsTheDrawOfThatCounter) {
  const RandomKey key = RandomKey::from_seed(2);
  Random random(key);
  for (std::uint64_t counter = 0; counter < 100; ++counter) {
    EXPECT_EQ(uniform_at(key, counter), random.uniform());
  }
}

// 256 cells: the statistic has mean 255 and standard deviation 22.6; the bounds are five of them.
TEST(Random, EveryByteOfTheBitsIsUniform) {
  Random random(RandomKey::from_seed(3));
  std::vector<std::vector<std::uint64_t>> counts(8, std::vector<std::uint64_t>(256));
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t bits = random.bits();
    for (std::size_t byte = 0; byte < 8; ++byte) {
      ++counts[byte][(bits >> (8 * byte)) & 0xFF];
    }
  }
  for (const auto& cells : counts) {
    EXPECT_GT(chi_square(cells), 255 - 5 * 22.6);
    EXPECT_LT(chi_square(cells), 255 + 5 * 22.6);
  }
}

TEST(Random, UniformFillsTheUnitInterval) {
  Random random(RandomKey::from_seed(4));
  std::vector<std::uint64_t> cells(100);
  double lowest = 1;
  double highest = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double value = random.uniform();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    lowest = std::min(lowest, value);
    highest = std::max(highest, value);
    ++cells[static_cast<std::size_t>(value * 100)];
  }
  EXPECT_LT(lowest, 1e-3);
  EXPECT_GT(highest, 1 - 1e-3);
  EXPECT_LT(chi_square(cells), 99 + 5 * 14.1);
}

// With a bound of 3/4 of 2^64 a draw by remainder would hit the lower third twice as often.
TEST(Random, BelowIsWithoutBias) {
  Random random(RandomKey::from_seed(5));
  const std::uint64_t third = std::uint64_t{1} << 62;
  std::vector<std::uint64_t> thirds(3);
  std::vector<std::uint64_t> seventh(7);
  for (int i = 0; i < 60'000; ++i) {
    const std::uint64_t value = random.below(3 * third);
    ASSERT_LT(value, 3 * third);
    ++thirds[value / third];
    ++seventh[random.below(7)];
  }
  EXPECT_LT(chi_square(thirds), 2 + 5 * 2.0);
  EXPECT_LT(chi_square(seventh), 6 + 5 * 3.5);
  EXPECT_EQ(random.below(1), 0u);
}

TEST(Random, BetweenReachesBothEndsAndWholeRange) {
  Random random(RandomKey::from_seed(6));
  std::set<std::int64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    seen.insert(random.between(-2, 2));
  }
  EXPECT_EQ(seen, (std::set<std::int64_t>{-2, -1, 0, 1, 2}));
  EXPECT_EQ(random.between(9, 9), 9);
  constexpr auto kLow = std::numeric_limits<std::int64_t>::min();
  constexpr auto kHigh = std::numeric_limits<std::int64_t>::max();
  bool negative = false;
  bool positive = false;
  for (int i = 0; i < 64; ++i) {
    const std::int64_t value = random.between(kLow, kHigh);
    negative = negative || value < 0;
    positive = positive || value > 0;
  }
  EXPECT_TRUE(negative && positive);
  EXPECT_GE(random.between(kHigh - 1, kHigh), kHigh - 1);
}

TEST(Random, ChanceIsTheFraction) {
  Random random(RandomKey::from_seed(7));
  int hits = 0;
  for (int i = 0; i < 30'000; ++i) {
    hits += random.chance(1, 3) ? 1 : 0;
    ASSERT_FALSE(random.chance(0, 5));
    ASSERT_TRUE(random.chance(5, 5));
  }
  EXPECT_NEAR(hits, 10'000, 5 * std::sqrt(30'000 * 2.0 / 9));
}

// Standard errors of mean, variance, skewness and kurtosis of n normals: √(1/n), √(2/n), √(6/n),
// √(24/n).
TEST(Random, NormalHasTheMomentsOfANormal) {
  Random random(RandomKey::from_seed(8));
  constexpr int kCount = 200'000;
  std::array<double, 5> moment{};
  for (int i = 0; i < kCount; ++i) {
    const double value = random.normal();
    ASSERT_TRUE(std::isfinite(value));
    double power = 1;
    for (std::size_t k = 1; k < moment.size(); ++k) {
      power *= value;
      moment[k] += power / kCount;
    }
  }
  const double unit = 5 / std::sqrt(static_cast<double>(kCount));
  EXPECT_NEAR(moment[1], 0, unit);
  EXPECT_NEAR(moment[2], 1, unit * std::sqrt(2));
  EXPECT_NEAR(moment[3], 0, unit * std::sqrt(15));
  EXPECT_NEAR(moment[4], 3, unit * std::sqrt(96));
}

// All 24 orders of four items, equally often.
TEST(Random, ShuffleIsAUniformPermutation) {
  Random random(RandomKey::from_seed(9));
  std::vector<std::vector<int>> orders;
  std::vector<std::uint64_t> counts(24);
  std::vector<int> order = {0, 1, 2, 3};
  do {
    orders.push_back(order);
  } while (std::next_permutation(order.begin(), order.end()));
  for (int i = 0; i < 24'000; ++i) {
    std::vector<int> items = {0, 1, 2, 3};
    random.shuffle(std::span<int>(items));
    const auto found = std::find(orders.begin(), orders.end(), items);
    ASSERT_NE(found, orders.end());
    ++counts[static_cast<std::size_t>(found - orders.begin())];
  }
  EXPECT_LT(chi_square(counts), 23 + 5 * 6.8);
  std::vector<int> none;
  random.shuffle(std::span<int>(none));
  EXPECT_TRUE(none.empty());
}

TEST(RandomKey, SplitsDifferFromEachOtherAndFromTheirParent) {
  std::set<RandomKey> keys;
  const RandomKey root = RandomKey::from_seed(10);
  keys.insert(root);
  std::size_t made = 1;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    keys.insert(root.split(i));
    keys.insert(root.split(std::to_string(i)));
    keys.insert(root.split(i).split("map"));
    keys.insert(RandomKey::from_seed(1000 + i));
    made += 4;
  }
  EXPECT_EQ(keys.size(), made);
  EXPECT_NE(root.split("a").split("b"), root.split("b").split("a"));
  EXPECT_EQ(root.split("a"), root.split("a"));
}

// Neighbouring keys give unrelated draws: the bits of two streams agree in half of the places.
TEST(RandomKey, StreamsOfSplitsAreUncorrelated) {
  const RandomKey root = RandomKey::from_seed(11);
  const std::vector<std::array<RandomKey, 2>> pairs = {{root, root.split(0)},
                                                       {root.split(0), root.split(1)},
                                                       {root.split("map"), root.split("agent")},
                                                       {root.split("a"), root.split("a").split(0)}};
  for (const auto& [one, other] : pairs) {
    constexpr std::uint64_t kDraws = 20'000;
    std::uint64_t agreeing = 0;
    Random first(one);
    Random second(other);
    for (std::uint64_t i = 0; i < kDraws; ++i) {
      agreeing += static_cast<std::uint64_t>(std::popcount(~(first.bits() ^ second.bits())));
    }
    EXPECT_NEAR(static_cast<double>(agreeing), 32.0 * kDraws, 5 * std::sqrt(16.0 * kDraws));
  }
}

TEST(RandomKey, FirstDrawsOfConsecutiveSplitsAreUniform) {
  const RandomKey root = RandomKey::from_seed(12);
  std::vector<std::uint64_t> cells(16);
  for (std::uint64_t i = 0; i < 32'000; ++i) {
    ++cells[Random(root.split(i)).below(16)];
  }
  EXPECT_LT(chi_square(cells), 15 + 5 * 5.5);
}

// A draw and a split of the same key never read the same block.
TEST(RandomKey, SplitIsNotADrawOfItsParent) {
  const RandomKey root = RandomKey::from_seed(13);
  const RandomKey child = root.split(5);
  Random random(root);
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t bits = random.bits();
    EXPECT_NE(bits, child.low);
    EXPECT_NE(bits, child.high);
  }
}

TEST(RandomDeathTest, EmptyRangesAreBugs) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  Random random(RandomKey::from_seed(1));
  EXPECT_DEATH(random.below(0), "at least 1");
  EXPECT_DEATH(random.between(2, 1), "not empty 2 1");
}

}  // namespace
}  // namespace turnhalle
