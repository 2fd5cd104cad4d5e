#include "envs/tool_api/expr_operators.h"

#include <cmath>
namespace turnhalle::tool_api {
namespace {

using Kind = Type::Kind;

Value finite(Evaluation& evaluation, double value) {
  return std::isfinite(value) ? Value::of(value) : evaluation.fail("the result is not finite");
}

Value concatenate(Evaluation& evaluation, const Value& a, const Value& b) {
  if (a.is_text()) {
    if (!spend(evaluation, a.text().size() + b.text().size())) return {};
    return Value::text(a.text() + b.text());
  }
  if (!spend(evaluation, (a.list().size() + b.list().size()) * sizeof(Value))) return {};
  Value::List items = a.list();
  items.insert(items.end(), b.list().begin(), b.list().end());
  return Value::list(std::move(items));
}

Value divide(Evaluation& evaluation, const Value& a, const Value& b) {
  if (b.number() == 0.0) return evaluation.fail("a division by zero");
  return finite(evaluation, a.number() / b.number());
}

// Quotient or remainder that belongs to the floor of a / b.
Value floor_division(bool remainder, Evaluation& evaluation, const Value& a, const Value& b) {
  if (b.number() == 0.0) return evaluation.fail("a division by zero");
  if (!a.is_integer() || !b.is_integer()) {
    const double quotient = std::floor(a.number() / b.number());
    return finite(evaluation, remainder ? a.number() - quotient * b.number() : quotient);
  }
  if (b.integer() == -1) {
    if (remainder) return Value::of(std::int64_t{0});
    if (a.integer() == INT64_MIN) return evaluation.fail("the result is too large");
    return Value::of(-a.integer());
  }
  const std::int64_t rest = a.integer() % b.integer();
  const bool below = rest != 0 && (rest < 0) != (b.integer() < 0);
  if (remainder) return Value::of(below ? rest + b.integer() : rest);
  return Value::of(a.integer() / b.integer() - static_cast<std::int64_t>(below));
}

Value multiply_or_subtract(char symbol, Evaluation& evaluation, const Value& a, const Value& b) {
  const bool times = symbol == '*';
  if (a.is_integer() && b.is_integer()) {
    std::int64_t result = 0;
    const bool too_large = times ? __builtin_mul_overflow(a.integer(), b.integer(), &result)
                                 : __builtin_sub_overflow(a.integer(), b.integer(), &result);
    return too_large ? evaluation.fail("the result is too large") : Value::of(result);
  }
  return finite(evaluation, times ? a.number() * b.number() : a.number() - b.number());
}

}  // namespace

bool comparable(Comparison comparison, const Type& a, const Type& b) {
  if (comparison == Comparison::equal || comparison == Comparison::not_equal) {
    return a.kind == Kind::null || b.kind == Kind::null || assignable(a, b) || assignable(b, a) ||
           (a.kind == b.kind && a.element == nullptr && a.kind != Kind::record);
  }
  if (a.optional || b.optional) return false;
  return (a.is_numeric() && b.is_numeric()) ||
         (a.kind == Kind::string && b.kind == Kind::string);
}

bool holds(Comparison comparison, const Value& a, const Value& b) {
  switch (comparison) {
    case Comparison::equal:
      return equal(a, b);
    case Comparison::not_equal:
      return !equal(a, b);
    case Comparison::less:
      return less(a, b);
    case Comparison::greater:
      return less(b, a);
    case Comparison::less_equal:
      return !less(b, a);
    default:
      return !less(a, b);
  }
}

bool can_contain(const Type& whole, const Type& item) {
  if (whole.optional) return false;
  if (whole.kind == Kind::list) {
    return assignable(item, *whole.element) || assignable(*whole.element, item);
  }
  const bool text = item.kind == Kind::string && !item.optional;
  return text && (whole.kind == Kind::map || whole.kind == Kind::record ||
                  whole.kind == Kind::string);
}

Result<TypeRef> body_type(BodyFunction function, const TypeRef& element, const TypeRef& body) {
  const bool free = function == BodyFunction::map || function == BodyFunction::sort_by;
  const Kind wanted = function == BodyFunction::sum ? Kind::number : Kind::boolean;
  if (!free && !assignable(*body, *type_of(wanted))) {
    return Error{"", "a body of type " + name_of(*type_of(wanted)) + ", not " + name_of(*body)};
  }
  switch (function) {
    case BodyFunction::map:
      return list_of(body);
    case BodyFunction::sum:
      return body->kind == Kind::never ? type_of(Kind::integer) : body;
    case BodyFunction::sort_by:
    case BodyFunction::filter:
      return list_of(element);
    case BodyFunction::first:
      return optional_of(element);
    case BodyFunction::count:
      return type_of(Kind::integer);
    default:
      return type_of(Kind::boolean);
  }
}

TypeRef arithmetic_type(char symbol, const TypeRef& a, const TypeRef& b) {
  if (a->optional || b->optional) return nullptr;
  if (symbol == '+') {
    if (a->kind == Kind::string && b->kind == Kind::string) return a;
    if (a->kind == Kind::list && b->kind == Kind::list) return join(a, b);
  }
  const bool numbers = (a->is_numeric() || a->kind == Kind::never) &&
                       (b->is_numeric() || b->kind == Kind::never);
  if (!numbers) return nullptr;
  if (symbol == '/') return type_of(Kind::number);
  return join(a, b);
}

Value calculate(char symbol, Evaluation& evaluation, const Value& a, const Value& b) {
  if (symbol == '+') {
    if (a.is_text() || a.is_list()) return concatenate(evaluation, a, b);
    return add_numbers(evaluation, a, b);
  }
  switch (symbol) {
    case '/':
      return divide(evaluation, a, b);
    case '|':
      return floor_division(false, evaluation, a, b);
    case '%':
      return floor_division(true, evaluation, a, b);
    default:
      return multiply_or_subtract(symbol, evaluation, a, b);
  }
}

}  // namespace turnhalle::tool_api
