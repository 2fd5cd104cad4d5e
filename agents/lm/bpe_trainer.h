// Makes small vocabularies, as tokenizer.json texts that Hugging Face's tokenizers reads too.
//
// Byte-pair encoding (Sennrich et al., arXiv 1508.07909, algorithm 1) over the 256 bytes: the
// most frequent pair of neighbouring tokens becomes a token, until the vocabulary is full.
// Deterministic: among equally frequent pairs the one with the smaller ids wins.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace turnhalle::lm {

/// Ids are given in this order: special tokens, chunk tokens, the 256 bytes, merges.
struct VocabularyOptions {
  std::vector<std::string> special_tokens = {};  ///< never matched in ordinary text
  std::vector<std::string> chunk_tokens = {};    ///< always matched, longest first: "Direction 2"
  std::string beginning = {};  ///< one of special_tokens, put before a conversation; "" for none
  bool individual_digits = true;  ///< each digit is a word of its own
};

struct BpeTrainOptions {
  VocabularyOptions vocabulary = {};
  std::int64_t vocabulary_size_max = 4096;  ///< all ids together
  std::int64_t pair_count_min = 2;          ///< rarer pairs are not merged
};

/// The bytes and the given tokens, without merges: the vocabulary of a small policy whose
/// observations are made of chunks.
Result<std::string> byte_vocabulary(const VocabularyOptions& options);

/// Learns merges from texts.
Result<std::string> train_bpe(std::span<const std::string_view> texts,
                              const BpeTrainOptions& options);

}  // namespace turnhalle::lm
