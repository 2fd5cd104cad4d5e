// The words and symbols of an expression, one after another. Internal to the parser.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace turnhalle::tool_api {

/// A position in the text of an expression.
class ExpressionTokens {
 public:
  explicit ExpressionTokens(std::string_view text) : text_(text) {}

 protected:
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool take(std::string_view symbol) {
    skip_space();
    if (!text_.substr(at_).starts_with(symbol)) return false;
    at_ += symbol.size();
    return true;
  }
  static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  /// The word that begins here; empty when there is none.
  std::string_view peek_word() {
    skip_space();
    std::size_t end = at_;
    if (end < text_.size() && is_letter(text_[end])) {
      while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]))) ++end;
    }
    return text_.substr(at_, end - at_);
  }
  bool take_word(std::string_view word) {
    if (peek_word() != word) return false;
    at_ += word.size();
    return true;
  }
  std::string take_any_word() {
    std::string word(peek_word());
    at_ += word.size();
    return word;
  }
  /// Digits with at most one point between two of them; `real`: there is one.
  std::string_view take_digits(bool& real) {
    const std::size_t begin = at_;
    while (at_ < text_.size() &&
           (is_digit(text_[at_]) || (text_[at_] == '.' && !real && at_ + 1 < text_.size() &&
                                     is_digit(text_[at_ + 1])))) {
      real = real || text_[at_] == '.';
      ++at_;
    }
    return text_.substr(begin, at_ - begin);
  }
  /// A text in quotes of either kind, which a backslash takes into it; false without an end.
  bool take_quoted(std::string& text) {
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      text += text_[at_++];
    }
    if (at_ >= text_.size()) return false;
    ++at_;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace turnhalle::tool_api
