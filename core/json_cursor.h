// Walking over JSON text character by character: what the parser of documents and the search for
// the place of a value have in common. Internal to core/json.cc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace turnhalle {

/// A position in the text of a document. Keeps the first failure: where, and what was expected.
class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) : text_(text) {}

  std::size_t at() const { return at_; }
  bool at_end() const { return at_ >= text_.size(); }
  /// The character here; NUL at the end of the text, where at_end() tells the two apart.
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void advance() { ++at_; }
  bool take(char c) {
    const bool here = !at_end() && text_[at_] == c;
    at_ += here ? 1 : 0;
    return here;
  }
  bool take(std::string_view word) {
    const bool here = text_.substr(at_, word.size()) == word;
    at_ += here ? word.size() : 0;
    return here;
  }
  void skip_space() {
    while (!at_end() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) {
      ++at_;
    }
  }
  std::size_t skip_digits() {
    const std::size_t start = at_;
    while (peek() >= '0' && peek() <= '9') {
      ++at_;
    }
    return at_ - start;
  }
  std::string_view since(std::size_t start) const { return text_.substr(start, at_ - start); }

  /// Reads a string from its opening quote; false with the failure recorded.
  bool string(std::string& out);
  /// Steps over one value without building it. For text that was parsed before.
  void skip_value();

  /// Records the first failure. Always false, for `return fail(…)`.
  bool fail(std::size_t offset, std::string expected, std::string found);
  bool fail_here(std::string expected) { return fail(at_, std::move(expected), found_here()); }
  std::size_t failed_at() const { return failed_at_; }
  const std::string& failure() const { return failure_; }

 private:
  std::string found_here() const;
  bool escape(std::string& out);
  bool unicode_escape(std::string& out, std::size_t start);
  bool four_digits(char32_t& code);
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t failed_at_ = 0;
  std::string failure_;
};

}  // namespace turnhalle
