// What a Tokenizer is made of. Internal: read by tokenizer_reader.cc, used by tokenizer.cc.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agents/lm/bpe_merger.h"
#include "agents/lm/pre_tokenizer.h"
#include "agents/lm/token_matcher.h"
#include "agents/lm/tokenizer.h"

namespace turnhalle::lm {

/// Lets a map with string keys be asked with a string_view.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
template <class Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

/// Added tokens that are matched in one pass over the text.
struct AddedMatchers {
  TokenMatcher plain;  ///< without the special ones
  TokenMatcher all;

  const TokenMatcher& with(AllowSpecial special) const {
    return special == AllowSpecial::yes ? all : plain;
  }
};

struct Tokenizer::Tables {
  /// Working memory of one encode() and the words it has met.
  struct Scratch {
    SplitScratch split;
    MergeScratch merge;
    TextMap<std::vector<TokenId>> cache;
    std::string normalized;
  };

  BpeMerger merger;
  bool ignore_merges = false;
  PreTokenizer pre_tokenizer;
  bool normalize_nfc = false;

  std::vector<std::string> pieces;  ///< bytes by id; "" for ids that are not given
  TextMap<TokenId> words;           ///< the model's own tokens by their bytes
  TextMap<TokenId> added_ids;
  std::vector<AddedToken> added;
  std::vector<bool> special;
  AddedMatchers before_normalizing, after_normalizing;
  std::vector<TokenId> beginning, ending;
  std::string content_hash;

  /// One thread uses the kept scratch; one that finds it taken makes its own. The ids are the
  /// same either way.
  mutable std::mutex scratch_mutex;
  mutable Scratch scratch;
};

}  // namespace turnhalle::lm
