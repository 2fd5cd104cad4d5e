#include "core/json.h"

#include <charconv>
#include <cmath>
#include <system_error>
#include <utility>

#include "core/json_cursor.h"
#include "core/text.h"

namespace turnhalle {
namespace {

constexpr std::size_t kNumberBytesMax = 1024;  // no double needs more digits to be told apart

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Line and column count from 1; a column is a character, not a byte.
std::string line_and_column(std::string_view text, std::size_t offset) {
  std::size_t line = 1;
  std::size_t column = 1;
  for (const char c : text.substr(0, offset)) {
    if (c == '\n') {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      ++column;
    }
  }
  return std::to_string(line) + ":" + std::to_string(column);
}

std::string place_of(const std::string& file, std::string_view text, std::size_t offset) {
  return (file.empty() ? "<json>" : one_line(file)) + ":" + line_and_column(text, offset);
}

/// Builds the tree. Every method reads one production of RFC 8259 from where the cursor stands.
class Parser {
 public:
  Parser(std::string_view text, const JsonLimits& limits) : cursor_(text), limits_(limits) {}
  bool document(Json& root);
  const JsonCursor& cursor() const { return cursor_; }

 private:
  bool value(Json& out, std::size_t depth);
  bool array(Json& out, std::size_t depth);
  bool object(Json& out, std::size_t depth);
  bool member(Json::object_t& members, std::size_t depth);
  bool literal(Json& out);
  bool number(Json& out);
  bool integer(std::string_view digits, std::size_t start, Json& out);
  bool real(std::string_view digits, std::size_t start, Json& out);
  JsonCursor cursor_;
  JsonLimits limits_;
  std::size_t nodes_ = 0;
};

bool Parser::document(Json& root) {
  cursor_.skip_space();
  if (!value(root, 1)) {
    return false;
  }
  cursor_.skip_space();
  return cursor_.at_end() || cursor_.fail_here("the end of the text");
}

bool Parser::value(Json& out, std::size_t depth) {
  if (++nodes_ > limits_.nodes_max) {
    return cursor_.fail(cursor_.at(), "at most " + std::to_string(limits_.nodes_max) + " values",
                        "more");
  }
  const char c = cursor_.peek();
  if (c == '{' || c == '[') {
    if (depth > limits_.depth_max) {
      return cursor_.fail(cursor_.at(),
                          "nesting of at most " + std::to_string(limits_.depth_max) + " levels",
                          "level " + std::to_string(depth));
    }
    return c == '{' ? object(out, depth) : array(out, depth);
  }
  if (c == '"') {
    std::string text;
    if (!cursor_.string(text)) {
      return false;
    }
    out = std::move(text);
    return true;
  }
  return c == '-' || is_digit(c) ? number(out) : literal(out);
}

bool Parser::array(Json& out, std::size_t depth) {
  Json::array_t items;
  cursor_.advance();
  cursor_.skip_space();
  if (!cursor_.take(']')) {
    while (true) {
      cursor_.skip_space();
      if (!value(items.emplace_back(), depth + 1)) {
        return false;
      }
      cursor_.skip_space();
      if (cursor_.take(']')) {
        break;
      }
      if (!cursor_.take(',')) {
        return cursor_.fail_here("\",\" or \"]\"");
      }
    }
  }
  out = std::move(items);
  return true;
}

bool Parser::object(Json& out, std::size_t depth) {
  Json::object_t members;
  cursor_.advance();
  cursor_.skip_space();
  if (!cursor_.take('}')) {
    while (true) {
      cursor_.skip_space();
      if (!member(members, depth)) {
        return false;
      }
      cursor_.skip_space();
      if (cursor_.take('}')) {
        break;
      }
      if (!cursor_.take(',')) {
        return cursor_.fail_here("\",\" or \"}\"");
      }
    }
  }
  out = std::move(members);
  return true;
}

bool Parser::member(Json::object_t& members, std::size_t depth) {
  const std::size_t start = cursor_.at();
  if (cursor_.peek() != '"') {
    return cursor_.fail_here("a key in double quotes");
  }
  std::string key;
  if (!cursor_.string(key)) {
    return false;
  }
  const auto [place, is_new] = members.try_emplace(std::move(key));
  if (!is_new) {
    return cursor_.fail(start, "each key once", in_quotes(place->first) + " again");
  }
  cursor_.skip_space();
  if (!cursor_.take(':')) {
    return cursor_.fail_here("\":\" after the key");
  }
  cursor_.skip_space();
  return value(place->second, depth + 1);
}

bool Parser::literal(Json& out) {
  const std::size_t start = cursor_.at();
  if (cursor_.take("true")) {
    out = true;
  } else if (cursor_.take("false")) {
    out = false;
  } else if (!cursor_.take("null")) {
    return cursor_.fail_here("a value");
  }
  if (is_word_character(cursor_.peek())) {
    while (is_word_character(cursor_.peek())) {
      cursor_.advance();
    }
    return cursor_.fail(start, "a value", in_quotes(cursor_.since(start)));
  }
  return true;
}

bool Parser::number(Json& out) {
  const std::size_t start = cursor_.at();
  cursor_.take('-');
  const bool leading_zero = cursor_.peek() == '0';
  const std::size_t digits = cursor_.skip_digits();
  if (digits == 0) {
    return cursor_.fail_here("a digit");
  }
  if (leading_zero && digits > 1) {
    return cursor_.fail(start, "a number without leading zeros", in_quotes(cursor_.since(start)));
  }
  bool is_integer = true;
  if (cursor_.take('.')) {
    is_integer = false;
    if (cursor_.skip_digits() == 0) {
      return cursor_.fail_here("a digit after the decimal point");
    }
  }
  if (cursor_.take('e') || cursor_.take('E')) {
    is_integer = false;
    if (!cursor_.take('+')) {
      cursor_.take('-');
    }
    if (cursor_.skip_digits() == 0) {
      return cursor_.fail_here("a digit of the exponent");
    }
  }
  const std::string_view token = cursor_.since(start);
  return is_integer ? integer(token, start, out) : real(token, start, out);
}

bool Parser::integer(std::string_view digits, std::size_t start, Json& out) {
  const char* const end = digits.data() + digits.size();
  std::int64_t narrow = 0;
  if (std::from_chars(digits.data(), end, narrow).ec == std::errc()) {
    out = narrow;
    return true;
  }
  std::uint64_t wide = 0;
  if (digits[0] != '-' && std::from_chars(digits.data(), end, wide).ec == std::errc()) {
    out = wide;
    return true;
  }
  return cursor_.fail(start, "an integer that fits 64 bits", shortened(digits, kShownBytesMax));
}

bool Parser::real(std::string_view digits, std::size_t start, Json& out) {
  if (digits.size() > kNumberBytesMax) {
    return cursor_.fail(start, "a number of at most " + std::to_string(kNumberBytesMax) + " digits",
                        shortened(digits, kShownBytesMax));
  }
  double parsed = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), parsed);
  const bool is_zero = digits.substr(0, digits.find_first_of("eE")).find_first_of("123456789") ==
                       std::string_view::npos;
  if (error != std::errc() || !std::isfinite(parsed) || (parsed == 0.0 && !is_zero)) {
    return cursor_.fail(start, "a number that a double can hold",
                        shortened(digits, kShownBytesMax));
  }
  out = parsed;
  return true;
}

// Moves the cursor from an object or array to the value of one of its keys or indices.
bool descend(JsonCursor& cursor, const std::string& token) {
  const bool is_object = cursor.peek() == '{';
  if (!is_object && cursor.peek() != '[') {
    return false;
  }
  cursor.advance();
  std::string key;
  for (std::size_t index = 0; !cursor.at_end(); ++index) {
    cursor.skip_space();
    if (is_object && !cursor.string(key)) {
      return false;
    }
    if (is_object) {
      cursor.skip_space();
      cursor.take(':');
      cursor.skip_space();
    } else {
      key = std::to_string(index);
    }
    if (cursor.peek() == '}' || cursor.peek() == ']') {
      return false;
    }
    if (key == token) {
      return true;
    }
    cursor.skip_value();
    cursor.skip_space();
    if (!cursor.take(',')) {
      return false;
    }
  }
  return false;
}

std::size_t offset_of(std::string_view text, std::string_view pointer) {
  JsonCursor cursor(text);
  cursor.skip_space();
  std::size_t found = cursor.at();
  while (!pointer.empty() && descend(cursor, next_pointer_token(pointer))) {
    found = cursor.at();
  }
  return found;
}

}  // namespace

std::string child_pointer(std::string_view parent, std::string_view key) {
  std::string pointer(parent);
  pointer += '/';
  for (const char c : key) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

std::string next_pointer_token(std::string_view& pointer) {
  pointer.remove_prefix(1);
  const std::string_view raw = pointer.substr(0, pointer.find('/'));
  pointer.remove_prefix(raw.size());
  std::string token;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '~' && i + 1 < raw.size()) {
      token += raw[++i] == '1' ? '/' : '~';
    } else {
      token += raw[i];
    }
  }
  return token;
}

const Json* child_of(const Json& value, const std::string& token) {
  if (value.is_object()) {
    const auto found = value.find(token);
    return found == value.end() ? nullptr : &*found;
  }
  std::int64_t index = 0;
  const bool is_index = value.is_array() && parse_integer(token, index) && index >= 0 &&
                        static_cast<std::size_t>(index) < value.size();
  return is_index ? &value[static_cast<std::size_t>(index)] : nullptr;
}

std::string JsonDocument::place(std::string_view pointer) const {
  const std::string where = place_of(file, text, offset_of(text, pointer));
  return pointer.empty() ? where : where + " " + one_line(pointer);
}

Result<JsonDocument> parse_json(std::string text, std::string file, JsonLimits limits) {
  if (text.size() > limits.bytes_max) {
    return Error{file.empty() ? "<json>" : one_line(file),
                 "expected at most " + std::to_string(limits.bytes_max) + " bytes; found " +
                     std::to_string(text.size())};
  }
  if (const std::size_t good = utf8_prefix(text); good < text.size()) {
    return Error{place_of(file, text, good),
                 "expected UTF-8; found byte 0x" + hex(std::string_view(text).substr(good, 1))};
  }
  JsonDocument document{std::move(file), std::move(text), nullptr};
  Parser parser(document.text, limits);
  if (!parser.document(document.root)) {
    const JsonCursor& cursor = parser.cursor();
    return Error{place_of(document.file, document.text, cursor.failed_at()), cursor.failure()};
  }
  return document;
}

Result<JsonDocument> read_json(const std::string& path, JsonLimits limits) {
  auto text = read_file(path, limits.bytes_max);
  if (!text) {
    return text.error();
  }
  return parse_json(std::move(*text), path, limits);
}

std::string canonical(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string kind_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::boolean:
      return "a boolean";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return "an integer";
    case Json::value_t::number_float:
      return "a number";
    case Json::value_t::array:
      return "an array";
    case Json::value_t::object:
      return "an object";
    default:
      return "something that is not JSON";
  }
}

std::string shown(const Json& value) {
  const auto counted = [&](const char* one, const char* many) {
    return std::to_string(value.size()) + " " + (value.size() == 1 ? one : many);
  };
  if (value.is_array()) {
    return value.empty() ? "an empty array" : "an array of " + counted("value", "values");
  }
  if (value.is_object()) {
    return value.empty() ? "an empty object" : "an object with " + counted("key", "keys");
  }
  if (value.is_string()) {
    return in_quotes(value.get_ref<const std::string&>());
  }
  return canonical(value);
}

}  // namespace turnhalle
