// Several token sequences in one forward, a common beginning only once.
//
//   sequences            rows
//   p p p a a            0 p  1 p  2 p  3 a  4 a
//   p p p b              5 b                         positions 0 … 2 are rows 0 … 2
//
// Sequences that share a beginning are rollouts of one task (its prompt), episodes of one system
// message, or the same rollout with one observation overwritten (trainers/counterfactual.h).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agents/lm/decoder_cpu.h"
#include "agents/lm/language_model.h"

namespace turnhalle::lm {

/// A shorter beginning is not worth that its sequences are worked on one after the other.
inline constexpr std::size_t kSharedMin = 8;

/// The tables of SequencePlaces (decoder_cpu.h).
struct PackedRows {
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int64_t> shared;
  std::vector<std::int64_t> trees{0};

  std::int64_t sequence_count() const { return static_cast<std::int64_t>(shared.size()); }
  std::int64_t tree_count() const { return static_cast<std::int64_t>(trees.size()) - 1; }
  /// Row of each position of sequence s.
  std::span<const std::int64_t> sequence(std::int64_t s) const;
  /// Good as long as these tables stay.
  SequencePlaces places() const;
};

/// A token attends to the tokens of its own sequence up to itself; the first is at position 0.
struct PackedBatch {
  std::vector<TokenId> tokens;  ///< one per row
  PackedRows packed;

  /// Every position gets a row of its own.
  void append(std::span<const TokenId> sequence);
  /// The beginning that is shared with the sequence appended last has its rows. Sequences in
  /// lexicographic order share all they can.
  void append_sharing(std::span<const TokenId> sequence);

  std::int64_t token_count() const { return static_cast<std::int64_t>(tokens.size()); }
  std::int64_t sequence_count() const { return packed.sequence_count(); }

 private:
  void append_after(std::span<const TokenId> sequence, std::size_t shared);
};

/// How many tokens two sequences have in common, from the first on; 0 when below kSharedMin.
std::size_t shared_beginning(std::span<const TokenId> a, std::span<const TokenId> b);

}  // namespace turnhalle::lm
