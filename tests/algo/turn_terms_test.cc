// Turns: what a single one earned, on top of its rollout (GiGPO, MT-GRPO), and leave-one-out
// inside groups that shrink (TRLOO). Numbers by hand.
#include "tests/algo/arrays.h"

namespace turnhalle::algo {
namespace {

/// Rows with one token per turn; turn rewards as given.
Batch turn_batch(const std::vector<Doubles>& turn_rewards, const Doubles& reward) {
  Batch batch;
  batch.turn_offset = {0};
  for (const Doubles& row : turn_rewards) {
    for (std::size_t turn = 0; turn < row.size(); ++turn) {
      batch.turn_reward.push_back(row[turn]);
      batch.turn.push_back(static_cast<std::int32_t>(turn));
      batch.mask.push_back(1);
    }
    batch.turn_offset.push_back(batch.turn_reward.size());
    batch.offset.push_back(batch.turn_reward.size());
  }
  batch.group.assign(turn_rewards.size(), 0);
  batch.reward = reward;
  batch.has_reward.assign(turn_rewards.size(), 1);
  return batch;
}

TEST(Gigpo, adds_the_z_score_of_turns_that_start_from_the_same_state) {
  // Returns with gamma 1/2: (.5, 1) and (0, 0). State 1 occurs twice, the others once.
  Batch batch = turn_batch({{0, 1}, {0, 0}}, {1, 0});
  batch.anchor = {1, 2, 1, 3};
  const Recipe recipe = recipe_of(
      R"({"advantage":{"kind":"grpo","eps":0},
          "advantage_terms":[{"kind":"anchor_state","gamma":0.5,"eps":0}]})");
  expect_near(compute_advantages(recipe, batch)->per_turn,
              Doubles{2 * kHalfRoot, kHalfRoot, -2 * kHalfRoot, -kHalfRoot}, 1e-14);
}

TEST(Gigpo, compares_states_of_one_group_only) {
  Batch batch = turn_batch({{0, 1}, {0, 0}}, {1, 0});
  batch.anchor = {1, 2, 1, 3};
  batch.group = {0, 1};
  const Recipe recipe =
      recipe_of(R"({"advantage":"grpo","advantage_terms":[{"kind":"anchor_state"}]})");
  expect_near(compute_advantages(recipe, batch)->per_turn, Doubles(4, 0.0), 0);
}

TEST(MtGrpo, adds_the_z_score_of_turn_rewards_to_all_turns_but_the_last) {
  // Turn 0 of the third row is its last and takes no part in the comparison.
  const Batch batch = turn_batch({{1, 0}, {0, 1}, {0}}, {1, 1, 0});
  const Recipe recipe = recipe_of(
      R"({"advantage":{"kind":"grpo","eps":0},
          "advantage_terms":[{"kind":"turn_reward","weight":0.5,"eps":0}]})");
  const double z = 1 / std::sqrt(3.0);
  expect_near(compute_advantages(recipe, batch)->per_turn,
              Doubles{z + kHalfRoot / 2, z, z - kHalfRoot / 2, z, -2 * z}, 1e-14);
}

TEST(Terms, are_refused_where_they_contradict_the_rest) {
  for (const char* text : {R"({"advantage_terms":[{"kind":"structure"}],"objective":"gspo"})",
                           R"({"advantage":"trloo","advantage_terms":[{"kind":"turn_reward"}]})"}) {
    EXPECT_FALSE(load_recipe(text, recipes_folder()).ok()) << text;
  }
}

TEST(Trloo, follows_the_stated_rule_for_a_turn_that_only_one_rollout_reached) {
  const Batch batch = turn_batch({{0, 3}, {1}}, {0, 0});
  const auto second_turn = [&](const std::string& advantage) {
    return compute_advantages(recipe_of(R"({"advantage":)" + advantage + "}"), batch)->per_turn[1];
  };
  EXPECT_EQ(second_turn(R"({"kind":"trloo"})"), 3);
  EXPECT_EQ(second_turn(R"({"kind":"trloo","compat":"verl"})"), 3);
  EXPECT_EQ(second_turn(R"({"kind":"trloo","compat":"trl"})"), 0);
  EXPECT_EQ(second_turn(R"({"kind":"trloo","compat":"trl","singleton":"raw"})"), 3);
}

TEST(Trloo, over_all_turns_compares_whatever_their_index) {
  // Returns 3, 3 | 1: the others' means are 2, 2 and 3.
  const Batch batch = turn_batch({{0, 3}, {1}}, {0, 0});
  const Recipe recipe =
      recipe_of(R"({"advantage":"trloo","credit":{"kind":"turn_return","compare":"all_turns"}})");
  expect_near(compute_advantages(recipe, batch)->per_turn, Doubles{1, 1, -2}, 1e-15);
}

/// Estimated gradient of the expected return along the logits, over the true one, for turns of
/// groups of which n rollouts reached the turn.
struct GradientShare {
  Doubles sum = Doubles(5, 0.0);
  Doubles n = Doubles(5, 0.0);
  double at(std::size_t size, double truth) const { return sum[size] / n[size] / truth; }
};

TEST(Trloo, is_unbiased_in_groups_that_shrink_where_the_mean_with_self_loses_one_over_n) {
  // Four rollouts of two turns, success with probability p in each, the first turn is the last one
  // with probability 0.4. The gradient along a turn's logit is p (1 - p) whatever else happens.
  const double p = 0.3;
  Random random(RandomKey::from_seed(11));
  std::vector<Doubles> rewards;
  for (std::size_t row = 0; row < 4 * 60000; ++row) {
    rewards.push_back({random.uniform() < p ? 1.0 : 0.0});
    if (random.uniform() >= 0.4) {
      rewards.back().push_back(random.uniform() < p ? 1.0 : 0.0);
    }
  }
  Batch batch = turn_batch(rewards, Doubles(rewards.size(), 0.0));
  for (std::size_t row = 0; row < rewards.size(); ++row) {
    batch.group[row] = static_cast<std::int64_t>(row / 4);
  }
  for (const std::string kind : {"trloo", "group_mean"}) {
    const Recipe recipe = recipe_of(R"({"credit":"turn_return","advantage":")" + kind + R"("})");
    const Advantages advantages = *compute_advantages(recipe, batch);
    GradientShare share;
    for (std::size_t first = 0; first < rewards.size(); first += 4) {
      std::size_t n = 0;
      double gradient = 0;
      for (std::size_t row = first; row < first + 4; ++row) {
        if (rewards[row].size() == 2) {
          ++n;
          gradient += (rewards[row][1] - p) * advantages.per_turn[batch.turn_offset[row] + 1];
        }
      }
      share.sum[n] += n > 0 ? gradient / static_cast<double>(n) : 0.0;
      share.n[n] += 1;
    }
    for (const std::size_t n : {2U, 3U, 4U}) {
      const double expected = kind == "trloo" ? 1.0 : 1 - 1.0 / static_cast<double>(n);
      EXPECT_NEAR(share.at(n, p * (1 - p)), expected, 0.03) << kind << " in groups of " << n;
    }
  }
}

TEST(GroupFilter, drops_groups_with_a_small_spread_of_last_turns_and_groups_cut_off_as_a_whole) {
  // Groups: last turns 1, 1 | 0, 1 | 0, 1 but both cut off.
  Batch batch = turn_batch({{0, 1}, {1}, {1, 0}, {1}, {0}, {1}}, Doubles(6, 0.0));
  batch.group = {0, 0, 1, 1, 2, 2};
  batch.truncated = {0, 1, 0, 1, 1, 1};
  const Recipe recipe = recipe_of(
      R"({"advantage":"trloo","filter":[{"kind":"all_truncated"},
          {"kind":"low_spread","std_min":1e-3,"score":"last_turn"}]})");
  const Advantages advantages = *compute_advantages(recipe, batch);
  EXPECT_EQ(advantages.row_counts, (Marks{0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(global_denominators(batch, advantages).turns, 3);
}

TEST(Veto, of_turns_leaves_the_other_turns_of_a_row) {
  Batch batch = turn_batch({{0, 0}, {0, 0}}, {0, 0});
  batch.logp_old = {-1, -20, -1, -1};
  batch.logp_rollout = Doubles(4, -1.0);
  const Marks mask(4, 1);
  const auto keep = [&](const std::string& scope) {
    return compute_weights(recipe_of(R"({"correction":{"kind":"geometric_mask","low":0,"veto":1e-4,
        "veto_scope":")" + scope + R"("}})"),
                           batch, mask)
        ->keep;
  };
  EXPECT_EQ(keep("row"), (Marks{0, 0, 1, 1}));
  EXPECT_EQ(keep("turn"), (Marks{1, 0, 1, 1}));
}

}  // namespace
}  // namespace turnhalle::algo
