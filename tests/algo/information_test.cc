// Information gain of feedback against mutual information in closed form, the gate's table, and
// both normalisations by hand. InfoPO, arXiv 2603.00656.
#include "trainers/algo/information.h"

#include "tests/algo/arrays.h"

namespace turnhalle::algo {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();

using Table = std::vector<Doubles>;

/// Mean gain of one turn's feedback for a policy p(reply | feedback) with feedback of probability
/// `of_feedback`, when the reply without feedback has probability null[reply].
double mean_gain(const Doubles& of_feedback, const Table& policy, const Doubles& null) {
  double mean = 0;
  for (std::size_t o = 0; o < of_feedback.size(); ++o) {
    for (std::size_t a = 0; a < null.size(); ++a) {
      const double joint = of_feedback[o] * policy[o][a];
      if (joint == 0) {
        continue;
      }
      // Turn 0 asks, the environment answers (masked), turn 1 replies with one token.
      const std::vector<std::size_t> offset{0, 3};
      const std::vector<std::size_t> turn_offset{0, 2};
      const std::vector<std::int32_t> turn{0, -1, 1};
      const Doubles real{0, kNan, std::log(policy[o][a])};
      const Doubles masked{kNan, kNan, std::log(null[a])};
      const Doubles gain =
          information_gain({offset, turn_offset, Marks{1, 0, 1}, turn, real, masked});
      EXPECT_TRUE(std::isnan(gain[1])) << "the last turn has no gain";
      mean += joint * gain[0];
    }
  }
  return mean;
}

Doubles marginal(const Doubles& of_feedback, const Table& policy) {
  Doubles sum(policy[0].size(), 0.0);
  for (std::size_t o = 0; o < of_feedback.size(); ++o) {
    for (std::size_t a = 0; a < sum.size(); ++a) {
      sum[a] += of_feedback[o] * policy[o][a];
    }
  }
  return sum;
}

TEST(InformationGain, of_a_noiseless_reveal_among_k_is_log_k) {
  for (const std::size_t k : {2U, 5U, 10U}) {
    const auto n = static_cast<double>(k);
    Table reveal(k, Doubles(k, 0.0));
    for (std::size_t o = 0; o < k; ++o) {
      reveal[o][o] = 1;
    }
    EXPECT_NEAR(mean_gain(Doubles(k, 1 / n), reveal, Doubles(k, 1 / n)), std::log(n), 1e-14);
  }
}

TEST(InformationGain, with_the_marginal_as_null_is_the_mutual_information) {
  // A symmetric channel with error 1/4: I = log 2 - H(1/4).
  const Doubles half{.5, .5};
  const Table channel{{.75, .25}, {.25, .75}};
  const double entropy = -.75 * std::log(.75) - .25 * std::log(.25);
  EXPECT_NEAR(mean_gain(half, channel, marginal(half, channel)), std::log(2.0) - entropy, 1e-14);
}

TEST(InformationGain, with_another_null_grows_by_its_divergence_from_the_marginal) {
  const Doubles of_feedback{.2, .8};
  const Table channel{{.9, .1}, {.3, .7}};
  const Doubles truth = marginal(of_feedback, channel);
  const Doubles null{.6, .4};
  double divergence = 0;
  for (std::size_t a = 0; a < 2; ++a) {
    divergence += truth[a] * std::log(truth[a] / null[a]);
  }
  EXPECT_GT(divergence, .01);
  EXPECT_NEAR(mean_gain(of_feedback, channel, null),
              mean_gain(of_feedback, channel, truth) + divergence, 1e-14);
}

TEST(InformationGain, is_zero_for_a_policy_that_ignores_feedback) {
  EXPECT_EQ(mean_gain({.5, .5}, {{.3, .7}, {.3, .7}}, {.3, .7}), 0);
}

TEST(InformationGain, is_a_mean_over_the_tokens_of_the_next_reply_and_signed) {
  // Turn 1 has two tokens with differences .5 and -.9, turn 2 one with .4 and no feedback before.
  const std::vector<std::size_t> offset{0, 4};
  const std::vector<std::size_t> turn_offset{0, 3};
  const std::vector<std::int32_t> turn{0, 1, 1, 2};
  const Doubles gain = information_gain({offset, turn_offset, Marks(4, 1), turn,
                                         Doubles{-1, -.5, -1, -1}, Doubles{kNan, -1, -.1, kNan}});
  EXPECT_NEAR(gain[0], -.2, 1e-15);
  EXPECT_TRUE(std::isnan(gain[1]));
  EXPECT_TRUE(std::isnan(gain[2]));
  EXPECT_EQ(signed_gain(GainSign::positive, gain[0]), 0);
  EXPECT_NEAR(signed_gain(GainSign::absolute, gain[0]), .2, 1e-15);
}

TEST(OverwriteSpan, keeps_every_other_token_where_it_was) {
  const std::vector<std::int32_t> tokens{1, 2, 3, 4, 5};
  using Tokens = std::vector<std::int32_t>;
  EXPECT_EQ(overwrite_span(tokens, {1, 4}, Tokens{8, 9}), (Tokens{1, 8, 9, 9, 5})) << "shorter";
  EXPECT_EQ(overwrite_span(tokens, {1, 4}, Tokens{7, 8, 9}), (Tokens{1, 7, 8, 9, 5})) << "equal";
  EXPECT_EQ(overwrite_span(tokens, {1, 3}, Tokens{7, 8, 9}), (Tokens{1, 7, 8, 4, 5})) << "longer";
  EXPECT_EQ(overwrite_span(tokens, {1, 4}, Tokens{2, 3, 4}), tokens) << "the placeholder itself";
  EXPECT_EQ(overwrite_span(tokens, {2, 2}, Tokens{9}), tokens) << "nothing to overwrite";
}

TEST(VarianceGate, gives_the_table_of_its_description) {
  struct Row {
    double std, temperature, sigmoid, exponential;
  };
  for (const Row& row : {Row{0, .5, .5, 1}, Row{.447214, .5, .290197, .408842},
                         Row{.547723, .5, .250594, .334391}, Row{.447214, .05, .000130, .000130},
                         Row{.044721, .05, .290197, .408842}, Row{.316228, .5, .346954, .531286}}) {
    EXPECT_NEAR(variance_gate(VarianceGate::sigmoid, row.std, row.temperature), row.sigmoid, 5e-6);
    EXPECT_NEAR(variance_gate(VarianceGate::exponential, row.std, row.temperature), row.exponential,
                5e-6);
  }
  EXPECT_EQ(variance_gate(VarianceGate::none, 3, 1), 1);
}

/// Two rollouts of two turns: turn 0 has 2 and 1 tokens, turn 1 one each; rewards 1 and 0.
Batch two_rollouts() {
  Batch batch;
  batch.group = {0, 0};
  batch.reward = {1, 0};
  batch.has_reward = {1, 1};
  batch.offset = {0, 3, 5};
  batch.turn = {0, 0, 1, 0, 1};
  batch.mask = Marks(5, 1);
  batch.turn_offset = {0, 2, 4};
  batch.info_gain = {.4, kNan, .6, kNan};
  return batch;
}

std::string infopo(const std::string& constants) {
  return R"({"advantage":{"kind":"grpo","eps":0},"advantage_terms":[{"kind":"information_gain",
      "beta":0.5,"temperature":0.5,"eps":0)" +
         constants + "}]}";
}

TEST(InfoPo, adds_the_gated_z_score_over_turns_as_in_the_paper) {
  // Gains .4 and .6 have the z-scores -1/sqrt 2 and 1/sqrt 2, as the rewards 1 and 0 have.
  const double gate = 1 / (1 + std::exp(std::sqrt(2.0)));
  const double a = kHalfRoot;
  const double info = .5 * gate * kHalfRoot;
  expect_near(compute_advantages(recipe_of(infopo("")), two_rollouts())->per_token,
              Doubles{a - info, a - info, a, -a + info, -a}, 1e-14);
}

TEST(InfoPo, pools_over_tokens_as_in_the_released_code) {
  // Values .2 (two tokens) and .6: mean 1/3, unbiased variance 4/75, z-scores -1/sqrt 3, 2/sqrt 3.
  // Their spread over the five tokens is 1/sqrt 2, below 1: the bounded scale is 1.
  const double gate = 1 / (1 + std::exp(std::sqrt(2.0)));
  const double info = .5 * gate / std::sqrt(3.0);
  const Recipe recipe = recipe_of(infopo(R"(,"over":"tokens","bounded":true)"));
  const double a = kHalfRoot;
  expect_near(compute_advantages(recipe, two_rollouts())->per_token,
              Doubles{a - info, a - info, a, -a + 2 * info, -a}, 1e-14);
}

TEST(InfoPo, without_normalisation_adds_the_gain_bounded_in_spread) {
  Batch batch = two_rollouts();
  batch.reward = {0, 0};  // gate 1/2, so the factor is 1/4
  const auto advantages = [&](const std::string& constants) {
    return compute_advantages(recipe_of(infopo(R"(,"normalise":false)" + constants)), batch)
        ->per_token;
  };
  expect_near(advantages(""), Doubles{.1, .1, 0, .15, 0}, 1e-15);
  batch.info_gain = {40, kNan, 0, kNan};
  // 40, 40, 0, 0, 0: unbiased variance 480, bounded to 1.
  expect_near(advantages(R"(,"bounded":true)"),
              Doubles{10 / std::sqrt(480), 10 / std::sqrt(480), 0, 0, 0}, 1e-14);
}

TEST(InfoPo, leads_where_all_outcomes_are_equal) {
  Batch batch = two_rollouts();
  batch.reward = {1, 1};
  const double info = .25 * kHalfRoot;
  expect_near(compute_advantages(recipe_of(infopo("")), batch)->per_token,
              Doubles{-info, -info, 0, info, 0}, 1e-14);
}

TEST(InfoPo, makes_the_gain_itself_from_log_probs_and_does_not_notice_padding_or_other_groups) {
  Batch batch = two_rollouts();
  const Doubles given = compute_advantages(recipe_of(infopo("")), batch)->per_token;
  batch.info_gain.clear();
  batch.logp_old = Doubles(5, -1.0);
  batch.logp_masked = {kNan, kNan, -1.4, kNan, -1.6};
  expect_near(compute_advantages(recipe_of(infopo("")), batch)->per_token, given, 1e-13);
  // A masked token behind the first row and a third row in another group.
  batch.offset = {0, 4, 6, 7};
  batch.turn = {0, 0, 1, -1, 0, 1, 0};
  batch.mask = {1, 1, 1, 0, 1, 1, 1};
  batch.logp_old = {-1, -1, -1, kNan, -1, -1, -1};
  batch.logp_masked = {kNan, kNan, -1.4, kNan, kNan, -1.6, kNan};
  batch.turn_offset = {0, 2, 4, 5};
  batch.group = {0, 0, 1};
  batch.reward = {1, 0, 5};
  batch.has_reward = Marks(3, 1);
  const Doubles padded = compute_advantages(recipe_of(infopo("")), batch)->per_token;
  expect_near(padded, Doubles{given[0], given[1], given[2], 0, given[3], given[4], 0}, 1e-13);
}

TEST(InfoPo, does_not_depend_on_the_policy_as_it_is) {
  // The gain is detached: log-probs under the policy that is updated have no part in it.
  const Recipe recipe = recipe_of("infopo");
  Batch batch = random_batch({.seed = 41, .groups = 2, .lifecycles = 3, .tasks = 1});
  const Doubles before = compute_advantages(recipe, batch)->per_token;
  batch.logp.assign(batch.tokens(), -7.0);
  EXPECT_EQ(compute_advantages(recipe, batch)->per_token, before);
}

}  // namespace
}  // namespace turnhalle::algo
