#include "core/json_reader.h"

#include <algorithm>
#include <utility>

#include "core/text.h"

namespace turnhalle {
namespace {

constexpr std::size_t kNamesBytesMax = 300;  // of the names listed in one message

const Json& empty_object() {
  static const Json empty = Json::object();
  return empty;
}

// "an integer from 1 to 9", "an integer of at least 1", …
std::string with_bounds(const std::string& what, bool has_low, const std::string& low,
                        bool has_high, const std::string& high) {
  if (has_low && has_high) {
    return what + " from " + low + " to " + high;
  }
  if (has_low) {
    return what + " of at least " + low;
  }
  return has_high ? what + " of at most " + high : what;
}

std::string in_words(IntegerRange range, const std::string& what) {
  const IntegerRange all;
  return with_bounds(what, range.low > all.low, std::to_string(range.low), range.high < all.high,
                     std::to_string(range.high));
}

std::string in_words(NumberRange range, const std::string& what) {
  const NumberRange all;
  return with_bounds(what, range.low > all.low, shortest(range.low), range.high < all.high,
                     shortest(range.high));
}

std::string listed(std::span<const std::string> names) {
  return shortened(one_line(join(names, ", ")), kNamesBytesMax);
}

// The sentence after what was found, if a name is near.
std::string hint(std::string_view name, std::span<const std::string> candidates) {
  const std::string question = did_you_mean(name, candidates);
  return question.empty() ? "" : "." + question;
}

bool read_integer(const Json& value, IntegerRange range, std::int64_t& out) {
  if (!value.is_number_integer()) {
    return false;
  }
  const bool is_large = value.is_number_unsigned() &&
                        value.get<std::uint64_t>() >
                            static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (is_large) {
    return false;
  }
  out = value.get<std::int64_t>();
  return out >= range.low && out <= range.high;
}

bool read_number(const Json& value, NumberRange range, double& out) {
  if (!value.is_number()) {
    return false;
  }
  out = value.get<double>();
  return out >= range.low && out <= range.high;
}

// A pair of numbers or one number for both ends, read by `read`.
template <class Number, class Range, class Read>
bool read_pair(const Json& value, Range range, Read read, std::pair<Number, Number>& out) {
  if (!value.is_array()) {
    out = {};
    const bool is_one = read(value, range, out.first);
    out.second = out.first;
    return is_one;
  }
  return value.size() == 2 && read(value[0], range, out.first) &&
         read(value[1], range, out.second) && out.first <= out.second;
}

std::string shown_pair(const Json& value) {
  const bool is_pair = value.is_array() && value.size() == 2 && !value[0].is_structured() &&
                       !value[1].is_structured();
  return is_pair ? "[" + shown(value[0]) + ", " + shown(value[1]) + "]" : shown(value);
}

}  // namespace

JsonObject::JsonObject(JsonReader* reader, const Json* value, std::string pointer)
    : reader_(reader), value_(value), pointer_(std::move(pointer)) {}

bool JsonObject::has(std::string_view key) const { return value_->contains(key); }

void JsonObject::ignore(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
    known_.emplace_back(key);
  }
}

// The value of a key, or null when it is absent (an error if required) or an error came before.
const Json* JsonObject::find(std::string_view key, bool required, std::string_view expected) {
  ignore(key);
  if (!reader_->ok()) {
    return nullptr;
  }
  const auto found = value_->find(key);
  if (found != value_->end()) {
    return &*found;
  }
  if (required) {
    reader_->fail(child_pointer(pointer_, key),
                  "expected " + std::string(expected) + "; found no key " + in_quotes(key));
    reader_->missing_ = JsonReader::Missing{pointer_, std::string(key)};
  }
  return nullptr;
}

void JsonObject::mismatch(std::string_view key, const std::string& expected,
                          const std::string& found) {
  reader_->fail(child_pointer(pointer_, key), "expected " + expected + "; found " + found);
}

std::int64_t JsonObject::integer(std::string_view key, IntegerRange range,
                                 std::optional<std::int64_t> fallback) {
  const std::string expected = in_words(range, "an integer");
  const Json* const value = find(key, !fallback, expected);
  std::int64_t number = 0;
  if (value == nullptr) {
    return fallback.value_or(0);
  }
  if (!read_integer(*value, range, number)) {
    mismatch(key, expected, shown(*value));
    return fallback.value_or(0);
  }
  return number;
}

double JsonObject::number(std::string_view key, NumberRange range, std::optional<double> fallback) {
  const std::string expected = in_words(range, "a number");
  const Json* const value = find(key, !fallback, expected);
  double number = 0;
  if (value == nullptr) {
    return fallback.value_or(0);
  }
  if (!read_number(*value, range, number)) {
    mismatch(key, expected, shown(*value));
    return fallback.value_or(0);
  }
  return number;
}

bool JsonObject::boolean(std::string_view key, std::optional<bool> fallback) {
  const Json* const value = find(key, !fallback, "true or false");
  if (value != nullptr && !value->is_boolean()) {
    mismatch(key, "true or false", shown(*value));
  }
  const bool is_good = value != nullptr && value->is_boolean();
  return is_good ? value->get<bool>() : fallback.value_or(false);
}

std::string JsonObject::string(std::string_view key, std::optional<std::string> fallback) {
  const Json* const value = find(key, !fallback, "a string");
  if (value != nullptr && value->is_string()) {
    return value->get<std::string>();
  }
  if (value != nullptr) {
    mismatch(key, "a string", shown(*value));
  }
  return fallback.value_or("");
}

std::string JsonObject::one_of(std::string_view key, std::span<const std::string> names,
                               std::optional<std::string> fallback) {
  const std::string expected = "one of " + listed(names);
  const Json* const value = find(key, !fallback, expected);
  if (value == nullptr) {
    return fallback.value_or("");
  }
  if (!value->is_string()) {
    mismatch(key, expected, shown(*value));
    return fallback.value_or("");
  }
  const auto& name = value->get_ref<const std::string&>();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    mismatch(key, expected, in_quotes(name) + hint(name, names));
    return fallback.value_or("");
  }
  return name;
}

std::pair<std::int64_t, std::int64_t> JsonObject::integer_pair(
    std::string_view key, IntegerRange range,
    std::optional<std::pair<std::int64_t, std::int64_t>> fallback) {
  const std::string expected =
      "[low, high] with low <= high, or one number for both, each " + in_words(range, "an integer");
  using Pair = std::pair<std::int64_t, std::int64_t>;
  const Json* const value = find(key, !fallback, expected);
  Pair pair{};
  if (value == nullptr) {
    return fallback.value_or(Pair{});
  }
  if (!read_pair(*value, range, read_integer, pair)) {
    mismatch(key, expected, shown_pair(*value));
    return fallback.value_or(Pair{});
  }
  return pair;
}

std::pair<double, double> JsonObject::number_pair(
    std::string_view key, NumberRange range, std::optional<std::pair<double, double>> fallback) {
  const std::string expected =
      "[low, high] with low <= high, or one number for both, each " + in_words(range, "a number");
  using Pair = std::pair<double, double>;
  const Json* const value = find(key, !fallback, expected);
  Pair pair{};
  if (value == nullptr) {
    return fallback.value_or(Pair{});
  }
  if (!read_pair(*value, range, read_number, pair)) {
    mismatch(key, expected, shown_pair(*value));
    return fallback.value_or(Pair{});
  }
  return pair;
}

JsonObject JsonObject::object(std::string_view key, bool required) {
  const Json* value = find(key, required, "an object");
  if (value != nullptr && !value->is_object()) {
    mismatch(key, "an object", shown(*value));
    value = nullptr;
  }
  return {reader_, value == nullptr ? &empty_object() : value, child_pointer(pointer_, key)};
}

// The array at a key; an empty one when there is none.
const Json::array_t& JsonObject::array(std::string_view key, bool required,
                                       const std::string& expected) {
  static const Json::array_t empty;
  const Json* const value = find(key, required, expected);
  if (value == nullptr) {
    return empty;
  }
  if (!value->is_array()) {
    mismatch(key, expected, shown(*value));
    return empty;
  }
  return value->get_ref<const Json::array_t&>();
}

void JsonObject::element_mismatch(std::string_view key, std::size_t index, const char* expected,
                                  const Json& found) {
  reader_->fail(child_pointer(child_pointer(pointer_, key), std::to_string(index)),
                std::string("expected ") + expected + "; found " + shown(found));
}

std::vector<JsonObject> JsonObject::objects(std::string_view key, bool required) {
  const auto& items = array(key, required, "an array of objects");
  const std::string parent = child_pointer(pointer_, key);
  std::vector<JsonObject> views;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!items[i].is_object()) {
      element_mismatch(key, i, "an object", items[i]);
      return {};
    }
    views.push_back(JsonObject(reader_, &items[i], child_pointer(parent, std::to_string(i))));
  }
  return views;
}

std::vector<std::string> JsonObject::strings(std::string_view key, bool required) {
  const auto& items = array(key, required, "an array of strings");
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!items[i].is_string()) {
      element_mismatch(key, i, "a string", items[i]);
      return {};
    }
    texts.push_back(items[i].get<std::string>());
  }
  return texts;
}

std::vector<double> JsonObject::numbers(std::string_view key, bool required) {
  const auto& items = array(key, required, "an array of numbers");
  std::vector<double> values;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!items[i].is_number()) {
      element_mismatch(key, i, "a number", items[i]);
      return {};
    }
    values.push_back(items[i].get<double>());
  }
  return values;
}

Json JsonObject::any(std::string_view key, bool required) {
  const Json* const value = find(key, required, "a value");
  return value == nullptr ? Json() : *value;
}

void JsonObject::fail(std::string_view key, const std::string& expected) {
  const auto found = value_->find(key);
  mismatch(key, expected, found == value_->end() ? "no key " + in_quotes(key) : shown(*found));
}

// A mistyped name of a required key shows as a missing one first: then the unknown key beside it
// is the better error, because it stands where the mistake is.
void JsonObject::finish() {
  std::vector<std::string> unknown;
  for (const auto& [key, value] : value_->items()) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
      unknown.push_back(key);
    }
  }
  std::string blamed;
  if (reader_->ok()) {
    blamed = unknown.empty() ? "" : unknown.front();
    if (unknown.empty()) {
      return;
    }
  } else {
    const auto& missing = reader_->missing_;
    blamed = missing && missing->object == pointer_ ? nearest_name(missing->key, unknown) : "";
    if (blamed.empty()) {
      return;
    }
    reader_->error_.reset();
    reader_->missing_.reset();
  }
  std::vector<std::string> names = known_;
  std::sort(names.begin(), names.end());
  mismatch(blamed, names.empty() ? "no keys here" : "one of the keys " + listed(names),
           in_quotes(blamed) + hint(blamed, names));
}

JsonObject JsonReader::object() { return object_at(""); }

JsonObject JsonReader::object_at(const std::string& pointer) {
  const Json* value = &document_.root;
  std::string_view rest = pointer;
  std::string reached;
  while (!rest.empty() && value != nullptr) {
    const std::string token = next_pointer_token(rest);
    reached = child_pointer(reached, token);
    value = child_of(*value, token);
  }
  if (value != nullptr && value->is_object()) {
    return {this, value, pointer};
  }
  fail(value == nullptr ? reached : pointer,
       "expected an object; found " + (value == nullptr ? "nothing" : shown(*value)));
  return {this, &empty_object(), pointer};
}

void JsonReader::fail(std::string_view pointer, const std::string& message) {
  if (!error_) {
    error_ = Error{document_.place(pointer), message};
  }
}

}  // namespace turnhalle
