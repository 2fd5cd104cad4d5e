// Golden values of the estimators. Group p = {1, 0, .5, .25}, q = {1, 0, 0}, s = {.7} with the
// outputs of TRL and verl on them; the rest is small enough to be done by hand, as said there.
#include "trainers/algo/advantage.h"

#include <algorithm>

#include "tests/algo/arrays.h"

namespace turnhalle::algo {
namespace {

const Doubles kRewards{1, 0, .5, .25, 1, 0, 0, .7};
const std::vector<std::int64_t> kGroups{0, 0, 0, 0, 1, 1, 1, 2};

Doubles normalised(const Doubles& reward, const Groups& groups, const Normalisation& of) {
  Doubles advantage(reward.size(), 0.0);
  group_normalised(reward, groups, of, advantage);
  return advantage;
}

TEST(Groups, are_ragged_stand_in_order_of_appearance_and_leave_out_what_does_not_count) {
  const std::vector<std::int64_t> key{7, 3, 7, 9, 3};
  const Groups groups = make_groups(key, Marks{1, 1, 1, 0, 1});
  EXPECT_EQ(groups.offset, (std::vector<std::size_t>{0, 2, 4}));
  EXPECT_EQ(groups.member, (std::vector<std::size_t>{0, 2, 1, 4}));
}

TEST(Groups, know_both_standard_deviations_and_none) {
  const Doubles value{1, 0, 0, 0};
  const Groups one = groups_of({0, 0, 0, 0});
  EXPECT_DOUBLE_EQ(statistics(value, one.members(0), StdKind::bessel).std, 0.5);
  EXPECT_NEAR(statistics(value, one.members(0), StdKind::population).std, std::sqrt(3) / 4, 1e-15);
  EXPECT_EQ(statistics(value, one.members(0), StdKind::none).std, 0);
  EXPECT_EQ(statistics(value, {}, StdKind::bessel).n, 0U);
}

TEST(Grpo, gives_the_golden_values_of_verl) {
  const Normalisation verl{StdKind::bessel, 1e-6, Singleton::raw, 1e-9};
  const Doubles expected{1.317462, -1.024693, 0.146385,  -0.439154,
                         1.154699, -0.577349, -0.577349, 0.699999};
  expect_near(normalised(kRewards, groups_of(kGroups), verl), expected, 5e-7);
}

TEST(Grpo, gives_the_golden_values_of_trl) {
  const Normalisation trl{StdKind::bessel, 1e-4, Singleton::zero, 1e-9};
  const Doubles expected{1.317157, -1.024455, 0.146351,  -0.439052,
                         1.154501, -0.577250, -0.577250, 0};
  expect_near(normalised(kRewards, groups_of(kGroups), trl), expected, 5e-7);
}

TEST(Grpo, gives_the_table_of_both_standard_deviations) {
  const std::vector<std::int64_t> one(4, 0);
  const auto z = [&](const Doubles& reward, StdKind kind) {
    return normalised(reward, groups_of(one), {kind, 0, Singleton::zero, 0});
  };
  expect_near(z({1, 0, 0, 0}, StdKind::bessel), Doubles{1.5, -.5, -.5, -.5}, 1e-14);
  expect_near(z({1, 0, 0, 0}, StdKind::population), Doubles{1.732051, -.57735, -.57735, -.57735},
              1e-6);
  expect_near(z({1, 1, 0, 0}, StdKind::bessel), Doubles{.866025, .866025, -.866025, -.866025},
              1e-6);
  expect_near(z({1, 1, 0, 0}, StdKind::population), Doubles{1, 1, -1, -1}, 1e-14);
  expect_near(z({1, 1, 1, 0}, StdKind::none), Doubles{.25, .25, .25, -.75}, 1e-15);
}

TEST(Grpo, gives_zero_to_a_group_that_is_equal_up_to_rounding) {
  const float tenth = 0.1F;
  const Doubles reward{tenth, tenth + 1e-12, tenth - 1e-12};
  const Groups groups = groups_of({0, 0, 0});
  const Doubles guarded =
      normalised(reward, groups, {StdKind::bessel, 1e-9, Singleton::zero, 1e-9});
  EXPECT_EQ(guarded, (Doubles{0, 0, 0}));
  const Doubles unguarded =
      normalised(reward, groups, {StdKind::bessel, 1e-15, Singleton::zero, 0});
  EXPECT_GT(std::abs(unguarded[1]), 0.5) << "the trap that the tolerance is there for";
}

TEST(Grpo, does_not_notice_a_shift_or_a_positive_scale) {
  const Groups groups = groups_of(kGroups);
  const Normalisation exact{StdKind::population, 0, Singleton::zero, 1e-12};
  Doubles moved = kRewards;
  for (double& value : moved) {
    value = 3 * value - 7;
  }
  expect_near(normalised(moved, groups, exact), normalised(kRewards, groups, exact), 1e-12);
}

TEST(BatchNormalised, divides_by_the_spread_of_the_whole_batch) {
  // Rewards 1, 0 | 3, 2: group means 1/2 and 5/2; batch mean 3/2, squares 5, bessel sqrt(5/3).
  Doubles advantage(4, 0.0);
  batch_normalised(Doubles{1, 0, 3, 2}, groups_of({0, 0, 1, 1}),
                   {StdKind::bessel, 0, Singleton::zero, 0}, advantage);
  const double s = std::sqrt(5.0 / 3);
  expect_near(advantage, Doubles{.5 / s, -.5 / s, .5 / s, -.5 / s}, 1e-15);
}

TEST(GroupMean, subtracts_the_mean_and_nothing_else) {
  Doubles advantage(kRewards.size(), 0.0);
  group_mean(kRewards, groups_of(kGroups), Singleton::zero, advantage);
  expect_near(advantage, Doubles{.5625, -.4375, .0625, -.1875, 2. / 3, -1. / 3, -1. / 3, 0}, 1e-15);
  group_mean(kRewards, groups_of(kGroups), Singleton::raw, advantage);
  EXPECT_EQ(advantage[7], .7);
}

TEST(Rloo, gives_the_golden_values_of_verl_with_both_rules_for_a_group_of_one) {
  Doubles advantage(kRewards.size(), 0.0);
  leave_one_out(kRewards, groups_of(kGroups), Singleton::raw, advantage);
  expect_near(advantage, Doubles{.75, -.583333, .083333, -.25, 1, -.5, -.5, .7}, 5e-7);
  leave_one_out(kRewards, groups_of(kGroups), Singleton::zero, advantage);
  EXPECT_EQ(advantage[7], 0);
}

TEST(Rloo, is_the_deviation_from_the_mean_times_n_over_n_minus_one) {
  const Groups groups = groups_of(kGroups);
  Doubles loo(kRewards.size(), 0.0);
  Doubles mean(kRewards.size(), 0.0);
  leave_one_out(kRewards, groups, Singleton::zero, loo);
  group_mean(kRewards, groups, Singleton::zero, mean);
  for (std::size_t i = 0; i < 7; ++i) {
    const double n = i < 4 ? 4 : 3;
    EXPECT_NEAR(loo[i], n / (n - 1) * mean[i], 1e-15);
  }
}

TEST(Rloo, is_unbiased_where_the_mean_with_self_shrinks_by_one_over_n) {
  // A Bernoulli policy with success probability p, reward 1 on success, gradient of the expected
  // reward along the logit p (1 - p). Exact expectation over all 2^n outcomes of a group of n.
  const double p = 0.3;
  for (const std::size_t n : {2U, 4U, 8U}) {
    const Groups one = groups_of(std::vector<std::int64_t>(n, 0));
    double with_self = 0;
    double without = 0;
    for (std::size_t outcome = 0; outcome < (std::size_t{1} << n); ++outcome) {
      Doubles reward(n);
      double probability = 1;
      for (std::size_t i = 0; i < n; ++i) {
        reward[i] = static_cast<double>(outcome >> i & 1U);
        probability *= reward[i] > 0 ? p : 1 - p;
      }
      Doubles mean(n);
      Doubles loo(n);
      group_mean(reward, one, Singleton::zero, mean);
      leave_one_out(reward, one, Singleton::zero, loo);
      for (std::size_t i = 0; i < n; ++i) {
        const double score = (reward[i] - p) / static_cast<double>(n);
        with_self += probability * score * mean[i];
        without += probability * score * loo[i];
      }
    }
    const double truth = p * (1 - p);
    EXPECT_NEAR(without / truth, 1, 1e-12);
    EXPECT_NEAR(with_self / truth, 1 - 1.0 / static_cast<double>(n), 1e-12);
  }
}

TEST(Whiten, gives_mean_zero_and_unbiased_variance_one_over_tokens) {
  // Values 1 (3 tokens), 0 (1 token), by hand: mean 3/4, variance (3/16 + 9/16) / 3 = 1/4.
  Doubles advantage{1, 5, 0};
  whiten(Doubles{3, 0, 1}, {WhitenForm::variance_eps, 0, true}, advantage);
  expect_near(advantage, Doubles{.5, 5, -1.5}, 1e-15);
  Doubles scaled{1, 5, 0};
  whiten(Doubles{3, 0, 1}, {WhitenForm::std_eps, 0.5, false}, scaled);
  expect_near(scaled, Doubles{1, 5, 0}, 1e-15);
}

TEST(Whiten, leaves_a_batch_of_one_token_alone_and_equal_values_at_zero) {
  Doubles one{3};
  whiten(Doubles{1}, {WhitenForm::variance_eps, 1e-8, true}, one);
  EXPECT_EQ(one[0], 3);
  Doubles equal{2, 2};
  whiten(Doubles{4, 4}, {WhitenForm::std_eps, 0, true}, equal);
  EXPECT_EQ(equal, (Doubles{0, 0}));
}

constexpr Reweighting kRed{0.8, 100, 0.05, 20};

TEST(AdaptiveReweight, returns_the_temperature_of_the_bisection_as_coded) {
  // The exact root of A = (1/2, -1/4), n = (10, 40) is 0.75 / ln 2 = 1.082.
  Doubles advantage{.5, -.25};
  const double temperature = adaptive_reweight(Doubles{10, 40}, kRed, advantage);
  EXPECT_NEAR(temperature, 1.042, 5e-4);
  expect_near(advantage,
              Doubles{.5 * std::exp(.5 / temperature), -.25 * std::exp(-.25 / temperature)}, 1e-15);
}

TEST(AdaptiveReweight, stops_at_the_floor_and_may_stay_negative) {
  Doubles advantage{.1, -.1};
  EXPECT_NEAR(adaptive_reweight(Doubles{10, 100}, kRed, advantage), 0.848, 5e-4);
  EXPECT_LT(advantage[0] * 10 + advantage[1] * 100, 0);
}

TEST(AdaptiveReweight, does_nothing_when_the_token_mean_is_not_negative) {
  Doubles advantage{.5, -.1};
  EXPECT_EQ(adaptive_reweight(Doubles{10, 40}, kRed, advantage), 0);
  EXPECT_EQ(advantage, (Doubles{.5, -.1}));
}

TEST(AdaptiveReweight, finds_the_root_when_it_may_search_long_enough) {
  Doubles advantage{.5, -.25};
  const double root = adaptive_reweight(Doubles{10, 40}, {0.8, 100, 1e-12, 200}, advantage);
  EXPECT_NEAR(root, 0.75 / std::log(2.0), 1e-9);
  EXPECT_NEAR(advantage[0] * 10 + advantage[1] * 40, 0, 1e-9);
}

TEST(Estimators, sum_to_zero_in_each_group_and_follow_a_permutation) {
  const Batch batch = random_batch({.seed = 3, .groups = 6, .lifecycles = 5, .tasks = 1});
  const Groups groups = groups_of(batch.group);
  std::vector<std::size_t> order(batch.rows());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  Random random(RandomKey::from_seed(1));
  random.shuffle(std::span<std::size_t>(order));
  const Batch shuffled = select_rows(batch, order);
  const Groups shuffled_groups = groups_of(shuffled.group);
  const auto run = [](int which, const Doubles& value, const Groups& of) {
    Doubles advantage(value.size(), 0.0);
    if (which == 0) {
      group_mean(value, of, Singleton::zero, advantage);
    } else if (which == 1) {
      leave_one_out(value, of, Singleton::zero, advantage);
    } else {
      group_normalised(value, of, {StdKind::bessel, 1e-6, Singleton::zero, 1e-9}, advantage);
    }
    return advantage;
  };
  for (int which = 0; which < 3; ++which) {
    const Doubles advantage = run(which, batch.reward, groups);
    for (std::size_t g = 0; g < groups.count(); ++g) {
      double sum = 0;
      for (const std::size_t i : groups.members(g)) {
        sum += advantage[i];
      }
      EXPECT_NEAR(sum, 0, 1e-13);
    }
    const Doubles of_shuffled = run(which, shuffled.reward, shuffled_groups);
    for (std::size_t i = 0; i < order.size(); ++i) {
      EXPECT_NEAR(of_shuffled[i], advantage[order[i]], 1e-13);
    }
  }
}

}  // namespace
}  // namespace turnhalle::algo
