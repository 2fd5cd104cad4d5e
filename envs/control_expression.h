// The feedback expressions of optimal_control: a small total language, Python in its looks.
//
//   values        numbers, x v t x_target v_target horizon remaining_steps
//   operators     + - * / **  < <= > >= == !=  and or not  A if C else B  ( )
//   functions     abs(a) min(a, b, …) max(a, b, …) pow(a, b) clip(a, low, high)
//                 ifelse(c, a, b) lt(a, b) le gt ge eq ne
//
// Comparisons give 1 or 0 and chain as in Python; 0 is false. `and`, `or` and `if` evaluate only
// what they need, functions all their arguments.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace turnhalle::control {

/// The longest expression that is read, in bytes, and how deep it may be nested.
inline constexpr std::size_t kExpressionBytesMax = 2000;
inline constexpr int kNestingMax = 64;

/// x, v, t, x_target, v_target, horizon, remaining_steps.
using Variables = std::array<double, 7>;

class Expression {
 public:
  /// The error's message says what was expected, and where.
  static Result<Expression> parse(std::string_view text);
  /// False when a division or power has no finite value; `value` is then unspecified.
  bool evaluate(const Variables& variables, double& value) const;

  /// What a node does with its arguments.
  enum class Operation : std::uint8_t {
    number,
    variable,
    add,
    subtract,
    multiply,
    divide,
    power,
    negate,
    less,
    less_equal,
    greater,
    greater_equal,
    equal,
    not_equal,
    logical_and,
    logical_or,
    logical_not,
    choose_lazily,
    choose,
    absolute,
    minimum,
    maximum,
    clip
  };
  struct Node {
    Operation operation = Operation::number;
    double value = 0.0;                  ///< of a number; the place of a variable
    std::vector<std::size_t> arguments;  ///< earlier nodes
  };

 private:
  friend class ExpressionParser;
  bool evaluate(std::size_t node, const Variables& variables, double& value) const;
  std::vector<Node> nodes_;  // the last one is the whole
};

}  // namespace turnhalle::control
