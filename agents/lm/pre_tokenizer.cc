#define PCRE2_CODE_UNIT_WIDTH 8
#include "agents/lm/pre_tokenizer.h"

#include <pcre2.h>

#include <array>
#include <utility>

#include "core/check.h"

namespace turnhalle::lm {
namespace {

// Limits of one match. Patterns of real tokenizers stay far below on megabytes of one character.
constexpr std::uint32_t match_limit = 50'000'000;
constexpr std::uint32_t probe_match_limit = 1'000'000;
constexpr std::uint32_t heap_limit_kib = 262'144;
constexpr std::size_t probe_bytes = 4096;
constexpr std::size_t jit_stack_bytes_max = std::size_t{8} << 20;

constexpr std::string_view white_space =
    R"(\x{09}-\x{0d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a})"
    R"(\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";

/// The pattern with `\s` and `\S` spelled out; false for `\S` inside a bracket, which has no
/// such spelling.
bool spell_out_white_space(std::string_view pattern, std::string& out) {
  bool bracket = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c != '\\' || i + 1 == pattern.size()) {
      bracket = c == '[' ? true : c == ']' ? false : bracket;
      out += c;
      continue;
    }
    const char escaped = pattern[++i];
    if (escaped == 's') {
      out += bracket ? "" : "[";
      out += white_space;
      out += bracket ? "" : "]";
    } else if (escaped == 'S' && bracket) {
      return false;
    } else if (escaped == 'S') {
      out += "[^";
      out += white_space;
      out += "]";
    } else {
      out += {c, escaped};
    }
  }
  return true;
}

std::string pcre2_message(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

struct Segment {
  std::size_t begin = 0, end = 0;
  bool matched = false;
};

void append_segment(Segment segment, const SplitStep& step, std::string_view text,
                    std::vector<std::string_view>& words) {
  const bool removed = segment.matched && step.behavior == SplitBehavior::removed;
  if (segment.begin < segment.end && !removed) {
    words.push_back(text.substr(segment.begin, segment.end - segment.begin));
  }
}

void apply(const SplitStep& step, std::string_view text, SplitScratch& scratch) {
  Segment pending;
  const auto add = [&](Segment segment) {
    const bool joins = step.behavior == SplitBehavior::contiguous &&
                       segment.matched == pending.matched && pending.end == segment.begin;
    if (joins) {
      pending.end = segment.end;
      return;
    }
    append_segment(pending, step, text, scratch.words);
    pending = segment;
  };
  std::size_t at = 0;
  Regex::Match match;
  while (at < text.size() && step.regex.next(text, at, scratch.regex, match)) {
    if (match.begin > at) {
      add({at, match.begin, step.invert});
    }
    add({match.begin, match.end, !step.invert});
    at = match.end;
  }
  if (at < text.size()) {
    add({at, text.size(), step.invert});
  }
  append_segment(pending, step, text, scratch.words);
}

void apply_to_all(const SplitStep& step, SplitScratch& scratch) {
  std::swap(scratch.words, scratch.before);
  scratch.words.clear();
  for (const std::string_view word : scratch.before) {
    apply(step, word, scratch);
  }
}

}  // namespace

struct RegexScratch::State {
  State()
      : data(pcre2_match_data_create(1, nullptr)),
        context(pcre2_match_context_create(nullptr)),
        stack(pcre2_jit_stack_create(32768, jit_stack_bytes_max, nullptr)) {
    check(data != nullptr && context != nullptr, "PCRE2 has memory for a match");
    pcre2_set_match_limit(context, match_limit);
    pcre2_set_heap_limit(context, heap_limit_kib);
    if (stack != nullptr) {
      pcre2_jit_stack_assign(context, nullptr, stack);
    }
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
  }
  pcre2_match_data* data;
  pcre2_match_context* context;
  pcre2_jit_stack* stack;
};

struct Regex::Code {
  Code() = default;
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code() { pcre2_code_free(code); }

  /// 1 for a match, PCRE2_ERROR_NOMATCH, or another negative number for a limit.
  int match(std::string_view text, std::size_t from, const RegexScratch::State& scratch) const {
    return pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                       PCRE2_NO_UTF_CHECK, scratch.data, scratch.context);
  }

  pcre2_code* code = nullptr;
};

RegexScratch::RegexScratch() : state_(std::make_shared<State>()) {}

namespace {

/// Short texts on which a pattern with nested repetition explodes.
std::vector<std::string> probe_texts() {
  std::vector<std::string> texts;
  for (const std::string_view unit : {"a", " ", "\n", "1", ".", "aA", "a ", " \n", "\u00e9", "_"}) {
    std::string text;
    while (text.size() < probe_bytes) {
      text += unit;
    }
    texts.push_back(text + "a");
    texts.push_back(text + "\x01");
  }
  return texts;
}

}  // namespace

Result<Regex> Regex::compile(const std::string& pattern) {
  std::string adapted;
  if (!spell_out_white_space(pattern, adapted)) {
    return Error{"", "the regular expression has \\S inside brackets, which is not supported"};
  }
  int code_number = 0;
  PCRE2_SIZE offset = 0;
  auto code = std::make_shared<Code>();
  code->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(adapted.data()), adapted.size(),
                             PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &code_number,
                             &offset, nullptr);
  if (code->code == nullptr) {
    return Error{"", "the regular expression is not understood: " + pcre2_message(code_number)};
  }
  // Without executable memory the interpreter takes over; the matches are the same.
  pcre2_jit_compile(code->code, PCRE2_JIT_COMPLETE);
  const RegexScratch probe;
  pcre2_set_match_limit(probe.state_->context, probe_match_limit);
  for (const std::string& text : probe_texts()) {
    const int found = code->match(text, 0, *probe.state_);
    if (found < 0 && found != PCRE2_ERROR_NOMATCH) {
      return Error{"", "the regular expression backtracks without bound: " + pcre2_message(found)};
    }
  }
  Regex regex;
  regex.code_ = std::move(code);
  return regex;
}

Result<Regex> Regex::literal(const std::string& text) {
  std::string pattern;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte >= 0x80 || (byte >= '0' && byte <= '9') ||
                       (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
    pattern += plain ? "" : "\\";
    pattern += c;
  }
  return compile(pattern);
}

bool Regex::next(std::string_view text, std::size_t from, RegexScratch& scratch,
                 Match& match) const {
  while (from < text.size()) {
    if (code_->match(text, from, *scratch.state_) < 0) {
      return false;
    }
    const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(scratch.state_->data);
    match = {bounds[0], bounds[1]};
    if (match.end > match.begin) {
      return true;
    }
    // An empty match splits nothing: go on behind the next character.
    from = match.begin + 1;
    while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0u) == 0x80) {
      ++from;
    }
  }
  return false;
}

void PreTokenizer::split(std::string_view text, SplitScratch& scratch) const {
  scratch.words.assign(1, text);
  scratch.prefixed.clear();
  for (const SplitStep& step : steps) {
    apply_to_all(step, scratch);
  }
  if (add_prefix_space) {
    for (std::string_view& word : scratch.words) {
      if (!word.starts_with(' ')) {
        word = scratch.prefixed.emplace_back(" " + std::string(word));
      }
    }
  }
  for (const SplitStep& step : last) {
    apply_to_all(step, scratch);
  }
}

std::string gpt2_pattern() {
  return R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
}

}  // namespace turnhalle::lm
