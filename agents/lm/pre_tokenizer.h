// The splitting half of byte-pair encoding: text in, words out. Internal to the tokenizer.
//
// Regular expressions run in PCRE2, compiled just in time where the machine allows it. Unicode
// classes follow PCRE2's version of Unicode; `\s` is rewritten to the White_Space property, which
// is what the tokenizers of Hugging Face mean by it (PCRE2 adds U+180E).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace turnhalle::lm {

/// Match data and stack of one thread, made when first needed.
class RegexScratch {
 public:
  RegexScratch();

 private:
  friend class Regex;
  struct State;
  std::shared_ptr<State> state_;
};

/// A compiled expression; shared by threads, each with its own scratch.
class Regex {
 public:
  /// Fails on an expression that PCRE2 refuses, or that runs into its match limit on short
  /// texts made to provoke backtracking.
  static Result<Regex> compile(const std::string& pattern);
  /// Matches exactly this text.
  static Result<Regex> literal(const std::string& text);

  struct Match {
    std::size_t begin = 0, end = 0;
  };
  /// The next match that is not empty and begins at or after `from`. The text is well-formed
  /// UTF-8. False when there is none, or when the match limit was reached.
  bool next(std::string_view text, std::size_t from, RegexScratch& scratch, Match& match) const;

 private:
  struct Code;
  std::shared_ptr<const Code> code_;
};

/// What becomes of the matches of a splitting step.
enum class SplitBehavior : std::uint8_t {
  isolated,    ///< each match is a word
  contiguous,  ///< matches that touch are one word
  removed,     ///< matches are dropped
};

/// One step: every word is split where the expression matches; what lies between is a word too.
struct SplitStep {
  Regex regex;
  SplitBehavior behavior = SplitBehavior::isolated;
  bool invert = false;  ///< what lies between the matches counts as the match
};

/// Working memory of split().
struct SplitScratch {
  RegexScratch regex;
  std::vector<std::string_view> words;  ///< the result
  std::vector<std::string_view> before;
  std::deque<std::string> prefixed;  ///< owns the words that got a space put in front
};

/// The steps in order, then, for ByteLevel, a space in front of words without one, then the
/// expression of GPT-2.
struct PreTokenizer {
  std::vector<SplitStep> steps;
  bool add_prefix_space = false;
  std::vector<SplitStep> last;  ///< none or one

  /// Splits well-formed UTF-8 into scratch.words, which point into `text` or the scratch.
  void split(std::string_view text, SplitScratch& scratch) const;
};

/// The words of GPT-2 (github.com/openai/gpt-2, src/encoder.py): contractions, letters, digits,
/// other characters, white space; each word takes the space before it along.
std::string gpt2_pattern();

}  // namespace turnhalle::lm
