// Intervals against published values and against what they promise.
#include "core/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <ctime>

#include "core/rng.h"

namespace turnhalle {
namespace {

// Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
TEST(Wilson, GivesThePublishedIntervals) {
  const Interval common = wilson(81, 263);
  EXPECT_NEAR(common.low, 0.2553, 5e-5);
  EXPECT_NEAR(common.high, 0.3662, 5e-5);
  const Interval rare = wilson(15, 148);
  EXPECT_NEAR(rare.low, 0.0624, 5e-5);
  EXPECT_NEAR(rare.high, 0.1605, 5e-5);
  const Interval none = wilson(0, 20);
  EXPECT_NEAR(none.low, 0.0, 1e-12);
  EXPECT_NEAR(none.high, 0.1611, 5e-5);
  const Interval one = wilson(1, 29);
  EXPECT_NEAR(one.low, 0.0061, 5e-5);
  EXPECT_NEAR(one.high, 0.1718, 5e-5);
}

// By hand: 1, 2, 3 has standard error 1 / sqrt 3 and t(0.975; 2) = 4.302653.
TEST(Student, GivesTheIntervalOfAFewRuns) {
  const Interval three = student(std::vector<double>{1.0, 2.0, 3.0});
  EXPECT_NEAR(three.mean, 2.0, 1e-12);
  EXPECT_NEAR(three.high - three.mean, 4.302653 / std::sqrt(3.0), 1e-6);
  EXPECT_NEAR(three.mean - three.low, 4.302653 / std::sqrt(3.0), 1e-6);
  EXPECT_EQ(three.n, 3);
}

TEST(Student, DoesNotKnowTheIntervalOfOneRun) {
  const Interval one = student(std::vector<double>{0.4});
  EXPECT_EQ(one.mean, 0.4);
  EXPECT_TRUE(std::isnan(one.low) && std::isnan(one.high));
  EXPECT_EQ(student({}).n, 0);
}

// Variances of the means 1/3 and 4/3: 25/9 / (1/9/2 + 16/9/2) = 2.941176 degrees of freedom, for
// which t(0.975) = 3.219.
TEST(Welch, ComparesRunsOfUnequalSpread) {
  const Interval difference =
      welch_difference(std::vector<double>{1.0, 2.0, 3.0}, std::vector<double>{2.0, 4.0, 6.0});
  EXPECT_NEAR(difference.mean, -2.0, 1e-12);
  EXPECT_NEAR(difference.high - difference.mean, 3.219 * std::sqrt(5.0 / 3.0), 5e-3);
  EXPECT_EQ(difference.n, 6);
  EXPECT_TRUE(std::isnan(welch_difference(std::vector<double>{1.0}, std::vector<double>{2.0}).low));
}

TEST(Wilson, StaysInsideZeroAndOne) {
  for (const std::int64_t n : {1, 2, 10, 1000}) {
    EXPECT_GE(wilson(0, n).low, 0.0);
    EXPECT_LE(wilson(n, n).high, 1.0);
    EXPECT_EQ(wilson(n, n).mean, 1.0);
  }
}

TEST(Wilson, OfNothingIsNothing) {
  EXPECT_EQ(wilson(0, 0).n, 0);
  EXPECT_EQ(to_json(wilson(0, 0)).dump(), R"({"high":null,"low":null,"mean":null,"n":0})");
}

TEST(ClusterBootstrap, HasTheMeanOfAllValues) {
  const std::vector<double> values = {1.0, 2.0, 3.0, 10.0};
  const std::vector<std::int64_t> clusters = {0, 0, 0, 1};
  const Interval interval = cluster_bootstrap(values, clusters);
  EXPECT_DOUBLE_EQ(interval.mean, 4.0);
  EXPECT_EQ(interval.n, 4);
  EXPECT_DOUBLE_EQ(interval.low, 2.0);    // the first cluster twice
  EXPECT_DOUBLE_EQ(interval.high, 10.0);  // the second cluster twice
}

TEST(ClusterBootstrap, OfIndependentValuesIsNearTheNormalInterval) {
  Random random(RandomKey::from_seed(9));
  std::vector<double> values;
  std::vector<std::int64_t> clusters;
  for (std::int64_t i = 0; i < 400; ++i) {
    values.push_back(random.normal());
    clusters.push_back(i);
  }
  const Interval interval = cluster_bootstrap(values, clusters);
  EXPECT_NEAR(interval.high - interval.low, 2 * 1.96 / std::sqrt(400.0), 0.02);
}

// Ten copies of each value carry no more knowledge than one.
TEST(ClusterBootstrap, CopiesInsideAClusterDoNotNarrowIt) {
  Random random(RandomKey::from_seed(9));
  std::vector<double> once, copied;
  std::vector<std::int64_t> once_clusters, copied_clusters;
  for (std::int64_t i = 0; i < 50; ++i) {
    const double value = random.normal();
    once.push_back(value);
    once_clusters.push_back(i);
    copied.insert(copied.end(), 10, value);
    copied_clusters.insert(copied_clusters.end(), 10, i);
  }
  const Interval a = cluster_bootstrap(once, once_clusters);
  const Interval b = cluster_bootstrap(copied, copied_clusters);
  EXPECT_NEAR(a.low, b.low, 1e-9);
  EXPECT_NEAR(a.high, b.high, 1e-9);
}

// Values printed by the bootstrap before it knew blocks.
TEST(ClusterBootstrap, OfFewClustersKeepsItsNumbers) {
  Random random(RandomKey::from_seed(9));
  std::vector<double> values;
  std::vector<std::int64_t> clusters;
  for (std::int64_t i = 0; i < 900; ++i) {
    values.push_back(random.normal());
    clusters.push_back((i * 7) % 300);
  }
  const Interval interval = cluster_bootstrap(values, clusters);
  EXPECT_DOUBLE_EQ(interval.mean, -0.0021357602737831446);
  EXPECT_DOUBLE_EQ(interval.low, -0.067381964084373455);
  EXPECT_DOUBLE_EQ(interval.high, 0.063470364891016137);
}

TEST(ClusterBootstrap, OfAMillionClustersIsFastAndNearTheNormalInterval) {
  constexpr std::int64_t kClusters = 1'000'000;
  Random random(RandomKey::from_seed(9));
  std::vector<double> values;
  std::vector<std::int64_t> clusters;
  for (std::int64_t i = 0; i < 2 * kClusters; ++i) {
    values.push_back(random.uniform());
    clusters.push_back(i / 2);
  }
  const std::clock_t begin = std::clock();
  const Interval interval = cluster_bootstrap(values, clusters);
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 2.0);
  const double spread = std::sqrt(1.0 / 12.0 / (2.0 * kClusters));
  EXPECT_NEAR((interval.high - interval.low) / (2.0 * 1.96 * spread), 1.0, 0.1);
  EXPECT_EQ(interval.n, 2 * kClusters);
}

TEST(ClusterBootstrap, IsTheSameForTheSameValues) {
  const std::vector<double> values = {0.0, 1.0, 1.0, 0.5};
  const std::vector<std::int64_t> clusters = {3, 1, 3, 2};
  EXPECT_EQ(to_json(cluster_bootstrap(values, clusters)),
            to_json(cluster_bootstrap(values, clusters)));
  EXPECT_EQ(cluster_bootstrap({}, {}).n, 0);
}

}  // namespace
}  // namespace turnhalle
