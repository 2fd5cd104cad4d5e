// The functions of the expression language, with their types.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "envs/tool_api/expr.h"

namespace turnhalle::tool_api {

/// What a function takes and gives, one letter for each argument:
///   i int  n number  s string  b bool  a any  l list  m map or record  t list of strings
///   d list of numbers  x list, map or string  o optional
/// and for the result beside i n s b a t:
///   0 as the first argument  e its element  u its element or an int  l list of its element
///   r the first without "or null"  j the least type of the first two  h the inner list of lists
///   z list of ints
struct FunctionInfo {
  std::string_view name;
  std::string_view arguments;
  char result;
  Value (*run)(Evaluation& evaluation, std::span<Value> arguments);
};

std::span<const FunctionInfo> functions();

/// Functions with a body that runs for each element: filter, map, any, …
enum class BodyFunction : std::uint8_t { filter, map, any, all, count, first, sum, sort_by };
std::optional<BodyFunction> body_function(std::string_view name);
std::span<const std::string_view> body_function_names();

/// Spends what a value of that size costs. False, with a fault, when too much was built.
bool spend(Evaluation& evaluation, std::size_t bytes);
/// Sum of two numbers, exact for integers.
Value add_numbers(Evaluation& evaluation, const Value& a, const Value& b);

/// The result's type; an error names the argument that does not fit.
Result<TypeRef> result_type(const FunctionInfo& info, std::span<const TypeRef> arguments);

}  // namespace turnhalle::tool_api
