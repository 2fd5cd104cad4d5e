// Types of tool APIs: what a state's fields, parameters and expressions may hold.
//
//   "bool" "int" "number" "string" "any"      an int is a number
//   "list<T>" "map<T>"                        a map's keys are strings
//   {"id": "string", "tags": "list<string>"}  a record: exactly these fields
//   "Order"                                   a name out of the API's "types"
//   "T?"                                      T or null
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "envs/tool_api/value.h"

namespace turnhalle::tool_api {

struct Type;
using TypeRef = std::shared_ptr<const Type>;

struct Type {
  enum class Kind : std::uint8_t {
    never,  ///< of the elements of []
    any,
    null,
    boolean,
    integer,
    number,
    string,
    list,
    map,
    record
  };
  using Field = std::pair<std::string, TypeRef>;

  Kind kind = Kind::any;
  bool optional = false;             ///< or null
  TypeRef element = nullptr;         ///< of a list or a map
  std::vector<Field> fields = {};    ///< of a record, sorted by name

  /// Place and type of a record's field; null when there is none.
  const Field* field(std::string_view name) const;
  bool is_numeric() const { return kind == Kind::integer || kind == Kind::number; }
};

TypeRef type_of(Type::Kind kind);
TypeRef list_of(TypeRef element);
TypeRef map_of(TypeRef element);
TypeRef record_of(std::vector<Type::Field> fields);
TypeRef optional_of(const TypeRef& type);
/// The type without "or null".
TypeRef required_of(const TypeRef& type);

/// Reads a type; `named` is the API's object "types" (null: there are none). The error's message
/// says what was expected.
Result<TypeRef> parse_type(const Json& json, const Json& named);
/// As it is written, records in braces.
std::string name_of(const Type& type);

/// Whether each value of `from` is one of `to`.
bool assignable(const Type& from, const Type& to);
/// The least type that both fit in; "any" if nothing smaller does.
TypeRef join(const TypeRef& a, const TypeRef& b);
/// The type of data that is written in an API: constants, initial states.
TypeRef infer(const Value& value);
/// Whether the value is of the type. `where` then names the first part that is not.
bool conforms(const Value& value, const Type& type, std::string& where);

}  // namespace turnhalle::tool_api
