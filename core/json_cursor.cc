#include "core/json_cursor.h"

#include <charconv>
#include <system_error>
#include <utility>

#include "core/text.h"

namespace turnhalle {
namespace {

constexpr std::size_t kWordBytesMax = 24;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

bool JsonCursor::fail(std::size_t offset, std::string expected, std::string found) {
  if (failure_.empty()) {
    failed_at_ = offset;
    failure_ = "expected " + std::move(expected) + "; found " + std::move(found);
  }
  return false;
}

std::string JsonCursor::found_here() const {
  if (at_end()) {
    return "the end of the text";
  }
  const std::string_view rest = text_.substr(at_);
  const auto byte = static_cast<unsigned char>(rest[0]);
  if (rest.starts_with(kByteOrderMark)) {
    return "a byte order mark";
  }
  if (byte == 0) {
    return "a NUL byte";
  }
  if (byte == '\n' || byte == '\r') {
    return "a line break";
  }
  if (byte < 0x20) {
    return "control character " + one_line(rest.substr(0, 1));
  }
  if (byte == '"') {
    return "a string";
  }
  if (rest.starts_with("//") || rest.starts_with("/*") || byte == '#') {
    return "a comment, which JSON has not";
  }
  std::size_t length = 1;
  if (is_word_character(rest[0])) {
    while (length < rest.size() && length < kWordBytesMax && is_word_character(rest[length])) {
      ++length;
    }
  } else {
    while (length < rest.size() && (static_cast<unsigned char>(rest[length]) & 0xC0) == 0x80) {
      ++length;
    }
  }
  return in_quotes(rest.substr(0, length));
}

bool JsonCursor::string(std::string& out) {
  out.clear();
  const std::size_t opened = at_;
  if (!take('"')) {
    return fail_here("a string in double quotes");
  }
  while (true) {
    const std::size_t start = at_;
    while (!at_end() && text_[at_] != '"' && text_[at_] != '\\' &&
           static_cast<unsigned char>(text_[at_]) >= 0x20) {
      ++at_;
    }
    out += since(start);
    if (at_end()) {
      return fail(opened, "a string with a closing quote", "none until the end of the text");
    }
    if (take('"')) {
      return true;
    }
    if (peek() != '\\') {
      return fail_here("a closing quote or an escape such as \\n");
    }
    if (!escape(out)) {
      return false;
    }
  }
}

bool JsonCursor::escape(std::string& out) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const std::size_t start = at_;
  advance();
  if (!at_end() && peek() == 'u') {
    return unicode_escape(out, start);
  }
  const std::size_t which = at_end() ? std::string_view::npos : kNames.find(peek());
  if (which == std::string_view::npos) {
    return fail(start, "one of the escapes \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX",
                at_end() ? "the end of the text" : "a backslash before " + found_here());
  }
  out += kMeanings[which];
  advance();
  return true;
}

bool JsonCursor::unicode_escape(std::string& out, std::size_t start) {
  const auto is_high = [](char32_t code) { return code >= 0xD800 && code < 0xDC00; };
  const auto is_low = [](char32_t code) { return code >= 0xDC00 && code < 0xE000; };
  char32_t code = 0;
  if (!four_digits(code)) {
    return false;
  }
  if (is_high(code) && peek() == '\\') {
    char32_t second = 0;
    const std::size_t between = at_;
    advance();
    if (peek() == 'u' && !four_digits(second)) {
      return false;
    }
    if (is_low(second)) {
      code = 0x10000 + ((code - 0xD800) << 10) + (second - 0xDC00);
    } else {
      at_ = between;
    }
  }
  if (is_high(code) || is_low(code)) {
    return fail(start, "a pair of surrogate escapes", "a lone " + std::string(since(start)));
  }
  append_utf8(out, code);
  return true;
}

// Reads "uXXXX".
bool JsonCursor::four_digits(char32_t& code) {
  const std::size_t start = at_;
  const std::string_view digits = text_.substr(at_ + 1, 4);
  unsigned parsed = 0;
  const auto [stop, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), parsed, 16);
  if (digits.size() < 4 || error != std::errc() || stop != digits.data() + 4) {
    return fail(start - 1, "four hexadecimal digits after \\u", in_quotes(digits));
  }
  code = parsed;
  at_ += 5;
  return true;
}

void JsonCursor::skip_value() {
  std::size_t depth = 0;
  std::string ignored;
  while (!at_end()) {
    const char c = peek();
    if (c == '"') {
      if (!string(ignored)) {
        return;
      }
    } else if (c == '{' || c == '[') {
      ++depth;
      advance();
    } else if (c == '}' || c == ']') {
      if (depth == 0) {
        return;
      }
      --depth;
      advance();
    } else if (c == ',' && depth == 0) {
      return;
    } else {
      advance();
      continue;
    }
    if (depth == 0) {
      return;
    }
  }
}

}  // namespace turnhalle
