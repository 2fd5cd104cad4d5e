// Strict JSON: a thin layer over nlohmann/json.
//
// Reading refuses what nlohmann/json lets pass: duplicate keys, nesting deeper than the limit,
// NUL bytes, byte order marks, trailing text, integers beyond 64 bits, numbers that overflow,
// ill-formed UTF-8. A document keeps its text, so that an error can name line and column.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/file.h"
#include "core/result.h"

namespace turnhalle {

/// Objects are sorted by key, so dump() is canonical.
using Json = nlohmann::json;

struct JsonLimits {
  std::size_t bytes_max = std::size_t{64} << 20;
  std::size_t depth_max = 64;
  std::size_t nodes_max = 4'000'000;
};

/// A parsed document with what is needed to point into it.
struct JsonDocument {
  std::string file;  ///< as the user named it; "" for text that came from elsewhere
  std::string text;
  Json root;

  /// FILE:LINE:COLUMN POINTER of the value at `pointer` (a JSON pointer; "" is the root).
  std::string place(std::string_view pointer) const;
};

/// Parses text; errors read "FILE:LINE:COLUMN: expected …; found …".
Result<JsonDocument> parse_json(std::string text, std::string file = "", JsonLimits limits = {});
/// Reads and parses a file.
Result<JsonDocument> read_json(const std::string& path, JsonLimits limits = {});

/// A JSON pointer (RFC 6901) with one more key or index; `/` and `~` are escaped.
std::string child_pointer(std::string_view parent, std::string_view key);
/// Takes the first token off a pointer that starts with `/`, unescaped.
std::string next_pointer_token(std::string_view& pointer);
/// The value at a key or index; null when there is none.
const Json* child_of(const Json& value, const std::string& token);

/// The bytes that are hashed and compared: sorted keys, no spaces, UTF-8.
std::string canonical(const Json& value);
/// What a value is, in words: "a string", "an integer", …
std::string kind_of(const Json& value);
/// `value` as it is shown in a message, shortened.
std::string shown(const Json& value);

}  // namespace turnhalle
