// Values of tool APIs: JSON data that copies in constant time.
//
// A value is null, a truth value, an integer, a number, a text, a list or a map (sorted by key;
// records are maps). Content is shared between copies and cloned when one of them is changed, so
// that a state is saved before every call, forked and compared for the price of a pointer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/json.h"

namespace turnhalle::tool_api {

class Value {
 public:
  using List = std::vector<Value>;
  using Entry = std::pair<std::string, Value>;
  using Map = std::vector<Entry>;  ///< sorted by key, each key once

  Value() = default;
  static Value of(bool value) { return Value(Content(value)); }
  static Value of(std::int64_t value) { return Value(Content(value)); }
  static Value of(double value) { return Value(Content(value)); }
  static Value text(std::string value) {
    return Value(Content(std::make_shared<std::string>(std::move(value))));
  }
  static Value list(List items) {
    return Value(Content(std::make_shared<List>(std::move(items))));
  }
  /// Sorts the entries; of equal keys the last one counts.
  static Value map(Map entries);
  /// What is nested deeper than `depth_max` becomes null.
  static Value from_json(const Json& json, int depth_max = 64);

  bool is_null() const { return content_.index() == 0; }
  bool is_boolean() const { return content_.index() == 1; }
  bool is_integer() const { return content_.index() == 2; }
  /// An integer or a number.
  bool is_numeric() const { return content_.index() == 2 || content_.index() == 3; }
  bool is_text() const { return content_.index() == 4; }
  bool is_list() const { return content_.index() == 5; }
  bool is_map() const { return content_.index() == 6; }

  // Each gives an empty value when the content is of another kind.
  bool boolean() const;
  std::int64_t integer() const;  ///< of a number without fraction that fits, too
  double number() const;
  const std::string& text() const;
  const List& list() const;
  const Map& map() const;

  /// The value at a key of a map; null pointer when there is none.
  const Value* find(std::string_view key) const;
  /// The value at the entry of that place if its key is `key`, else find(). For records.
  const Value* find_at(std::size_t place, std::string_view key) const;

  /// For changing: the content becomes this value's own. The kind must be the right one.
  List& edit_list();
  Map& edit_map();
  /// The value at a key of a map, to be changed; null pointer when there is none.
  Value* edit(std::string_view key);
  /// Sets a key of a map, new or not.
  void set(std::string_view key, Value value);
  /// Whether the key was there.
  bool erase(std::string_view key);

  /// Whether both share their content, and so are equal; false says nothing.
  bool shares(const Value& other) const;

 private:
  using Content = std::variant<std::monostate, bool, std::int64_t, double,
                               std::shared_ptr<std::string>, std::shared_ptr<List>,
                               std::shared_ptr<Map>>;
  explicit Value(Content content) : content_(std::move(content)) {}
  Content content_;
};

/// Equal in canonical form: 5 and 5.0 are.
bool equal(const Value& a, const Value& b);
/// An order over all values: null, truth values, numbers, texts, lists, maps.
bool less(const Value& a, const Value& b);

/// Appends the canonical JSON text: sorted keys, no blanks, integral numbers as integers, others
/// by their shortest round trip. Equal values have equal texts.
void append_canonical(std::string& out, const Value& value);
std::string canonical_text(const Value& value);
Json to_json(const Value& value);

}  // namespace turnhalle::tool_api
