#include "envs/tool_api/type.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace turnhalle::tool_api {
namespace {

using Kind = Type::Kind;

constexpr int kNestingMax = 16;

constexpr std::array<std::pair<std::string_view, Kind>, 7> kNames = {
    std::pair<std::string_view, Kind>{"any", Kind::any}, {"bool", Kind::boolean},
    {"int", Kind::integer}, {"number", Kind::number}, {"string", Kind::string},
    {"null", Kind::null}, {"never", Kind::never}};

class TypeReader {
 public:
  explicit TypeReader(const Json& named) : named_(named) {}

  Result<TypeRef> read(const Json& json, int depth) {
    if (depth > kNestingMax) {
      return Error{"", "types nested at most " + std::to_string(kNestingMax) +
                           " deep, and none that holds itself"};
    }
    if (json.is_string()) return read_text(json.get_ref<const std::string&>(), depth);
    if (json.is_object()) return read_record(json, depth);
    return Error{"", "a type: a name or an object of fields"};
  }

 private:
  Result<TypeRef> read_record(const Json& json, int depth) {
    std::vector<Type::Field> fields;
    for (const auto& [name, type] : json.items()) {
      Result<TypeRef> field = read(type, depth + 1);
      if (!field) {
        return field.error();
      }
      fields.emplace_back(name, *field);
    }
    return record_of(std::move(fields));
  }

  Result<TypeRef> read_text(std::string_view text, int depth) {
    if (text.ends_with("?")) {
      Result<TypeRef> inner = read_text(text.substr(0, text.size() - 1), depth + 1);
      if (!inner) {
        return inner.error();
      }
      return optional_of(*inner);
    }
    for (const std::string_view open : {"list<", "map<"}) {
      if (!text.starts_with(open) || !text.ends_with(">")) continue;
      Result<TypeRef> element =
          read(std::string(text.substr(open.size(), text.size() - open.size() - 1)), depth + 1);
      if (!element) {
        return element.error();
      }
      return open == "list<" ? list_of(*element) : map_of(*element);
    }
    for (const auto& [name, kind] : kNames) {
      if (name == text && kind != Kind::never && kind != Kind::null) return type_of(kind);
    }
    if (named_.is_object() && named_.contains(text)) {
      return read(*named_.find(text), depth + 1);
    }
    return unknown(text);
  }

  Error unknown(std::string_view text) const {
    std::vector<std::string> known = {"any", "bool", "int", "list", "map", "number", "string"};
    if (named_.is_object()) {
      for (const auto& [name, type] : named_.items()) known.push_back(name);
    }
    return Error{"", "a type (" + join_names(known) + "), not " + in_quotes(text) +
                         did_you_mean(text, known)};
  }

  static std::string join_names(const std::vector<std::string>& names) {
    return turnhalle::join(names, ", ");
  }

  const Json& named_;
};

bool records_assignable(const Type& from, const Type& to) {
  if (from.fields.size() != to.fields.size()) return false;
  for (std::size_t i = 0; i < from.fields.size(); ++i) {
    if (from.fields[i].first != to.fields[i].first ||
        !assignable(*from.fields[i].second, *to.fields[i].second)) {
      return false;
    }
  }
  return true;
}

bool lists_conform(const Value& value, const Type& type, std::string& where) {
  for (std::size_t i = 0; i < value.list().size(); ++i) {
    if (!conforms(value.list()[i], *type.element, where)) {
      where = "/" + std::to_string(i) + where;
      return false;
    }
  }
  return true;
}

bool maps_conform(const Value& value, const Type& type, std::string& where) {
  for (const auto& [key, item] : value.map()) {
    const Type::Field* field = type.kind == Kind::record ? type.field(key) : nullptr;
    if (type.kind == Kind::record && field == nullptr) {
      where = "/" + key + ": no such field";
      return false;
    }
    if (!conforms(item, field != nullptr ? *field->second : *type.element, where)) {
      where = "/" + key + where;
      return false;
    }
  }
  if (type.kind == Kind::map || value.map().size() == type.fields.size()) return true;
  for (const auto& [name, field] : type.fields) {
    if (value.find(name) == nullptr) {
      where = "/" + name + ": missing";
      return false;
    }
  }
  return false;
}

}  // namespace

const Type::Field* Type::field(std::string_view name) const {
  const auto place = std::lower_bound(
      fields.begin(), fields.end(), name,
      [](const Field& entry, std::string_view wanted) { return entry.first < wanted; });
  return place != fields.end() && place->first == name ? &*place : nullptr;
}

TypeRef type_of(Kind kind) {
  Type type;
  type.kind = kind;
  return std::make_shared<const Type>(std::move(type));
}

TypeRef list_of(TypeRef element) {
  Type type;
  type.kind = Kind::list;
  type.element = std::move(element);
  return std::make_shared<const Type>(std::move(type));
}

TypeRef map_of(TypeRef element) {
  Type type;
  type.kind = Kind::map;
  type.element = std::move(element);
  return std::make_shared<const Type>(std::move(type));
}

TypeRef record_of(std::vector<Type::Field> fields) {
  Type type;
  type.kind = Kind::record;
  std::sort(fields.begin(), fields.end(),
            [](const Type::Field& a, const Type::Field& b) { return a.first < b.first; });
  type.fields = std::move(fields);
  return std::make_shared<const Type>(std::move(type));
}

TypeRef optional_of(const TypeRef& type) {
  if (type->optional || type->kind == Kind::any || type->kind == Kind::null) return type;
  Type copy = *type;
  copy.optional = true;
  return std::make_shared<const Type>(std::move(copy));
}

TypeRef required_of(const TypeRef& type) {
  if (!type->optional) return type;
  Type copy = *type;
  copy.optional = false;
  return std::make_shared<const Type>(std::move(copy));
}

Result<TypeRef> parse_type(const Json& json, const Json& named) {
  return TypeReader(named).read(json, 0);
}

std::string name_of(const Type& type) {
  std::string name;
  if (type.kind == Kind::list || type.kind == Kind::map) {
    name = (type.kind == Kind::list ? "list<" : "map<") + name_of(*type.element) + ">";
  } else if (type.kind == Kind::record) {
    for (const auto& [field, of] : type.fields) {
      name += (name.empty() ? "{" : ", ") + field + ": " + name_of(*of);
    }
    name = shortened(name.empty() ? "{" : name, 120) + "}";
  } else {
    for (const auto& [word, kind] : kNames) {
      if (kind == type.kind) name = word;
    }
  }
  return type.optional ? name + "?" : name;
}

bool assignable(const Type& from, const Type& to) {
  if (to.kind == Kind::any || from.kind == Kind::never) return true;
  if (from.kind == Kind::null) return to.optional || to.kind == Kind::null;
  if (from.optional && !to.optional) return false;
  if (from.kind == Kind::integer && to.kind == Kind::number) return true;
  if (from.kind == Kind::record && to.kind == Kind::map) {
    return std::all_of(from.fields.begin(), from.fields.end(), [&](const Type::Field& field) {
      return assignable(*field.second, *to.element);
    });
  }
  if (from.kind != to.kind) return false;
  if (from.kind == Kind::record) return records_assignable(from, to);
  return from.element == nullptr || assignable(*from.element, *to.element);
}

TypeRef join(const TypeRef& a, const TypeRef& b) {
  if (assignable(*a, *b)) return b;
  if (assignable(*b, *a)) return a;
  if (a->kind == Kind::null) return optional_of(b);
  if (b->kind == Kind::null) return optional_of(a);
  if (a->optional || b->optional) {
    const TypeRef inner = join(required_of(a), required_of(b));
    return optional_of(inner);
  }
  if (a->kind == b->kind && (a->kind == Kind::list || a->kind == Kind::map)) {
    const TypeRef element = join(a->element, b->element);
    return a->kind == Kind::list ? list_of(element) : map_of(element);
  }
  return type_of(Kind::any);
}

TypeRef infer(const Value& value) {
  if (value.is_boolean()) return type_of(Kind::boolean);
  if (value.is_integer()) return type_of(Kind::integer);
  if (value.is_numeric()) return type_of(Kind::number);
  if (value.is_text()) return type_of(Kind::string);
  if (value.is_list()) {
    TypeRef element = type_of(Kind::never);
    for (const Value& item : value.list()) element = join(element, infer(item));
    return list_of(element);
  }
  if (value.is_map()) {
    std::vector<Type::Field> fields;
    for (const auto& [key, item] : value.map()) fields.emplace_back(key, infer(item));
    return record_of(std::move(fields));
  }
  return type_of(Kind::null);
}

bool conforms(const Value& value, const Type& type, std::string& where) {
  if (type.kind == Kind::any || (value.is_null() && (type.optional || type.kind == Kind::null))) {
    return true;
  }
  switch (type.kind) {
    case Kind::list:
      if (value.is_list()) return lists_conform(value, type, where);
      break;
    case Kind::map:
    case Kind::record:
      if (value.is_map()) return maps_conform(value, type, where);
      break;
    case Kind::boolean:
      if (value.is_boolean()) return true;
      break;
    case Kind::integer:
      if (value.is_integer()) return true;
      break;
    case Kind::number:
      if (value.is_numeric()) return true;
      break;
    case Kind::string:
      if (value.is_text()) return true;
      break;
    default:
      break;
  }
  where = ": expected " + name_of(type);
  return false;
}

}  // namespace turnhalle::tool_api
