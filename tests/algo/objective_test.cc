// Objectives: values by hand, gradients by finite differences, what masks and clips promise.
#include "trainers/algo/objective.h"

#include <functional>
#include <limits>

#include "tests/algo/arrays.h"

namespace turnhalle::algo {
namespace {

/// One row whose tokens have given ratios and advantages.
struct Row {
  Row(const Doubles& ratios, const Doubles& advantages, const Marks& marks)
      : offset{0, ratios.size()}, mask(marks), advantage(advantages) {
    for (const double ratio : ratios) {
      anchor.push_back(-1);
      logp.push_back(-1 + std::log(ratio));
      weight.push_back(1);
    }
    loss.assign(ratios.size(), 0.0);
    grad.assign(ratios.size(), 0.0);
  }
  ObjectiveInput input() const { return {offset, mask, logp, anchor, advantage, weight}; }
  ObjectiveOutput output() { return {loss, grad}; }

  std::vector<std::size_t> offset;
  Marks mask;
  Doubles logp;
  Doubles anchor;
  Doubles advantage;
  Doubles weight;
  Doubles loss;
  Doubles grad;
};

TEST(PpoClip, takes_the_pessimistic_branch) {
  // Bounds 0.8 and 1.28. A = 1: ratios .5 and 2 give .5 and 1.28; A = -1: .8 and 2.
  Row row({.5, 2, .5, 2, 1}, {1, 1, -1, -1, 1}, Marks(5, 1));
  const ClipCounts counts = ppo_clip(row.input(), {.2, .28, unlimited, 20}, row.output());
  expect_near(row.loss, Doubles{-.5, -1.28, .8, 2, -1}, 1e-14);
  expect_near(row.grad, Doubles{-.5, 0, 0, 2, -1}, 1e-14);
  EXPECT_EQ(counts.high, 1);
  EXPECT_EQ(counts.low, 1);
  EXPECT_EQ(counts.dual, 0);
}

TEST(PpoClip, dual_clip_bounds_the_loss_of_bad_tokens) {
  Row row({6, 2, 6}, {-1, -1, 1}, Marks(3, 1));
  const ClipCounts counts = ppo_clip(row.input(), {.2, .2, 3, 20}, row.output());
  expect_near(row.loss, Doubles{3, 2, -1.2}, 1e-14);
  expect_near(row.grad, Doubles{0, 2, 0}, 1e-14);
  EXPECT_EQ(counts.dual, 1);
}

TEST(PpoClip, clamps_the_log_ratio_before_exp) {
  Row row({1}, {-1}, Marks(1, 1));
  row.logp[0] = 1000;
  ppo_clip(row.input(), {.2, .2, unlimited, 20}, row.output());
  EXPECT_DOUBLE_EQ(row.loss[0], std::exp(20));
  EXPECT_EQ(row.grad[0], 0);
}

TEST(RecOneSide, masks_only_tokens_that_went_too_far_the_right_way) {
  // A > 0 with ratio > 1.2 and A < 0 with ratio < 0.8 are out; A = 0 has no part.
  Row row({.5, 1.3, 1.1, .7, 1.5, 1}, {2, 2, 2, -2, -2, 0}, Marks(6, 1));
  const ClipCounts counts = rec_one_side(row.input(), {.2, .2, false}, row.output());
  expect_near(row.grad, Doubles{-2, 0, -2, 0, 2, 0}, 0);
  for (std::size_t t = 0; t < 6; ++t) {
    EXPECT_NEAR(row.loss[t], row.grad[t] * row.logp[t], 1e-15);
  }
  EXPECT_EQ(counts.high, 1);
  EXPECT_EQ(counts.low, 1);
}

TEST(RecOneSide, with_importance_weight_multiplies_by_the_ratio) {
  Row row({.5, 1.3, 1.1, .7, 1.5}, {2, 2, 2, -2, -2}, Marks(5, 1));
  rec_one_side(row.input(), {.2, .2, true}, row.output());
  expect_near(row.grad, Doubles{-1, 0, -2.2, 0, 3}, 1e-14);
  expect_near(row.loss, Doubles{-1, 0, -2.2, 0, 3}, 1e-14);
}

TEST(RecOneSide, on_policy_is_reinforce) {
  Row rec({1, 1, 1}, {1, -2, .5}, Marks{1, 1, 1});
  Row plain = rec;
  rec_one_side(rec.input(), {.2, .2, false}, rec.output());
  reinforce(plain.input(), Reinforce{}, plain.output());
  EXPECT_EQ(rec.loss, plain.loss);
  EXPECT_EQ(rec.grad, plain.grad);
}

TEST(Cispo, weighs_by_the_clipped_ratio_under_both_presets) {
  Row row({.5, 6, 1.1}, {1, 1, -1}, Marks(3, 1));
  cispo(row.input(), {0, 5, unlimited}, row.output());
  expect_near(row.grad, Doubles{-.5, -5, 1.1}, 1e-14);
  cispo(row.input(), {.8, 1.28, 20}, row.output());
  expect_near(row.grad, Doubles{-.8, -1.28, 1.1}, 1e-14);
  expect_near(row.loss, Doubles{-.8 * row.logp[0], -1.28 * row.logp[1], 1.1 * row.logp[2]}, 1e-14);
}

TEST(Sapo, gates_softly_with_the_slope_of_reinforce_on_policy) {
  // Ratio 1: loss -2 A / tau, gradient -A. Ratio 2, A = 1: -4 s(1) with slope -8 s(1) s(-1).
  Row row({1, 1, 2}, {1, -2, 1}, Marks(3, 1));
  sapo(row.input(), {1, 1.05, 20}, row.output());
  const double s = 1 / (1 + std::exp(-1));
  expect_near(row.loss, Doubles{-2, 4 / 1.05, -4 * s}, 1e-14);
  expect_near(row.grad, Doubles{-1, 2, -8 * s * (1 - s)}, 1e-14);
}

TEST(Gspo, has_one_ratio_for_a_row) {
  // Ratios 2 and 1/2 (masked: 8) have the geometric mean 1; with 4 and 1 it is 2, clipped to 1.5.
  Row even({2, .5, 8}, {1, 1, 1}, Marks{1, 1, 0});
  gspo(even.input(), {.5, .5, 10}, even.output());
  expect_near(even.loss, Doubles{-1, -1, 0}, 1e-14);
  expect_near(even.grad, Doubles{-1, -1, 0}, 1e-14);
  Row far({4, 1}, {1, 1}, Marks{1, 1});
  const ClipCounts counts = gspo(far.input(), {.5, .5, 10}, far.output());
  expect_near(far.loss, Doubles{-1.5, -1.5}, 1e-14);
  expect_near(far.grad, Doubles{0, 0}, 0);
  EXPECT_EQ(counts.high, 2);
}

TEST(Gspo, with_one_token_a_row_is_ppo) {
  for (const double ratio : {.5, 1.0, 1.4}) {
    for (const double advantage : {-1.0, 1.0}) {
      Row a({ratio}, {advantage}, Marks{1});
      Row b = a;
      gspo(a.input(), {.2, .3, 20}, a.output());
      ppo_clip(b.input(), {.2, .3, unlimited, 20}, b.output());
      expect_near(a.loss, b.loss, 1e-15);
      expect_near(a.grad, b.grad, 1e-15);
    }
  }
}

TEST(Objectives, never_look_at_masked_tokens) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const ObjectiveKind& kind :
       {ObjectiveKind{Reinforce{}}, ObjectiveKind{RecOneSide{.2, .2, false}},
        ObjectiveKind{RecOneSide{.2, .2, true}}, ObjectiveKind{PpoClip{.2, .2, 3, unlimited}},
        ObjectiveKind{Gspo{.2, .2, unlimited}}, ObjectiveKind{Cispo{0, 5, unlimited}},
        ObjectiveKind{Sapo{1, 1.05, 20}}}) {
    Batch batch;
    batch.offset = {0, 4};
    batch.mask = {1, 0, 0, 1};
    batch.logp = {-1, -unlimited, 1e308, -2};
    batch.logp_old = {-1.1, 1e308, nan, -2.1};
    batch.logp_rollout = batch.logp_old;
    batch.logp_ref = {-1, nan, -unlimited, -1};
    batch.entropy = {1, nan, unlimited, 2};
    Recipe recipe;
    recipe.objective.kind = kind;
    recipe.regularisers.kl = KlLoss{KlEstimator::k3, .1, {unlimited, unlimited}, false};
    recipe.regularisers.entropy_coefficient = .01;
    const Advantages advantages = given_advantages(batch, Doubles{1});
    const ObjectiveResult result =
        *compute_objective(recipe, batch, advantages, global_denominators(batch, advantages));
    EXPECT_TRUE(std::isfinite(result.loss));
    for (const std::size_t t : {1U, 2U}) {
      EXPECT_EQ(result.grad_logp[t], 0);
      EXPECT_EQ(result.grad_entropy[t], 0);
    }
    EXPECT_NE(result.grad_logp[0], 0);
    for (const auto& [name, value] : result.metrics) {
      EXPECT_TRUE(std::isfinite(value)) << name;
    }
  }
}

/// The loss as a function of log-probs and entropies, with what is detached held at `at`: the
/// weights of CISPO and the clip mask of REC are constants of the derivative.
double loss_at(const Recipe& recipe, const Batch& batch, const Batch& at) {
  const Advantages advantages = *compute_advantages(recipe, batch);
  const Denominators denominators = global_denominators(batch, advantages);
  const auto* capped = std::get_if<Cispo>(&recipe.objective.kind);
  if (capped == nullptr) {
    return compute_objective(recipe, batch, advantages, denominators)->loss;
  }
  Recipe plain = recipe;
  plain.objective.kind = Reinforce{};
  Advantages weighted = advantages;
  for (std::size_t t = 0; t < batch.tokens(); ++t) {
    const double ratio = std::exp(at.logp[t] - at.logp_old[t]);
    weighted.per_token[t] *= std::clamp(ratio, capped->ratio_low, capped->ratio_high);
  }
  return compute_objective(plain, batch, weighted, denominators)->loss;
}

const std::vector<std::string>& objectives() {
  static const std::vector<std::string> texts{
      R"({"kind":"reinforce"})",
      R"({"kind":"rec_one_side"})",
      R"({"kind":"rec_one_side","importance_weight":true})",
      R"({"kind":"ppo_clip","clip_low":0.2,"clip_high":0.28})",
      R"({"kind":"ppo_clip","compat":"verl"})",
      R"({"kind":"gspo","clip_low":0.1,"clip_high":0.1})",
      R"({"kind":"sapo"})",
      R"({"kind":"cispo","compat":"trl"})",
      R"({"kind":"cispo","compat":"verl"})"};
  return texts;
}

const std::vector<std::string>& aggregations() {
  static const std::vector<std::string> texts{
      R"({"kind":"token_mean"})",         R"({"kind":"seq_mean_token_mean"})",
      R"({"kind":"seq_mean_token_sum"})", R"({"kind":"constant","length":7})",
      R"({"kind":"token_sum"})",          R"({"kind":"seq_mean_token_mean","compat":"trl"})"};
  return texts;
}

TEST(Objectives, have_the_gradient_of_finite_differences_under_every_aggregation) {
  const double h = 1e-6;
  std::size_t compared = 0;
  for (const std::string& objective : objectives()) {
    for (const std::string& aggregation : aggregations()) {
      const Recipe recipe = recipe_of(
          R"({"advantage":"grpo","objective":)" + objective + R"(,"aggregation":)" + aggregation +
          R"(,"regularisers":[{"kind":"kl","estimator":"k3","coefficient":0.3},)"
          R"({"kind":"entropy","coefficient":0.2}]})");
      const Batch batch = random_batch({.seed = 11, .groups = 2, .lifecycles = 3, .tasks = 1});
      const ObjectiveResult result = whole_loss(recipe, batch);
      for (std::size_t t = 0; t < batch.tokens(); ++t) {
        for (const bool entropy : {false, true}) {
          Batch up = batch;
          Batch down = batch;
          (entropy ? up.entropy : up.logp)[t] += h;
          (entropy ? down.entropy : down.logp)[t] -= h;
          const double slope =
              (loss_at(recipe, up, batch) - loss_at(recipe, down, batch)) / (2 * h);
          const double gradient = entropy ? result.grad_entropy[t] : result.grad_logp[t];
          EXPECT_NEAR(gradient, slope, 1e-7 * std::max(1.0, std::abs(slope)))
              << objective << aggregation << " token " << t;
          ++compared;
        }
      }
    }
  }
  EXPECT_GT(compared, 1000U);
}

TEST(Aggregation, differs_by_exact_factors_on_rows_without_tokens) {
  // Eight rows of two tokens, one of them masked: TRL divides by 8, verl by 7.
  Batch batch;
  for (std::size_t row = 0; row < 8; ++row) {
    batch.offset.push_back(2 * (row + 1));
    batch.mask.insert(batch.mask.end(), 2, row == 3 ? 0 : 1);
    batch.logp.insert(batch.logp.end(), {-1 - .1 * static_cast<double>(row), -.5});
  }
  const Advantages advantages = given_advantages(batch, Doubles(8, 1.0));
  const Denominators denominators = global_denominators(batch, advantages);
  const auto loss = [&](const std::string& compat) {
    const Recipe recipe =
        recipe_of(R"({"aggregation":{"kind":"seq_mean_token_mean","compat":")" + compat + R"("}})");
    return compute_objective(recipe, batch, advantages, denominators)->loss;
  };
  EXPECT_NEAR(loss("verl") / loss("trl"), 8.0 / 7, 1e-14);
}

TEST(Aggregation, gives_the_values_of_its_formulas) {
  // Two rows: losses (1, 2) and (4); tokens 3, rows 2.
  const std::vector<std::size_t> offset{0, 2, 3};
  const Marks mask{1, 1, 1};
  const Denominators denominators{3, 2, 2, 3};
  const auto loss = [&](AggregationKind kind, double constant) {
    Doubles factor(2, 0.0);
    row_factors({kind, EmptyRows::skip, constant}, denominators, offset, mask, factor);
    return factor[0] * 3 + factor[1] * 4;
  };
  EXPECT_NEAR(loss(AggregationKind::token_mean, 1), 7. / 3, 1e-15);
  EXPECT_NEAR(loss(AggregationKind::seq_mean_token_mean, 1), (1.5 + 4) / 2, 1e-15);
  EXPECT_NEAR(loss(AggregationKind::seq_mean_token_sum, 1), 3.5, 1e-15);
  EXPECT_NEAR(loss(AggregationKind::constant, 10), .35, 1e-15);
  EXPECT_NEAR(loss(AggregationKind::turn_mean_token_sum, 1000), 7. / 3000, 1e-15);
  EXPECT_EQ(loss(AggregationKind::token_sum, 1), 7);
}

TEST(Rejection, does_not_shrink_the_denominator) {
  Batch batch;
  batch.offset = {0, 2, 4};
  batch.mask = Marks(4, 1);
  batch.logp = Doubles(4, -1.0);
  batch.logp_old = Doubles(4, -1.0);
  batch.logp_rollout = {-1, -1 - 2 * kLn2, -1, -1};
  const Advantages advantages = given_advantages(batch, Doubles{1, 1});
  const Denominators denominators = global_denominators(batch, advantages);
  const Recipe recipe = recipe_of(R"({"correction":{"kind":"token_mask","high":2}})");
  const ObjectiveResult result = *compute_objective(recipe, batch, advantages, denominators);
  EXPECT_NEAR(result.loss, 3. / 4, 1e-15);
  expect_near(result.grad_logp, Doubles{-.25, 0, -.25, -.25}, 1e-15);
  EXPECT_EQ(result.metrics.at("rejected_share"), .25);
}

}  // namespace
}  // namespace turnhalle::algo
