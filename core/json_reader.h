// Typed reading of a JsonDocument with errors that help.
//
//   JsonReader reader(document);
//   auto object = reader.object();                  // a view at the root
//   options.side = object.integer("side", {1, 9});  // required
//   options.share = object.number("share", {0, 1}, 0.65);  // with a default
//   object.finish();                                // unknown keys are errors
//   if (!reader.ok()) return reader.error();
//
// The first error is kept; after it every read returns its default or zero, so that reading code
// needs no branches. Messages: "FILE:LINE:COLUMN POINTER: expected …; found …. Did you mean …?".
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.h"

namespace turnhalle {

/// Bounds, both included.
struct IntegerRange {
  std::int64_t low = std::numeric_limits<std::int64_t>::min();
  std::int64_t high = std::numeric_limits<std::int64_t>::max();
};
struct NumberRange {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

class JsonReader;

/// A view of one object. Keys read are remembered; finish() refuses the rest.
class JsonObject {
 public:
  bool has(std::string_view key) const;
  std::int64_t integer(std::string_view key, IntegerRange range,
                       std::optional<std::int64_t> fallback = std::nullopt);
  double number(std::string_view key, NumberRange range,
                std::optional<double> fallback = std::nullopt);
  bool boolean(std::string_view key, std::optional<bool> fallback = std::nullopt);
  std::string string(std::string_view key, std::optional<std::string> fallback = std::nullopt);
  /// One of `names`.
  std::string one_of(std::string_view key, std::span<const std::string> names,
                     std::optional<std::string> fallback = std::nullopt);
  /// [low, high] with low ≤ high, both inside `range`; a single number means both.
  std::pair<std::int64_t, std::int64_t> integer_pair(
      std::string_view key, IntegerRange range,
      std::optional<std::pair<std::int64_t, std::int64_t>> fallback = std::nullopt);
  std::pair<double, double> number_pair(
      std::string_view key, NumberRange range,
      std::optional<std::pair<double, double>> fallback = std::nullopt);
  /// A nested object; an empty one when the key is absent and `required` is false.
  JsonObject object(std::string_view key, bool required = true);
  /// The elements of an array, each a view of an object.
  std::vector<JsonObject> objects(std::string_view key, bool required = true);
  std::vector<std::string> strings(std::string_view key, bool required = true);
  std::vector<double> numbers(std::string_view key, bool required = true);
  /// Any value, unread; null when absent and not required.
  Json any(std::string_view key, bool required = true);
  /// Allows and ignores a key (notes for people, origins of constants).
  void ignore(std::string_view key);
  /// An error about one key of this object: expected …; found what is there.
  void fail(std::string_view key, const std::string& expected);
  /// Refuses keys that nobody read.
  void finish();

  const std::string& pointer() const { return pointer_; }
  const Json& value() const { return *value_; }

 private:
  friend class JsonReader;
  JsonObject(JsonReader* reader, const Json* value, std::string pointer);
  const Json* find(std::string_view key, bool required, std::string_view expected);
  const Json::array_t& array(std::string_view key, bool required, const std::string& expected);
  void mismatch(std::string_view key, const std::string& expected, const std::string& found);
  void element_mismatch(std::string_view key, std::size_t index, const char* expected,
                        const Json& found);
  JsonReader* reader_;
  const Json* value_;
  std::string pointer_;
  std::vector<std::string> known_;
};

/// Owns the first error of reading one document, which outlives the reader.
class JsonReader {
 public:
  explicit JsonReader(const JsonDocument& document) : document_(document) {}
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;
  /// The document's root, which must be an object.
  JsonObject object();
  /// A view of the object at `pointer` (used by parts that are read by another layer).
  JsonObject object_at(const std::string& pointer);
  bool ok() const { return !error_.has_value(); }
  const Error& error() const { return *error_; }
  /// Records an error at `pointer` unless there is one already.
  void fail(std::string_view pointer, const std::string& message);
  const JsonDocument& document() const { return document_; }

 private:
  friend class JsonObject;
  /// The required key whose absence is the error so far, and the pointer of its object.
  struct Missing {
    std::string object;
    std::string key;
  };
  const JsonDocument& document_;
  std::optional<Error> error_;
  std::optional<Missing> missing_;
};

}  // namespace turnhalle
