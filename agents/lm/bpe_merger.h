// The merging half of byte-pair encoding: a word's bytes in, tokens out. Internal to the
// tokenizer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "agents/lm/language_model.h"

namespace turnhalle::lm {

/// What a pair of neighbouring tokens becomes; smaller ranks merge first.
struct PairMerge {
  std::uint32_t rank = 0;
  TokenId result = -1;  ///< -1: the pair does not merge
};

/// From pairs of tokens to merges: open addressing, at most half full.
class PairTable {
 public:
  explicit PairTable(std::size_t pairs_max = 0);
  /// False when the pair is there already. At most pairs_max pairs may be put in.
  bool insert(TokenId left, TokenId right, PairMerge merge);
  PairMerge find(TokenId left, TokenId right) const;

 private:
  struct Slot {
    std::uint64_t key = empty;
    PairMerge merge;
  };
  static constexpr std::uint64_t empty = ~std::uint64_t{0};
  std::size_t slot_of(std::uint64_t key) const;
  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
};

/// Working memory of merge(); kept by the caller so that words need no allocation.
struct MergeScratch {
  struct Symbol {
    TokenId id;
    std::uint32_t previous, next;
  };
  struct Candidate {
    std::uint32_t rank, position;
    TokenId result;
  };
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
};

/// Merges the pair of lowest rank, leftmost first, until none is left (Sennrich et al., arXiv
/// 1508.07909, algorithm 1, applied to one word). n log n in the length of the word.
class BpeMerger {
 public:
  BpeMerger() { byte_ids.fill(-1); }
  /// Appends the word's tokens. Words are shorter than 2^32 - 1 bytes.
  void merge(std::string_view word, MergeScratch& scratch, std::vector<TokenId>& out) const;

  std::array<TokenId, 256> byte_ids;  ///< -1: dropped from every word
  PairTable pairs;
};

}  // namespace turnhalle::lm
