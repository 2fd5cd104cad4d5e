#include "envs/tool_api/expr_functions.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/text.h"

namespace turnhalle::tool_api {
namespace {

using Kind = Type::Kind;
using Values = std::span<Value>;

constexpr std::int64_t kRangeMax = 10'000;

Value number_or_fault(Evaluation& evaluation, double value) {
  return std::isfinite(value) ? Value::of(value) : evaluation.fail("the result is not finite");
}

Value built_text(Evaluation& evaluation, std::string text) {
  if (!spend(evaluation, text.size())) return {};
  return Value::text(std::move(text));
}

Value built_list(Evaluation& evaluation, Value::List items) {
  if (!spend(evaluation, items.size() * sizeof(Value))) return {};
  return Value::list(std::move(items));
}

// A double that is a whole number, as an integer.
Value whole(Evaluation& evaluation, double value) {
  if (!(std::abs(value) < 9.2e18)) return evaluation.fail("the number is too large for an int");
  return Value::of(static_cast<std::int64_t>(value));
}

Value run_abs(Evaluation& evaluation, Values a) {
  if (!a[0].is_integer()) return Value::of(std::abs(a[0].number()));
  if (a[0].integer() == INT64_MIN) return evaluation.fail("the result is too large");
  return Value::of(std::abs(a[0].integer()));
}
Value run_min(Evaluation&, Values a) { return less(a[1], a[0]) ? a[1] : a[0]; }
Value run_max(Evaluation&, Values a) { return less(a[0], a[1]) ? a[1] : a[0]; }
Value run_floor(Evaluation& e, Values a) { return whole(e, std::floor(a[0].number())); }
Value run_ceil(Evaluation& e, Values a) { return whole(e, std::ceil(a[0].number())); }
Value run_int(Evaluation& e, Values a) {
  return a[0].is_integer() ? a[0] : whole(e, std::trunc(a[0].number()));
}
Value run_number(Evaluation&, Values a) { return Value::of(a[0].number()); }
Value run_sqrt(Evaluation& e, Values a) { return number_or_fault(e, std::sqrt(a[0].number())); }
Value run_pow(Evaluation& e, Values a) {
  return number_or_fault(e, std::pow(a[0].number(), a[1].number()));
}
Value run_log(Evaluation& e, Values a) {
  const double base = a[1].number();
  if (!(a[0].number() > 0.0) || !(base > 0.0) || base == 1.0) {
    return e.fail("a logarithm needs a positive number and a positive base that is not 1");
  }
  return number_or_fault(e, std::log(a[0].number()) / std::log(base));
}
Value run_round(Evaluation& e, Values a) {
  const double scale = std::pow(10.0, static_cast<double>(std::clamp<std::int64_t>(
                                          a[1].integer(), -12, 12)));
  const double value = a[0].number() * scale;
  return std::isfinite(value) ? Value::of(std::round(value) / scale) : e.fail("too large to round");
}

Value run_str(Evaluation& e, Values a) { return built_text(e, plain_text(a[0])); }
Value run_lower(Evaluation& e, Values a) {
  std::string text = a[0].text();
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return built_text(e, std::move(text));
}
Value run_upper(Evaluation& e, Values a) {
  std::string text = a[0].text();
  for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return built_text(e, std::move(text));
}
Value run_trim(Evaluation& e, Values a) { return built_text(e, std::string(trim(a[0].text()))); }
Value run_starts_with(Evaluation&, Values a) {
  return Value::of(a[0].text().starts_with(a[1].text()));
}
Value run_ends_with(Evaluation&, Values a) { return Value::of(a[0].text().ends_with(a[1].text())); }
Value run_replace(Evaluation& e, Values a) {
  const std::string& from = a[1].text();
  if (from.empty()) return a[0];
  std::string out;
  std::size_t begin = 0;
  for (std::size_t at = a[0].text().find(from); at != std::string::npos;
       at = a[0].text().find(from, begin)) {
    out.append(a[0].text(), begin, at - begin).append(a[2].text());
    begin = at + from.size();
    if (out.size() > static_cast<std::size_t>(kBytesMax)) return e.fail("too much text");
  }
  out.append(a[0].text(), begin);
  return built_text(e, std::move(out));
}
Value run_split(Evaluation& e, Values a) {
  Value::List parts;
  const std::string& separator = a[1].text();
  if (separator.empty()) return e.fail("split needs a separator");
  std::size_t begin = 0;
  for (std::size_t at = a[0].text().find(separator); at != std::string::npos;
       at = a[0].text().find(separator, begin)) {
    parts.push_back(Value::text(a[0].text().substr(begin, at - begin)));
    begin = at + separator.size();
  }
  parts.push_back(Value::text(a[0].text().substr(begin)));
  return spend(e, a[0].text().size()) ? built_list(e, std::move(parts)) : Value();
}
Value run_join(Evaluation& e, Values a) {
  std::string out;
  const Value::List& items = a[0].list();
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += a[1].text();
    out += items[i].text();
    if (out.size() > static_cast<std::size_t>(kBytesMax)) return e.fail("too much text");
  }
  return built_text(e, std::move(out));
}
Value run_fixed(Evaluation& e, Values a) {
  const auto digits = static_cast<int>(std::clamp<std::int64_t>(a[1].integer(), 0, 12));
  if (std::abs(a[0].number()) > 1e15) return e.fail("too large for fixed digits");
  std::array<char, 48> buffer{};
  const int size = std::snprintf(buffer.data(), buffer.size(), "%.*f", digits, a[0].number());
  return built_text(e, std::string(buffer.data(), static_cast<std::size_t>(size)));
}

Value run_len(Evaluation&, Values a) {
  const std::size_t size = a[0].is_list()  ? a[0].list().size()
                           : a[0].is_map() ? a[0].map().size()
                                           : a[0].text().size();
  return Value::of(static_cast<std::int64_t>(size));
}
Value run_keys(Evaluation& e, Values a) {
  Value::List keys;
  for (const auto& entry : a[0].map()) keys.push_back(Value::text(entry.first));
  return built_list(e, std::move(keys));
}
Value run_values(Evaluation& e, Values a) {
  Value::List values;
  for (const auto& entry : a[0].map()) values.push_back(entry.second);
  return built_list(e, std::move(values));
}
Value run_get(Evaluation&, Values a) {
  const Value* found = a[0].find(a[1].text());
  return found != nullptr ? *found : a[2];
}
Value run_merge(Evaluation& e, Values a) {
  Value merged = a[0];
  if (!merged.is_map() || !spend(e, (a[0].map().size() + a[1].map().size()) * 48)) return {};
  for (const auto& [key, value] : a[1].map()) merged.set(key, value);
  return merged;
}
Value run_without(Evaluation& e, Values a) {
  Value rest = a[0];
  if (!rest.is_map() || !spend(e, a[0].map().size() * 48)) return {};
  rest.erase(a[1].text());
  return rest;
}
Value run_range(Evaluation& e, Values a) {
  const std::int64_t low = a[0].integer();
  const std::int64_t high = a[1].integer();
  Value::List items;
  if (high > low) {
    if (low < -kRangeMax * kRangeMax || high > kRangeMax * kRangeMax || high - low > kRangeMax) {
      return e.fail("a range has at most " + std::to_string(kRangeMax) + " items");
    }
    for (std::int64_t i = low; i < high; ++i) items.push_back(Value::of(i));
  }
  return built_list(e, std::move(items));
}
Value run_slice(Evaluation& e, Values a) {
  const auto size = static_cast<std::int64_t>(
      a[0].is_text() ? a[0].text().size() : a[0].list().size());
  const std::int64_t low = std::clamp<std::int64_t>(a[1].integer(), 0, size);
  const std::int64_t high = std::clamp<std::int64_t>(a[2].integer(), low, size);
  if (a[0].is_text()) {
    return built_text(e, to_utf8(a[0].text().substr(static_cast<std::size_t>(low),
                                                    static_cast<std::size_t>(high - low))));
  }
  const Value::List& items = a[0].list();
  return built_list(e, Value::List(items.begin() + low, items.begin() + high));
}
Value run_reverse(Evaluation& e, Values a) {
  return built_list(e, Value::List(a[0].list().rbegin(), a[0].list().rend()));
}
Value run_sort(Evaluation& e, Values a) {
  Value::List items = a[0].list();
  std::stable_sort(items.begin(), items.end(), less);
  return built_list(e, std::move(items));
}
Value run_unique(Evaluation& e, Values a) {
  Value::List items = a[0].list();
  std::stable_sort(items.begin(), items.end(), less);
  items.erase(std::unique(items.begin(), items.end(), equal), items.end());
  return built_list(e, std::move(items));
}
Value run_flatten(Evaluation& e, Values a) {
  Value::List items;
  for (const Value& inner : a[0].list()) {
    items.insert(items.end(), inner.list().begin(), inner.list().end());
    if (!spend(e, inner.list().size() * sizeof(Value))) return {};
  }
  return Value::list(std::move(items));
}
Value run_index_of(Evaluation&, Values a) {
  const Value::List& items = a[0].list();
  const auto found = std::find_if(items.begin(), items.end(),
                                  [&](const Value& item) { return equal(item, a[1]); });
  return Value::of(static_cast<std::int64_t>(found == items.end() ? -1 : found - items.begin()));
}
Value run_last(Evaluation& e, Values a) {
  return a[0].list().empty() ? e.fail("an empty list has no last element") : a[0].list().back();
}
Value run_smallest(Evaluation& e, Values a) {
  const Value::List& items = a[0].list();
  if (items.empty()) return e.fail("an empty list has no smallest element");
  return *std::min_element(items.begin(), items.end(), less);
}
Value run_largest(Evaluation& e, Values a) {
  const Value::List& items = a[0].list();
  if (items.empty()) return e.fail("an empty list has no largest element");
  return *std::max_element(items.begin(), items.end(), less);
}
Value run_total(Evaluation& e, Values a) {
  Value total = Value::of(std::int64_t{0});
  for (const Value& item : a[0].list()) total = add_numbers(e, total, item);
  return total;
}
Value run_value(Evaluation& e, Values a) {
  return a[0].is_null() ? e.fail("there is no value") : a[0];
}

constexpr std::array kFunctions = {
    FunctionInfo{"abs", "n", '0', run_abs},
    FunctionInfo{"ceil", "n", 'i', run_ceil},
    FunctionInfo{"ends_with", "ss", 'b', run_ends_with},
    FunctionInfo{"fixed", "ni", 's', run_fixed},
    FunctionInfo{"flatten", "l", 'h', run_flatten},
    FunctionInfo{"floor", "n", 'i', run_floor},
    FunctionInfo{"get", "msa", 'e', run_get},
    FunctionInfo{"index_of", "la", 'i', run_index_of},
    FunctionInfo{"int", "n", 'i', run_int},
    FunctionInfo{"join", "ts", 's', run_join},
    FunctionInfo{"keys", "m", 't', run_keys},
    FunctionInfo{"largest", "l", 'e', run_largest},
    FunctionInfo{"last", "l", 'e', run_last},
    FunctionInfo{"len", "x", 'i', run_len},
    FunctionInfo{"log", "nn", 'n', run_log},
    FunctionInfo{"lower", "s", 's', run_lower},
    FunctionInfo{"max", "nn", 'j', run_max},
    FunctionInfo{"merge", "mm", '0', run_merge},
    FunctionInfo{"min", "nn", 'j', run_min},
    FunctionInfo{"number", "n", 'n', run_number},
    FunctionInfo{"pow", "nn", 'n', run_pow},
    FunctionInfo{"range", "ii", 'z', run_range},
    FunctionInfo{"replace", "sss", 's', run_replace},
    FunctionInfo{"reverse", "l", '0', run_reverse},
    FunctionInfo{"round", "ni", 'n', run_round},
    FunctionInfo{"slice", "yii", '0', run_slice},
    FunctionInfo{"smallest", "l", 'e', run_smallest},
    FunctionInfo{"sort", "l", '0', run_sort},
    FunctionInfo{"split", "ss", 't', run_split},
    FunctionInfo{"sqrt", "n", 'n', run_sqrt},
    FunctionInfo{"starts_with", "ss", 'b', run_starts_with},
    FunctionInfo{"str", "a", 's', run_str},
    FunctionInfo{"total", "d", 'u', run_total},
    FunctionInfo{"trim", "s", 's', run_trim},
    FunctionInfo{"unique", "l", '0', run_unique},
    FunctionInfo{"upper", "s", 's', run_upper},
    FunctionInfo{"value", "o", 'r', run_value},
    FunctionInfo{"values", "m", 'l', run_values},
    FunctionInfo{"without", "ms", '0', run_without}};

constexpr std::array<std::string_view, 8> kBodyFunctions = {"filter", "map",   "any", "all",
                                                            "count",  "first", "sum", "sort_by"};

std::string_view words_of(char code) {
  switch (code) {
    case 'i':
      return "an int";
    case 'n':
      return "a number";
    case 's':
      return "a string";
    case 'b':
      return "a bool";
    case 'l':
      return "a list";
    case 'm':
      return "a map or a record";
    case 't':
      return "a list of strings";
    case 'd':
      return "a list of numbers";
    case 'x':
      return "a list, a map or a string";
    case 'y':
      return "a list or a string";
    default:
      return "a value";
  }
}

bool fits(char code, const Type& type) {
  if (code == 'a' || code == 'o') return true;
  if (type.optional) return false;
  const bool list = type.kind == Kind::list;
  const bool map = type.kind == Kind::map || type.kind == Kind::record;
  switch (code) {
    case 'i':
      return type.kind == Kind::integer;
    case 'n':
      return type.is_numeric();
    case 's':
      return type.kind == Kind::string;
    case 'b':
      return type.kind == Kind::boolean;
    case 'l':
      return list;
    case 'm':
      return map;
    case 't':
      return list && assignable(*type.element, *type_of(Kind::string));
    case 'd':
      return list && assignable(*type.element, *type_of(Kind::number));
    case 'y':
      return list || type.kind == Kind::string;
    default:
      return list || map || type.kind == Kind::string;
  }
}

// Of a list or map its element; of a record the least type of its fields.
TypeRef element_of(const Type& type) {
  if (type.kind != Kind::record) return type.element;
  TypeRef element = type_of(Kind::never);
  for (const auto& field : type.fields) element = join(element, field.second);
  return element;
}

TypeRef type_of_result(char code, std::span<const TypeRef> arguments) {
  switch (code) {
    case 'i':
      return type_of(Kind::integer);
    case 'n':
      return type_of(Kind::number);
    case 's':
      return type_of(Kind::string);
    case 'b':
      return type_of(Kind::boolean);
    case 't':
      return list_of(type_of(Kind::string));
    case 'z':
      return list_of(type_of(Kind::integer));
    case 'e':
      return element_of(*arguments[0]);
    case 'u':
      return join(type_of(Kind::integer), element_of(*arguments[0]));
    case 'l':
      return list_of(element_of(*arguments[0]));
    case 'r':
      return required_of(arguments[0]);
    case 'j':
      return join(arguments[0], arguments[1]);
    case 'h':
      return arguments[0]->element;
    default:
      return arguments[0];
  }
}

// What letters cannot say.
std::string further_demand(const FunctionInfo& info, std::span<const TypeRef> arguments) {
  const Type& first = *arguments[0];
  if (info.name == "flatten" && first.element->kind != Kind::list) return "a list of lists";
  if (info.name == "get" && !assignable(*arguments[2], *element_of(first))) {
    return "a default of type " + name_of(*element_of(first));
  }
  if (info.name == "merge" && !assignable(*arguments[1], first)) {
    if (first.kind != Kind::record) return "a map of the same type";
    for (const auto& [name, type] : arguments[1]->fields) {
      const Type::Field* field = first.field(name);
      if (field == nullptr || !assignable(*type, *field->second)) {
        return "fields of " + name_of(first) + " (not " + in_quotes(name) + ")";
      }
    }
    return arguments[1]->kind == Kind::record ? "" : "a record with some of the fields";
  }
  if (info.name == "without" && first.kind == Kind::record) return "a map";
  return "";
}

}  // namespace

std::span<const FunctionInfo> functions() { return kFunctions; }

std::optional<BodyFunction> body_function(std::string_view name) {
  const auto* found = std::find(kBodyFunctions.begin(), kBodyFunctions.end(), name);
  if (found == kBodyFunctions.end()) return std::nullopt;
  return static_cast<BodyFunction>(found - kBodyFunctions.begin());
}

std::span<const std::string_view> body_function_names() { return kBodyFunctions; }

bool spend(Evaluation& evaluation, std::size_t bytes) {
  evaluation.bytes -= static_cast<std::int64_t>(std::min<std::size_t>(bytes, kBytesMax + 1));
  if (evaluation.bytes >= 0) return true;
  evaluation.fail("too much data was built");
  return false;
}

Value add_numbers(Evaluation& evaluation, const Value& a, const Value& b) {
  if (a.is_integer() && b.is_integer()) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(a.integer(), b.integer(), &sum)) {
      return evaluation.fail("the result is too large");
    }
    return Value::of(sum);
  }
  return number_or_fault(evaluation, a.number() + b.number());
}

Result<TypeRef> result_type(const FunctionInfo& info, std::span<const TypeRef> arguments) {
  if (arguments.size() != info.arguments.size()) {
    return Error{"", std::string(info.name) + " with " + std::to_string(info.arguments.size()) +
                         " arguments, not " + std::to_string(arguments.size())};
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!fits(info.arguments[i], *arguments[i])) {
      return Error{"", std::string(words_of(info.arguments[i])) + " as argument " +
                           std::to_string(i + 1) + " of " + std::string(info.name) + ", not " +
                           name_of(*arguments[i])};
    }
  }
  if (std::string demand = further_demand(info, arguments); !demand.empty()) {
    return Error{"", std::string(info.name) + " with " + demand};
  }
  return type_of_result(info.result, arguments);
}

}  // namespace turnhalle::tool_api
