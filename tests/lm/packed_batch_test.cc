#include "agents/lm/packed_batch.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace turnhalle::lm {
namespace {

// 0, 1, …, beginning - 1, then what follows.
std::vector<TokenId> sequence(std::size_t beginning, const std::vector<TokenId>& rest) {
  std::vector<TokenId> tokens(beginning);
  std::iota(tokens.begin(), tokens.end(), 0);
  tokens.insert(tokens.end(), rest.begin(), rest.end());
  return tokens;
}

std::vector<TokenId> tokens_of(const PackedBatch& batch, std::int64_t s) {
  std::vector<TokenId> tokens;
  for (const std::int64_t row : batch.packed.sequence(s)) {
    tokens.push_back(batch.tokens[static_cast<std::size_t>(row)]);
  }
  return tokens;
}

TEST(PackedBatch, EverySequenceIsReadBackFromItsRows) {
  const std::vector<std::vector<TokenId>> sequences{
      sequence(10, {70}), sequence(10, {71, 72}), sequence(12, {73}), sequence(3, {74}),
      sequence(9, {}), sequence(9, {})};
  PackedBatch batch;
  for (const std::vector<TokenId>& tokens : sequences) batch.append_sharing(tokens);
  ASSERT_EQ(batch.sequence_count(), 6);
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    EXPECT_EQ(tokens_of(batch, static_cast<std::int64_t>(s)), sequences[s]) << s;
  }
}

TEST(PackedBatch, ASharedBeginningHasItsRowsOnce) {
  PackedBatch batch;
  batch.append_sharing(sequence(10, {70}));
  batch.append_sharing(sequence(10, {71, 72}));
  EXPECT_EQ(batch.token_count(), 13);
  EXPECT_EQ(batch.packed.shared, (std::vector<std::int64_t>{0, 10}));
  EXPECT_EQ(batch.packed.rows, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,  //
                                                          0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12}));
}

TEST(PackedBatch, SequencesThatShareRowsAreOneTreeAndOthersAreNot) {
  PackedBatch batch;
  batch.append_sharing(sequence(10, {70}));
  batch.append_sharing(sequence(10, {71}));
  batch.append_sharing(sequence(4, {72}));   // too little in common
  batch.append_sharing(sequence(20, {73}));
  batch.append(sequence(20, {74}));          // asked for rows of its own
  EXPECT_EQ(batch.packed.trees, (std::vector<std::int64_t>{0, 2, 3, 4, 5}));
}

TEST(PackedBatch, ASequenceThatIsTheBeginningOfAnotherBringsNoRow) {
  PackedBatch batch;
  batch.append_sharing(sequence(20, {}));
  batch.append_sharing(sequence(9, {}));
  EXPECT_EQ(batch.token_count(), 20);
  EXPECT_EQ(batch.packed.shared.back(), 9);
}

}  // namespace
}  // namespace turnhalle::lm
