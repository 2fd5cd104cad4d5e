#include "envs/tool_api/value.h"

#include <algorithm>
#include <cmath>

#include "core/text.h"

namespace turnhalle::tool_api {
namespace {

constexpr double kExactIntegers = 9007199254740992.0;  // 2^53

bool is_integral(double value) {
  return std::abs(value) <= kExactIntegers && value == std::trunc(value);
}

auto place_of(const Value::Map& map, std::string_view key) {
  return std::lower_bound(map.begin(), map.end(), key,
                          [](const Value::Entry& entry, std::string_view name) {
                            return std::string_view(entry.first) < name;
                          });
}

void append_text(std::string& out, const std::string& text) {
  const bool plain = std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == '\x7f';
  });
  if (plain) {
    out += '"';
    out += text;
    out += '"';
  } else {
    out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  }
}

int rank(const Value& value) {
  if (value.is_null()) return 0;
  if (value.is_boolean()) return 1;
  if (value.is_numeric()) return 2;
  if (value.is_text()) return 3;
  return value.is_list() ? 4 : 5;
}

// Below, equal or above: -1, 0, 1. Integers are compared exactly.
int compare_numbers(const Value& a, const Value& b) {
  if (a.is_integer() && b.is_integer()) {
    return a.integer() < b.integer() ? -1 : static_cast<int>(a.integer() > b.integer());
  }
  return a.number() < b.number() ? -1 : static_cast<int>(a.number() > b.number());
}

int compare(const Value& a, const Value& b);

int compare_lists(const Value::List& a, const Value::List& b) {
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (const int order = compare(a[i], b[i]); order != 0) return order;
  }
  return a.size() < b.size() ? -1 : static_cast<int>(a.size() > b.size());
}

int compare_maps(const Value::Map& a, const Value::Map& b) {
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (const int order = a[i].first.compare(b[i].first); order != 0) return order < 0 ? -1 : 1;
    if (const int order = compare(a[i].second, b[i].second); order != 0) return order;
  }
  return a.size() < b.size() ? -1 : static_cast<int>(a.size() > b.size());
}

int compare(const Value& a, const Value& b) {
  if (a.shares(b)) return 0;
  if (rank(a) != rank(b)) return rank(a) < rank(b) ? -1 : 1;
  switch (rank(a)) {
    case 0:
      return 0;
    case 1:
      return static_cast<int>(a.boolean()) - static_cast<int>(b.boolean());
    case 2:
      return compare_numbers(a, b);
    case 3: {
      const int order = a.text().compare(b.text());
      return order < 0 ? -1 : static_cast<int>(order > 0);
    }
    case 4:
      return compare_lists(a.list(), b.list());
    default:
      return compare_maps(a.map(), b.map());
  }
}

}  // namespace

Value Value::map(Map entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.first < b.first; });
  Map unique;
  unique.reserve(entries.size());
  for (Entry& entry : entries) {
    if (!unique.empty() && unique.back().first == entry.first) unique.pop_back();
    unique.push_back(std::move(entry));
  }
  return Value(Content(std::make_shared<Map>(std::move(unique))));
}

Value Value::from_json(const Json& json, int depth_max) {
  if (depth_max <= 0) return {};
  switch (json.type()) {
    case Json::value_t::boolean:
      return of(json.get<bool>());
    case Json::value_t::number_integer:
      return of(json.get<std::int64_t>());
    case Json::value_t::number_unsigned: {
      const auto value = json.get<std::uint64_t>();
      if (value > static_cast<std::uint64_t>(INT64_MAX)) return of(static_cast<double>(value));
      return of(static_cast<std::int64_t>(value));
    }
    case Json::value_t::number_float:
      return of(json.get<double>());
    case Json::value_t::string:
      return text(json.get_ref<const std::string&>());
    case Json::value_t::array: {
      List items;
      items.reserve(json.size());
      for (const Json& item : json) items.push_back(from_json(item, depth_max - 1));
      return list(std::move(items));
    }
    case Json::value_t::object: {
      Map entries;
      entries.reserve(json.size());
      for (const auto& [key, value] : json.items()) {
        entries.emplace_back(key, from_json(value, depth_max - 1));
      }
      return Value(Content(std::make_shared<Map>(std::move(entries))));
    }
    default:
      return {};
  }
}

bool Value::boolean() const {
  const bool* value = std::get_if<1>(&content_);
  return value != nullptr && *value;
}

std::int64_t Value::integer() const {
  if (const auto* value = std::get_if<2>(&content_)) return *value;
  const auto* real = std::get_if<3>(&content_);
  return real != nullptr && is_integral(*real) ? static_cast<std::int64_t>(*real) : 0;
}

double Value::number() const {
  if (const auto* value = std::get_if<3>(&content_)) return *value;
  const auto* whole = std::get_if<2>(&content_);
  return whole != nullptr ? static_cast<double>(*whole) : 0.0;
}

const std::string& Value::text() const {
  static const std::string kEmpty;
  const auto* value = std::get_if<4>(&content_);
  return value != nullptr ? **value : kEmpty;
}

const Value::List& Value::list() const {
  static const List kEmpty;
  const auto* value = std::get_if<5>(&content_);
  return value != nullptr ? **value : kEmpty;
}

const Value::Map& Value::map() const {
  static const Map kEmpty;
  const auto* value = std::get_if<6>(&content_);
  return value != nullptr ? **value : kEmpty;
}

const Value* Value::find(std::string_view key) const {
  const Map& entries = map();
  const auto place = place_of(entries, key);
  return place != entries.end() && place->first == key ? &place->second : nullptr;
}

const Value* Value::find_at(std::size_t place, std::string_view key) const {
  const Map& entries = map();
  if (place < entries.size() && entries[place].first == key) return &entries[place].second;
  return find(key);
}

Value::List& Value::edit_list() {
  auto& shared = std::get<5>(content_);
  if (shared.use_count() > 1) shared = std::make_shared<List>(*shared);
  return *shared;
}

Value::Map& Value::edit_map() {
  auto& shared = std::get<6>(content_);
  if (shared.use_count() > 1) shared = std::make_shared<Map>(*shared);
  return *shared;
}

Value* Value::edit(std::string_view key) {
  Map& entries = edit_map();
  const auto place = entries.begin() + (place_of(entries, key) - entries.begin());
  return place != entries.end() && place->first == key ? &place->second : nullptr;
}

void Value::set(std::string_view key, Value value) {
  Map& entries = edit_map();
  const auto offset = place_of(entries, key) - entries.begin();
  const auto place = entries.begin() + offset;
  if (place != entries.end() && place->first == key) {
    place->second = std::move(value);
  } else {
    entries.emplace(place, std::string(key), std::move(value));
  }
}

bool Value::erase(std::string_view key) {
  Map& entries = edit_map();
  const auto place = entries.begin() + (place_of(entries, key) - entries.begin());
  if (place == entries.end() || place->first != key) return false;
  entries.erase(place);
  return true;
}

bool Value::shares(const Value& other) const {
  if (content_.index() != other.content_.index()) return false;
  switch (content_.index()) {
    case 4:
      return std::get<4>(content_) == std::get<4>(other.content_);
    case 5:
      return std::get<5>(content_) == std::get<5>(other.content_);
    case 6:
      return std::get<6>(content_) == std::get<6>(other.content_);
    default:
      return false;
  }
}

bool equal(const Value& a, const Value& b) { return compare(a, b) == 0; }
bool less(const Value& a, const Value& b) { return compare(a, b) < 0; }

void append_canonical(std::string& out, const Value& value) {
  if (value.is_map()) {
    char separator = '{';
    for (const auto& [key, item] : value.map()) {
      out += separator;
      append_text(out, key);
      out += ':';
      append_canonical(out, item);
      separator = ',';
    }
    out += value.map().empty() ? "{}" : "}";
  } else if (value.is_list()) {
    char separator = '[';
    for (const Value& item : value.list()) {
      out += separator;
      append_canonical(out, item);
      separator = ',';
    }
    out += value.list().empty() ? "[]" : "]";
  } else if (value.is_text()) {
    append_text(out, value.text());
  } else if (value.is_integer() || (value.is_numeric() && is_integral(value.number()))) {
    append_number(out, value.integer());
  } else if (value.is_numeric()) {
    out += shortest(value.number());
  } else {
    out += value.is_null() ? "null" : value.boolean() ? "true" : "false";
  }
}

std::string canonical_text(const Value& value) {
  std::string out;
  append_canonical(out, value);
  return out;
}

Json to_json(const Value& value) {
  if (value.is_map()) {
    Json json = Json::object();
    for (const auto& [key, item] : value.map()) json[key] = to_json(item);
    return json;
  }
  if (value.is_list()) {
    Json json = Json::array();
    for (const Value& item : value.list()) json.push_back(to_json(item));
    return json;
  }
  if (value.is_text()) return value.text();
  if (value.is_integer() || (value.is_numeric() && is_integral(value.number()))) {
    return value.integer();
  }
  if (value.is_numeric()) return value.number();
  return value.is_null() ? Json() : Json(value.boolean());
}

}  // namespace turnhalle::tool_api
