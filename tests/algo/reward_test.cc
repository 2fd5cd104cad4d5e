// Reward transforms and estimators of the divergence, against their formulas.
#include "trainers/algo/reward.h"

#include "tests/algo/arrays.h"

namespace turnhalle::algo {
namespace {

TEST(Overlong, is_half_at_the_documented_example_and_bounded_at_one) {
  // 90 tokens, limit 100, buffer 20: -0.5. Without the bound it falls on beyond the limit.
  Doubles bounded(4, 0.0);
  const Doubles length{80, 90, 100, 120};
  add_overlong_penalty(length, {OverlongForm::bounded, 100, 20, 1}, bounded);
  expect_near(bounded, Doubles{0, -.5, -1, -1}, 1e-15);
  Doubles unbounded(4, 1.0);
  add_overlong_penalty(length, {OverlongForm::unbounded, 100, 20, .5}, unbounded);
  expect_near(unbounded, Doubles{1, .75, .5, 0}, 1e-15);
}

TEST(RewardScale, is_affine_between_its_bounds) {
  Doubles reward{0, .5, 1};
  scale_reward({10, -.2, -1, 5}, reward);
  expect_near(reward, Doubles{-.2, 4.8, 5}, 1e-15);
}

TEST(Kl, estimators_have_their_values_at_a_tenth) {
  const KlLimits none{unlimited, unlimited};
  const auto value = [&](KlEstimator of, double x) {
    return kl_estimate(of, x, none, false).value;
  };
  EXPECT_DOUBLE_EQ(value(KlEstimator::k1, -.1), -.1);
  EXPECT_DOUBLE_EQ(value(KlEstimator::abs, -.1), .1);
  EXPECT_DOUBLE_EQ(value(KlEstimator::k2, -.1), .005);
  EXPECT_NEAR(value(KlEstimator::k3, -.1), .005171, 5e-7);
  EXPECT_NEAR(value(KlEstimator::k3, .1), .004837, 5e-7);
}

TEST(Kl, gradients_are_those_of_finite_differences) {
  const KlLimits none{unlimited, unlimited};
  const double h = 1e-6;
  for (const KlEstimator of :
       {KlEstimator::k1, KlEstimator::k2, KlEstimator::k3, KlEstimator::abs}) {
    for (const double x : {-1.5, -.2, .3, 2.0}) {
      const double slope =
          (kl_estimate(of, x + h, none, false).value - kl_estimate(of, x - h, none, false).value) /
          (2 * h);
      EXPECT_NEAR(kl_estimate(of, x, none, false).gradient, slope, 1e-8);
    }
  }
}

TEST(Kl, limits_stop_value_and_gradient) {
  const KlLimits verl{20, 10};
  const KlTerm far = kl_estimate(KlEstimator::k3, -30, verl, false);
  EXPECT_EQ(far.value, 10);
  EXPECT_EQ(far.gradient, 0);
  EXPECT_EQ(kl_estimate(KlEstimator::k1, 25, {20, unlimited}, false).value, 20);
}

TEST(Kl, straight_through_has_the_value_of_one_and_the_gradient_of_k2) {
  const KlLimits none{unlimited, unlimited};
  const KlTerm term = kl_estimate(KlEstimator::k3, .5, none, true);
  EXPECT_DOUBLE_EQ(term.value, kl_estimate(KlEstimator::k3, .5, none, false).value);
  EXPECT_DOUBLE_EQ(term.gradient, .5);
}

TEST(KlPenalty, lowers_the_reward_of_counted_tokens_only) {
  Doubles reward(3, 0.0);
  const double bad = -unlimited;
  add_kl_penalty({Marks{1, 0, 1}, Doubles{-1, bad, -2}, Doubles{-1.5, 0, -1}},
                 {KlEstimator::k1, .1, {unlimited, unlimited}}, reward);
  expect_near(reward, Doubles{-.05, 0, .1}, 1e-15);
}

}  // namespace
}  // namespace turnhalle::algo
