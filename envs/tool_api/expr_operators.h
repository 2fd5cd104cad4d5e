// The operators of the expression language, with their types.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "envs/tool_api/expr.h"
#include "envs/tool_api/expr_functions.h"

namespace turnhalle::tool_api {

enum class Comparison : std::uint8_t {
  equal,
  not_equal,
  less_equal,
  greater_equal,
  less,
  greater
};
/// As they are written; longer symbols before their beginnings.
inline constexpr std::array<std::string_view, 6> kComparisons = {"==", "!=", "<=", ">=", "<", ">"};

/// Whether values of the two types can be compared so.
bool comparable(Comparison comparison, const Type& a, const Type& b);
bool holds(Comparison comparison, const Value& a, const Value& b);

/// Whether `item in whole` has a meaning.
bool can_contain(const Type& whole, const Type& item);
/// The result of a function whose body has the type `body`; an error says what that must be.
Result<TypeRef> body_type(BodyFunction function, const TypeRef& element, const TypeRef& body);

/// `symbol` is one of + - * / % and | (the floor division //). Null when the types do not fit.
TypeRef arithmetic_type(char symbol, const TypeRef& a, const TypeRef& b);
Value calculate(char symbol, Evaluation& evaluation, const Value& a, const Value& b);

}  // namespace turnhalle::tool_api
