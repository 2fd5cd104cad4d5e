// What must hold for every recipe of the folder: nothing depends on how a step is split, on the
// order of rows, on masked tokens, or on rows whose reward is null.
#include <algorithm>
#include <array>
#include <limits>

#include "tests/algo/arrays.h"

namespace turnhalle::algo {
namespace {

bool is_lifecycle_recipe(const Recipe& recipe) {
  return std::holds_alternative<LifecycleReturn>(recipe.credit) ||
         std::holds_alternative<TrajectorySum>(recipe.credit);
}

/// A batch that suits a recipe; small differences of log-probs, so that masks keep most tokens.
Batch batch_for(const Recipe& recipe, std::uint64_t seed) {
  return random_batch({.seed = seed,
                       .groups = 4,
                       .lifecycles = 3,
                       .tasks = is_lifecycle_recipe(recipe) ? std::size_t{3} : std::size_t{1},
                       .drift = 1e-3});
}

std::vector<std::size_t> shuffled_rows(const Batch& batch, std::uint64_t seed) {
  std::vector<std::size_t> order(batch.rows());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  Random random(RandomKey::from_seed(seed));
  random.shuffle(std::span<std::size_t>(order));
  return order;
}

TEST(AllRecipes, are_there) { EXPECT_GE(all_recipes().size(), 23U); }

TEST(AllRecipes, give_the_same_loss_and_gradient_however_the_step_is_split) {
  for (const Recipe& recipe : all_recipes()) {
    const Batch batch = batch_for(recipe, 21);
    const Advantages advantages = *compute_advantages(recipe, batch);
    const Denominators denominators = global_denominators(batch, advantages);
    const ObjectiveResult whole = *compute_objective(recipe, batch, advantages, denominators);
    EXPECT_NE(whole.loss, 0) << recipe.name;
    for (const std::size_t rows_each : {1U, 2U, 5U}) {
      const std::vector<std::size_t> order = shuffled_rows(batch, rows_each);
      ObjectiveResult total;
      Doubles gradient(batch.tokens(), 0.0);
      for (std::size_t begin = 0; begin < order.size(); begin += rows_each) {
        const std::size_t n = std::min(rows_each, order.size() - begin);
        const auto rows = std::span(order).subspan(begin, n);
        const ObjectiveResult part = *compute_objective(
            recipe, select_rows(batch, rows), select_rows(advantages, batch, rows), denominators);
        merge(total, part);
        std::size_t next = 0;
        for (const std::size_t row : rows) {
          for (std::size_t t = batch.offset[row]; t < batch.offset[row + 1]; ++t) {
            gradient[t] = part.grad_logp[next++];
          }
        }
      }
      EXPECT_NEAR(total.loss, whole.loss, 1e-12) << recipe.name;
      expect_near(gradient, whole.grad_logp, 1e-15);
      for (const auto& [name, value] : whole.metrics) {
        EXPECT_NEAR(total.metrics[name], value, 1e-12) << recipe.name << " " << name;
      }
    }
  }
}

TEST(AllRecipes, follow_a_permutation_of_rows_and_of_group_names) {
  for (const Recipe& recipe : all_recipes()) {
    const Batch batch = batch_for(recipe, 22);
    const std::vector<std::size_t> order = shuffled_rows(batch, 7);
    Batch shuffled = select_rows(batch, order);
    for (std::int64_t& group : shuffled.group) {
      group = 40 - 3 * group;
    }
    const Advantages a = *compute_advantages(recipe, batch);
    const Advantages b = *compute_advantages(recipe, shuffled);
    expect_near(b.per_token, select_tokens(batch, order, a.per_token), 1e-12);
    EXPECT_NEAR(whole_loss(recipe, batch).loss, whole_loss(recipe, shuffled).loss, 1e-12)
        << recipe.name;
  }
}

TEST(AllRecipes, do_not_notice_what_stands_at_masked_tokens) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Recipe& recipe : all_recipes()) {
    const Batch batch = batch_for(recipe, 23);
    Batch odd = batch;
    std::size_t masked = 0;
    for (std::size_t t = 0; t < batch.tokens(); ++t) {
      if (batch.mask[t] == 0) {
        odd.logp[t] = -unlimited;
        odd.logp_old[t] = 1e308;
        odd.logp_rollout[t] = nan;
        odd.logp_ref[t] = unlimited;
        odd.entropy[t] = nan;
        odd.logp_masked[t] = -unlimited;
        odd.structure[t] = nan;
        ++masked;
      }
    }
    ASSERT_GT(masked, 0U);
    const ObjectiveResult a = whole_loss(recipe, batch);
    const ObjectiveResult b = whole_loss(recipe, odd);
    EXPECT_EQ(a.loss, b.loss) << recipe.name;
    EXPECT_EQ(a.grad_logp, b.grad_logp) << recipe.name;
    EXPECT_EQ(a.metrics, b.metrics) << recipe.name;
  }
}

TEST(AllRecipes, leave_rows_with_a_null_reward_out_of_everything) {
  for (const Recipe& recipe : all_recipes()) {
    const Batch batch = batch_for(recipe, 24);
    // The last lifecycle or rollout of the batch loses its rewards, first as nulls, then its rows.
    std::vector<std::size_t> kept;
    Batch with_null = batch;
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      const bool last = batch.group[row] == 3 && batch.lifecycle[row] == 2;
      with_null.has_reward[row] = last ? 0 : 1;
      with_null.reward[row] = last ? 1e9 : batch.reward[row];
      if (!last) {
        kept.push_back(row);
      }
    }
    const Advantages a = *compute_advantages(recipe, with_null);
    const Batch without = select_rows(batch, kept);
    const Advantages b = *compute_advantages(recipe, without);
    expect_near(select_tokens(batch, kept, a.per_token), b.per_token, 1e-13);
    EXPECT_NEAR(whole_loss(recipe, with_null).loss, whole_loss(recipe, without).loss, 1e-13)
        << recipe.name;
    for (std::size_t row = kept.size(); row < batch.rows(); ++row) {
      for (std::size_t t = batch.offset[row]; t < batch.offset[row + 1]; ++t) {
        EXPECT_EQ(a.per_token[t], 0);
        EXPECT_EQ(a.mask[t], 0);
      }
    }
  }
}

TEST(AllRecipes, are_defined_on_batches_in_which_nothing_counts) {
  for (const Recipe& recipe : all_recipes()) {
    Batch batch = batch_for(recipe, 25);
    batch.has_reward.assign(batch.rows(), 0);
    EXPECT_EQ(whole_loss(recipe, batch).loss, 0) << recipe.name;
  }
}

/// Advantages are comparisons inside groups and nothing else.
bool only_compares(const Recipe& recipe) {
  const auto* scaled = std::get_if<GroupNormalised>(&recipe.advantage);
  return !std::holds_alternative<RawAdvantage>(recipe.advantage) &&
         (scaled == nullptr || !scaled->over_batch) && recipe.advantage_transform.empty() &&
         recipe.advantage_terms.empty();
}

TEST(AllRecipes, that_only_compare_have_advantages_that_sum_to_zero_in_each_group) {
  std::size_t checked = 0;
  for (const Recipe& recipe : all_recipes()) {
    if (!only_compares(recipe) || std::holds_alternative<TurnReturn>(recipe.credit)) {
      continue;
    }
    const Batch batch = batch_for(recipe, 26);
    const Advantages advantages = *compute_advantages(recipe, batch);
    std::map<std::array<std::int64_t, 3>, double> sum;
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      const bool by_position = std::holds_alternative<LifecycleReturn>(recipe.credit);
      sum[{batch.group[row], by_position ? batch.position[row] : 0,
           by_position ? batch.is_update[row] : 0}] += advantages.per_row[row];
    }
    for (const auto& [group, total] : sum) {
      EXPECT_NEAR(total, 0, 1e-12) << recipe.name << " group " << group[0];
    }
    ++checked;
  }
  EXPECT_GE(checked, 6U);
}

TEST(AllRecipes, that_compare_turns_have_advantages_that_sum_to_zero_at_each_index) {
  for (const char* name : {"trloo", "dr_kernel"}) {
    const Batch batch = random_batch({.seed = 27, .groups = 4, .lifecycles = 6, .tasks = 1});
    const Advantages advantages = *compute_advantages(recipe_of(name), batch);
    for (const GroupReport& report : advantages.groups) {
      double sum = 0;
      for (std::size_t row = 0; row < batch.rows(); ++row) {
        const std::size_t turn = batch.turn_offset[row] + static_cast<std::size_t>(report.turn);
        if (batch.group[row] == report.group && turn < batch.turn_offset[row + 1]) {
          sum += advantages.per_turn[turn];
        }
      }
      EXPECT_NEAR(sum, report.returns.n == 1 ? report.returns.mean : 0.0, 1e-12) << name;
    }
  }
}

TEST(AllRecipes, give_nothing_to_groups_of_equal_rewards_that_have_nothing_else_to_compare) {
  for (const Recipe& recipe : all_recipes()) {
    if (!only_compares(recipe) || !std::holds_alternative<OutcomeCredit>(recipe.credit) ||
        !recipe.reward.empty()) {
      continue;
    }
    Batch batch = batch_for(recipe, 28);
    batch.reward.assign(batch.rows(), 0.1);
    const Advantages advantages = *compute_advantages(recipe, batch);
    for (const double advantage : advantages.per_token) {
      EXPECT_NEAR(advantage, 0, 1e-15) << recipe.name;
    }
  }
}

TEST(AllRecipes, have_the_gradient_of_finite_differences) {
  const double h = 1e-6;
  for (const Recipe& recipe : all_recipes()) {
    if (std::holds_alternative<Cispo>(recipe.objective.kind)) {
      continue;  // its ratio is a constant of the derivative: Objectives.have_the_gradient_of_…
    }
    Batch batch = batch_for(recipe, 29);
    const Advantages advantages = *compute_advantages(recipe, batch);
    const Denominators denominators = global_denominators(batch, advantages);
    const auto result = *compute_objective(recipe, batch, advantages, denominators);
    for (std::size_t t = 0; t < batch.tokens(); ++t) {
      const double at = batch.logp[t];
      batch.logp[t] = at + h;
      const double above = compute_objective(recipe, batch, advantages, denominators)->loss;
      batch.logp[t] = at - h;
      const double below = compute_objective(recipe, batch, advantages, denominators)->loss;
      batch.logp[t] = at;
      EXPECT_NEAR(result.grad_logp[t], (above - below) / (2 * h), 1e-7) << recipe.name << " " << t;
    }
  }
}

TEST(AllRecipes, with_terms_of_weight_zero_are_what_they_build_on) {
  std::size_t checked = 0;
  for (const Recipe& recipe : all_recipes()) {
    if (recipe.advantage_terms.empty()) {
      continue;
    }
    Recipe zero = recipe;
    for (AdvantageTerm& term : zero.advantage_terms) {
      if (auto* anchor = std::get_if<AnchorStateTerm>(&term)) {
        anchor->weight = 0;
      } else if (auto* turn = std::get_if<TurnRewardTerm>(&term)) {
        turn->weight = 0;
      } else if (auto* gain = std::get_if<InformationTerm>(&term)) {
        gain->beta = 0;
      } else {
        std::get<StructureTerm>(term).weight = 0;
      }
    }
    Recipe base = recipe;
    base.advantage_terms.clear();
    const Batch batch = batch_for(recipe, 30);
    EXPECT_EQ(compute_advantages(zero, batch)->per_token,
              compute_advantages(base, batch)->per_token)
        << recipe.name;
    EXPECT_NE(compute_advantages(recipe, batch)->per_token,
              compute_advantages(base, batch)->per_token)
        << recipe.name;
    EXPECT_EQ(whole_loss(zero, batch).loss, whole_loss(base, batch).loss) << recipe.name;
    ++checked;
  }
  EXPECT_GE(checked, 5U);
}

TEST(Lifecycles, with_one_null_reward_are_out_as_a_whole) {
  const Recipe recipe = recipe_of("connect_the_dots");
  Batch batch = random_batch({.seed = 9, .groups = 2, .lifecycles = 3, .tasks = 3});
  batch.has_reward[3] = 0;  // an episode of the first lifecycle, which has five
  const Advantages advantages = *compute_advantages(recipe, batch);
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    EXPECT_EQ(advantages.row_counts[row], row < 5 ? 0 : 1);
  }
}

TEST(Lifecycles, advantages_sum_to_zero_at_each_position_and_kind) {
  const Recipe recipe = recipe_of(R"({"credit":"connect_the_dots","advantage":"group_mean"})");
  const Batch batch = random_batch({.seed = 10, .groups = 3, .lifecycles = 4, .tasks = 4});
  const Advantages advantages = *compute_advantages(recipe, batch);
  EXPECT_EQ(advantages.groups.size(), 3U * 7U);
  for (const GroupReport& report : advantages.groups) {
    double sum = 0;
    std::size_t n = 0;
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      if (batch.group[row] == report.group && batch.position[row] == report.position &&
          (batch.is_update[row] != 0) == report.is_update) {
        sum += advantages.per_row[row];
        ++n;
      }
    }
    EXPECT_EQ(n, 4U);
    EXPECT_EQ(report.returns.n, 4U);
    EXPECT_NEAR(sum, 0, 1e-14);
  }
}

TEST(TrajectorySum, counts_each_lifecycle_once_and_gives_it_one_advantage) {
  // Lifecycle 0 has three episodes, lifecycle 1 one: sums 1 and 3, mean 2 (not 1.5 by rows).
  Batch batch;
  batch.group = {0, 0, 0, 0};
  batch.lifecycle = {0, 0, 0, 1};
  batch.position = {0, 1, 1, 0};
  batch.is_update = {0, 1, 0, 0};
  batch.reward = {1, 0, 0, 3};
  batch.has_reward = Marks(4, 1);
  batch.offset = {0, 1, 2, 3, 4};
  batch.mask = Marks(4, 1);
  const Recipe recipe = recipe_of("connect_the_dots_trajectory_sum");
  expect_near(compute_advantages(recipe, batch)->per_row, Doubles{-1, -1, -1, 1}, 1e-15);
}

TEST(Filters, drop_groups_without_variance_from_loss_and_denominators) {
  Batch batch;
  batch.group = {0, 0, 1, 1};
  batch.reward = {1, 1, 1, 0};
  batch.has_reward = Marks(4, 1);
  batch.offset = {0, 1, 2, 3, 4};
  batch.mask = Marks(4, 1);
  const Recipe recipe = recipe_of(R"({"filter":[{"kind":"zero_variance"}],"advantage":"grpo"})");
  const Advantages advantages = *compute_advantages(recipe, batch);
  EXPECT_EQ(advantages.mask, (Marks{0, 0, 1, 1}));
  EXPECT_EQ(global_denominators(batch, advantages).tokens, 2);
  EXPECT_EQ(global_denominators(batch, advantages).rows, 2);
}

TEST(Filters, mask_truncated_rows_but_leave_them_in_the_baseline) {
  Batch batch;
  batch.group = {0, 0};
  batch.reward = {1, 0};
  batch.has_reward = Marks(2, 1);
  batch.truncated = {0, 1};
  batch.offset = {0, 1, 2};
  batch.mask = Marks(2, 1);
  const Recipe recipe = recipe_of(R"({"filter":[{"kind":"truncated"}],"advantage":"group_mean"})");
  const Advantages advantages = *compute_advantages(recipe, batch);
  EXPECT_EQ(advantages.per_token, (Doubles{.5, 0}));
  const Denominators denominators = global_denominators(batch, advantages);
  EXPECT_EQ(denominators.rows, 2);
  EXPECT_EQ(denominators.rows_filled, 1);
}

TEST(ReinforcePlusPlus, gives_early_turns_the_reward_of_late_ones_across_tool_output) {
  // Two rows, rewards 1 and 0; the middle tokens are tool output. Returns 1 1 | 0 0 over four
  // tokens: mean 1/2, unbiased variance 1/3, so the advantages are ±sqrt(3)/2.
  Batch batch;
  batch.reward = {1, 0};
  batch.has_reward = Marks(2, 1);
  batch.offset = {0, 3, 6};
  batch.mask = {1, 0, 1, 1, 0, 1};
  const Recipe recipe = recipe_of(R"({"advantage":"reinforce_plus_plus"})");
  const double a = std::sqrt(3) / 2;
  expect_near(compute_advantages(recipe, batch)->per_token, Doubles{a, 0, a, -a, 0, -a}, 1e-7);
}

TEST(ReinforcePlusPlusBaseline, whitens_the_deviation_over_tokens) {
  // Deviations ±1/2 with 1 and 3 tokens: mean -1/4, variance (9/16 + 3/16) / 3 = 1/4.
  Batch batch;
  batch.group = {0, 0};
  batch.reward = {1, 0};
  batch.has_reward = Marks(2, 1);
  batch.offset = {0, 1, 4};
  batch.mask = Marks(4, 1);
  const Recipe recipe = recipe_of(R"({"advantage":"reinforce_plus_plus_baseline"})");
  expect_near(compute_advantages(recipe, batch)->per_token, Doubles{1.5, -.5, -.5, -.5}, 1e-6);
}

TEST(KlPenalty, lowers_the_reward_of_a_row_by_the_sum_over_its_tokens) {
  // TRL's RLOO: r - beta * sum (logp_old - logp_ref). Penalties .1 * (1 + 2) and 0.
  Batch batch;
  batch.group = {0, 0};
  batch.reward = {1, 0};
  batch.has_reward = Marks(2, 1);
  batch.offset = {0, 2, 3};
  batch.mask = Marks(3, 1);
  batch.logp_old = {-1, -1, -1};
  batch.logp_ref = {-2, -3, -1};
  const Recipe recipe =
      recipe_of(R"({"reward":[{"kind":"kl_penalty","coefficient":0.1}],"advantage":"rloo"})");
  expect_near(compute_advantages(recipe, batch)->per_row, Doubles{.7, -.7}, 1e-15);
}

TEST(Needs, are_told_by_the_recipe) {
  EXPECT_TRUE(recipe_of("grpo").needs_group());
  EXPECT_FALSE(recipe_of("grpo").needs_batch());
  EXPECT_TRUE(recipe_of("connect_the_dots").needs_batch());
  EXPECT_FALSE(recipe_of("reinforce_plus_plus").needs_group());
  EXPECT_TRUE(recipe_of(R"({"objective":"reinforce"})").streamable());
}

}  // namespace
}  // namespace turnhalle::algo
