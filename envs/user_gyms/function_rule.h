// The hidden rules of function_gym: arithmetic of four numbers a, b, c, d.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace turnhalle::user_gyms {

using Inputs = std::array<double, 4>;

enum class Operation : std::uint8_t { add, subtract, multiply, divide, maximum, minimum };

/// Operations on the inputs, each used once and in this order:
///     count 2:          p o q
///     count 4, chain:   ((p o q) o r) o s
///     count 4, tree:    (p o q) o (r o s), the operation between them being the last
struct Rule {
  std::uint8_t count = 2;
  bool chain = true;
  std::array<std::uint8_t, 4> inputs{};  ///< 0 to 3: a to d
  std::array<Operation, 3> operations{};
};

/// No value where something is divided by zero.
std::optional<double> value_of(const Rule& rule, const Inputs& inputs);
/// "a+b", "max(a,b)", "((a+b)*c)/d".
std::string text_of(const Rule& rule);
/// What the user says: at most four digits behind the point, no negative zero.
double rounded(double value);

/// Every rule of one operation on two of the inputs, by +, −, ×, max or min; a rule that only
/// differs by the order of its inputs is there once.
const std::vector<Rule>& pair_rules();
/// Every rule of three operations on all inputs, by +, −, × or ÷; some are equal as functions.
const std::vector<Rule>& arithmetic_rules();

}  // namespace turnhalle::user_gyms
