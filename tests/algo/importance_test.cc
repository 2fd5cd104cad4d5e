// Importance weights by hand: two rows of log-ratios, the second with a masked token.
#include "trainers/algo/importance.h"

#include "tests/algo/arrays.h"

namespace turnhalle::algo {
namespace {

const std::vector<std::size_t> kOffset{0, 3, 6};
const Marks kMask{1, 1, 1, 1, 0, 1};
const Doubles kLogRatio{kLn2, -kLn2, 2 * kLn2, -kLn2, 1e300, 0};

struct Weighted {
  Doubles weight = Doubles(6, -1.0);
  Marks keep = Marks(6, 9);
  CorrectionCounts counts;
};

Weighted run(Correction correction) {
  Weighted outcome;
  outcome.counts =
      importance_weights(correction, {kOffset, kMask, kLogRatio}, outcome.weight, outcome.keep);
  return outcome;
}

Correction plain(CorrectionLevel level, CorrectionMode mode) {
  return {level, mode, CorrectionWeight::ratio, 0, 3, unlimited, 0};
}

TEST(Importance, token_truncate_caps_each_ratio) {
  const Weighted outcome = run(plain(CorrectionLevel::token, CorrectionMode::truncate));
  expect_near(outcome.weight, Doubles{2, .5, 3, .5, 0, 1}, 1e-14);
  EXPECT_EQ(outcome.keep, (Marks{1, 1, 1, 1, 0, 1}));
  EXPECT_EQ(outcome.counts.truncated, 1);
  EXPECT_EQ(outcome.counts.tokens, 5);
}

TEST(Importance, token_mask_throws_away_what_is_outside) {
  const Weighted outcome = run(plain(CorrectionLevel::token, CorrectionMode::mask));
  expect_near(outcome.weight, Doubles{2, .5, 0, .5, 0, 1}, 1e-14);
  EXPECT_EQ(outcome.keep, (Marks{1, 1, 0, 1, 0, 1}));
  EXPECT_EQ(outcome.counts.rejected, 1);
}

TEST(Importance, sequence_weights_are_products_over_counted_tokens) {
  // Row 0: 2 * 1/2 * 4 = 4; row 1: 1/2.
  expect_near(run(plain(CorrectionLevel::sequence, CorrectionMode::truncate)).weight,
              Doubles{3, 3, 3, .5, 0, .5}, 1e-14);
  expect_near(run(plain(CorrectionLevel::sequence, CorrectionMode::mask)).weight,
              Doubles{0, 0, 0, .5, 0, .5}, 1e-14);
}

TEST(Importance, geometric_weights_are_means_of_log_ratios) {
  const double row0 = std::pow(4.0, 1.0 / 3);
  const double row1 = std::sqrt(.5);
  expect_near(run(plain(CorrectionLevel::geometric, CorrectionMode::truncate)).weight,
              Doubles{row0, row0, row0, row1, 0, row1}, 1e-14);
}

TEST(Importance, pure_rejection_gives_ones) {
  Correction correction{
      CorrectionLevel::geometric, CorrectionMode::mask, CorrectionWeight::one, .9, 2, 20, 0};
  const Weighted outcome = run(correction);
  EXPECT_EQ(outcome.weight, (Doubles{1, 1, 1, 0, 0, 0}));
}

TEST(Importance, a_single_hopeless_token_vetoes_its_row) {
  Correction correction = plain(CorrectionLevel::token, CorrectionMode::truncate);
  correction.veto = .6;
  const Weighted outcome = run(correction);
  EXPECT_EQ(outcome.keep, (Marks{0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(outcome.counts.rejected, 5);
}

TEST(Importance, the_log_ratio_limit_comes_before_exp) {
  Correction correction = plain(CorrectionLevel::sequence, CorrectionMode::truncate);
  correction.high = unlimited;
  correction.log_ratio_max = kLn2;
  expect_near(run(correction).weight, Doubles{2, 2, 2, .5, 0, .5}, 1e-14);
}

}  // namespace
}  // namespace turnhalle::algo
