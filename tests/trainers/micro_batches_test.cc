// Cutting sequences into micro-batches, and which of their tokens are predicted.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/rng.h"
#include "trainers/learner.h"

namespace turnhalle {
namespace {

// Sequences that begin with different tokens.
std::vector<Sequence> sequences_of(const std::vector<std::size_t>& lengths) {
  std::vector<Sequence> sequences;
  for (const std::size_t length : lengths) {
    Sequence sequence;
    sequence.tokens.assign(length, static_cast<std::int32_t>(sequences.size()));
    sequence.sampled.assign(length, 1);
    sequences.push_back(std::move(sequence));
  }
  return sequences;
}

TEST(TargetPositions, AreTheSampledTokensOrAllFromTheFirstReply) {
  Sequence sequence;
  sequence.tokens = {1, 2, 3, 4, 5, 6, 7};
  sequence.sampled = {0, 0, 1, 1, 0, 0, 1};
  EXPECT_EQ(target_positions(sequence, TargetTokens::sampled),
            (std::vector<std::size_t>{2, 3, 6}));
  EXPECT_EQ(target_positions(sequence, TargetTokens::from_first_reply),
            (std::vector<std::size_t>{2, 3, 4, 5, 6}));
}

TEST(TargetPositions, LeaveOutTheFirstTokenWhichNothingPredicts) {
  Sequence sequence;
  sequence.tokens = {1, 2};
  sequence.sampled = {1, 1};
  EXPECT_EQ(target_positions(sequence, TargetTokens::sampled), (std::vector<std::size_t>{1}));
}

TEST(MicroBatches, HoldEachSequenceOnceAndKeepToTheLimit) {
  Random random(RandomKey::from_seed(2));
  std::vector<std::size_t> lengths;
  for (int i = 0; i < 60; ++i) lengths.push_back(random.below(90) + 1);
  const std::vector<Sequence> sequences = sequences_of(lengths);
  std::vector<std::size_t> which;
  for (std::size_t i = 0; i < lengths.size(); i += 2) which.push_back(i);
  const auto batches = make_micro_batches(sequences, which, 100);
  std::multiset<std::size_t> seen;
  for (const std::vector<std::size_t>& batch : batches) {
    std::size_t tokens = 0;
    for (const std::size_t index : batch) {
      tokens += lengths[index];
      seen.insert(index);
    }
    EXPECT_LE(tokens, 100U);
  }
  EXPECT_EQ(seen, std::multiset<std::size_t>(which.begin(), which.end()));
  EXPECT_EQ(batches, make_micro_batches(sequences, which, 100));
}

TEST(MicroBatches, ASequenceBeyondTheLimitStandsAlone) {
  const std::vector<Sequence> sequences = sequences_of({10, 500, 20});
  const std::vector<std::size_t> which{0, 1, 2};
  EXPECT_EQ(make_micro_batches(sequences, which, 64),
            (std::vector<std::vector<std::size_t>>{{0}, {1}, {2}}));
}

TEST(MicroBatches, CountACommonBeginningOnceAndKeepItsSequencesTogether) {
  std::vector<Sequence> sequences = sequences_of({40, 50, 40, 50});
  for (const std::size_t i : {std::size_t{0}, std::size_t{2}}) {
    std::fill_n(sequences[i].tokens.begin(), 30, 9);  // 10 tokens of their own
  }
  const std::vector<std::size_t> which{0, 1, 2, 3};
  EXPECT_EQ(make_micro_batches(sequences, which, 50),
            (std::vector<std::vector<std::size_t>>{{1}, {3}, {0, 2}}));
}

TEST(MicroBatches, NothingGivesNone) {
  EXPECT_TRUE(make_micro_batches({}, {}, 64).empty());
}

}  // namespace
}  // namespace turnhalle
