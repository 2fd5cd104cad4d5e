// Returns of lifecycles, turns and tokens, with the unit examples of their descriptions.
#include "trainers/algo/credit.h"

#include "tests/algo/arrays.h"

namespace turnhalle::algo {
namespace {

/// S = 4, r^x = (0, 1, 1, 0), r^z of the contexts of tasks 1 to 3 = (0, -0.1, 0), in the order
/// in which they were played.
struct Lifecycle {
  std::vector<std::int64_t> id{0, 0, 0, 0, 0, 0, 0};
  std::vector<std::int64_t> position{0, 1, 1, 2, 2, 3, 3};
  Marks is_update{0, 1, 0, 1, 0, 1, 0};
  Doubles reward{0, 0, 1, -.1, 1, 0, 0};
  Marks counts = Marks(7, 1);
  EpisodeRewards view() const { return {id, position, is_update, reward, counts}; }
};

Doubles returns_of(const Lifecycle& lifecycle, const LifecycleReturn& style) {
  Doubles returns(lifecycle.reward.size(), 0.0);
  connect_the_dots_returns(lifecycle.view(), style, returns);
  return returns;
}

TEST(ConnectTheDots, gives_the_unit_example_of_the_description) {
  // R^x = (0.5, 2/3, 0.5, 0), R^z = (0.5, 0.3, 0).
  const Doubles expected{.5, .5, 2. / 3, .3, .5, 0, 0};
  expect_near(returns_of(Lifecycle{}, {ReturnStyle::mean, 1, 1}), expected, 1e-15);
}

TEST(ConnectTheDots, has_window_and_discount_as_other_styles) {
  // By hand, lists from each episode on: [0 1 1 0] [0 1 1 0] [1 1 0] [-.1 1 0] [1 0] [0 0] [0].
  expect_near(returns_of(Lifecycle{}, {ReturnStyle::sliding_window_mean, 2, 1}),
              Doubles{.5, .5, 1, .45, .5, 0, 0}, 1e-15);
  expect_near(returns_of(Lifecycle{}, {ReturnStyle::discounted, 1, .5}),
              Doubles{.75, .75, 1.5, .4, 1, 0, 0}, 1e-15);
}

TEST(ConnectTheDots, with_a_long_window_is_the_mean) {
  const Doubles mean = returns_of(Lifecycle{}, {ReturnStyle::mean, 1, 1});
  const Doubles wide = returns_of(Lifecycle{}, {ReturnStyle::sliding_window_mean, 99, 1});
  expect_near(wide, mean, 1e-15);
}

TEST(ConnectTheDots, gives_an_episode_no_credit_from_tasks_before_it) {
  const Lifecycle before;
  Lifecycle after;
  after.reward[0] = 100;  // task 0
  after.reward[2] = 50;   // task 1
  const LifecycleReturn mean{ReturnStyle::mean, 1, 1};
  const Doubles a = returns_of(before, mean);
  const Doubles b = returns_of(after, mean);
  for (std::size_t i = 3; i < a.size(); ++i) {
    EXPECT_EQ(a[i], b[i]) << "episode " << i;
  }
  EXPECT_NE(a[1], b[1]) << "the context of task 1 is paid by task 1";
}

TEST(ConnectTheDots, does_not_depend_on_the_order_of_the_rows) {
  Lifecycle shuffled;
  shuffled.position = {3, 1, 2, 0, 3, 2, 1};
  shuffled.is_update = {0, 0, 1, 0, 1, 0, 1};
  shuffled.reward = {0, 1, -.1, 0, 0, 1, 0};
  expect_near(returns_of(shuffled, {ReturnStyle::mean, 1, 1}),
              Doubles{0, 2. / 3, .3, .5, 0, .5, .5}, 1e-15);
}

TEST(TrajectorySum, is_one_number_for_all_episodes) {
  const Lifecycle lifecycle;
  Doubles returns(7, 0.0);
  trajectory_sum_returns(lifecycle.view(), 1, returns);
  expect_near(returns, Doubles(7, 1.9), 1e-15);
  // Decay 1/2: task 1 counts 1/4, task 2 1/2, the penalty of the context of task 2 1/2.
  trajectory_sum_returns(lifecycle.view(), .5, returns);
  expect_near(returns, Doubles(7, .25 + .5 - .05), 1e-15);
}

TEST(Turns, return_the_reward_to_go) {
  const std::vector<std::size_t> offset{0, 3, 6, 9, 11};
  const Doubles reward{0, 1, 1.5, 1, 2, 0, .5, 0, 0, 0, 3};
  const Marks counts{1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1};
  Doubles returns(11, 0.0);
  turn_returns({offset, reward, counts}, 1, returns);
  expect_near(returns, Doubles{2.5, 2.5, 1.5, 3, 2, 0, .5, 0, 0, 3, 3}, 1e-15);
  turn_returns({offset, reward, counts}, .4, returns);
  expect_near(returns, Doubles{.64, 1.6, 1.5, 1.8, 2, 0, .5, 0, 0, 1.2, 3}, 1e-15);
}

TEST(Turns, are_void_when_they_fall_back_into_failure) {
  const std::vector<std::size_t> offset{0, 4, 6};
  Marks counts(6, 1);
  mark_void_turns(offset, Doubles{0, 1, 0, 2, 0, -1}, counts);
  EXPECT_EQ(counts, (Marks{1, 1, 0, 1, 1, 1}));
}

TEST(Tokens, pass_the_return_over_masked_tokens_unchanged) {
  const std::vector<std::size_t> offset{0, 5};
  Doubles returns(5, 0.0);
  token_returns({offset, Marks{1, 1, 0, 0, 1}, Doubles{0, .5, 9, 9, 1}}, .5, returns);
  expect_near(returns, Doubles{.5, 1, 0, 0, 1}, 1e-15);
}

TEST(Trloo, gives_the_test_vectors_of_its_description) {
  // Four rollouts of one task with 3, 3 (the last masked), 3 and 2 turns.
  Batch batch;
  batch.group = {0, 0, 0, 0};
  batch.turn_offset = {0, 3, 6, 9, 11};
  batch.turn_reward = {0, 1, 1.5, 1, 2, 0, .5, 0, 0, 0, 3};
  batch.turn_counts = {1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1};
  batch.offset = {0, 3, 6, 9, 11};
  batch.turn = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1};
  batch.mask = Marks(11, 1);
  const auto advantages = [&](const std::string& advantage, const std::string& gamma) {
    const Recipe recipe = recipe_of(R"({"credit":{"kind":"turn_return","gamma":)" + gamma +
                                    R"(},"advantage":")" + advantage + R"("})");
    return compute_advantages(recipe, batch)->per_turn;
  };
  const double third = 1.0 / 3;
  expect_near(advantages("trloo", "1"),
              Doubles{third, 5. / 6, 1.5, 1, 1. / 6, 0, -7. / 3, -2.5, -1.5, 1, 1.5}, 1e-14);
  expect_near(advantages("trloo", "0.4"),
              Doubles{-.526667, -.066667, 1.5, 1.02, .466667, 0, -.713333, -2.2, -1.5, .22, 1.8},
              5e-7);
  const Doubles mean = advantages("group_mean", "1");
  expect_near(std::span(mean).first(3), Doubles{.25, .625, .75}, 1e-15);
  expect_near(std::span(mean).subspan(6, 3), Doubles{-1.75, -1.875, -.75}, 1e-15);
  const Doubles discounted = advantages("group_mean", "0.4");
  expect_near(std::span(discounted).first(3), Doubles{-.395, -.05, .75}, 1e-14);
  expect_near(std::span(discounted).subspan(6, 3), Doubles{-.535, -1.65, -.75}, 1e-14);
}

TEST(Trloo, with_one_turn_is_rloo) {
  Batch batch = random_batch({.seed = 5, .groups = 4, .lifecycles = 3, .tasks = 1});
  batch.turn.assign(batch.tokens(), 0);
  batch.turn_offset.clear();
  for (std::size_t row = 0; row <= batch.rows(); ++row) {
    batch.turn_offset.push_back(row);
  }
  batch.turn_reward = batch.reward;
  batch.anchor.clear();
  const Doubles of_turns =
      compute_advantages(recipe_of(R"({"advantage":"trloo"})"), batch)->per_token;
  const Doubles of_rows =
      compute_advantages(recipe_of(R"({"advantage":{"kind":"rloo","compat":"verl"}})"), batch)
          ->per_token;
  expect_near(of_turns, of_rows, 1e-15);
}

}  // namespace
}  // namespace turnhalle::algo
