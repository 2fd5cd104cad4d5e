#include "envs/user_gyms/function_rule.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace turnhalle::user_gyms {
namespace {

std::optional<double> apply(Operation operation, std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return std::nullopt;
  switch (operation) {
    case Operation::add:
      return *a + *b;
    case Operation::subtract:
      return *a - *b;
    case Operation::multiply:
      return *a * *b;
    case Operation::divide:
      // Sums and products of decimal inputs may miss zero by their rounding.
      return std::abs(*b) < 1e-12 ? std::nullopt : std::optional<double>(*a / *b);
    case Operation::maximum:
      return std::max(*a, *b);
    case Operation::minimum:
      return std::min(*a, *b);
  }
  return std::nullopt;
}

std::string text_of(Operation operation, const std::string& a, const std::string& b) {
  switch (operation) {
    case Operation::maximum:
      return "max(" + a + "," + b + ")";
    case Operation::minimum:
      return "min(" + a + "," + b + ")";
    default:
      break;
  }
  constexpr std::string_view kSigns = "+-*/";
  return a + kSigns[static_cast<std::size_t>(operation)] + b;
}

bool order_matters(Operation operation) {
  return operation == Operation::subtract || operation == Operation::divide;
}

void append_pairs(std::vector<Rule>& rules, Operation operation) {
  for (std::uint8_t a = 0; a < 4; ++a) {
    for (std::uint8_t b = 0; b < 4; ++b) {
      if (a == b || (a > b && !order_matters(operation))) continue;
      Rule rule;
      rule.inputs = {a, b, 0, 0};
      rule.operations = {operation, Operation::add, Operation::add};
      rules.push_back(rule);
    }
  }
}

// All operations on one order of the inputs.
void append_arithmetic(std::vector<Rule>& rules, const std::array<std::uint8_t, 4>& inputs) {
  for (unsigned code = 0; code < 64; ++code) {
    Rule rule;
    rule.count = 4;
    rule.inputs = inputs;
    rule.operations = {static_cast<Operation>(code & 3U), static_cast<Operation>(code >> 2 & 3U),
                       static_cast<Operation>(code >> 4)};
    for (const bool chain : {true, false}) {
      rule.chain = chain;
      rules.push_back(rule);
    }
  }
}

}  // namespace

std::optional<double> value_of(const Rule& rule, const Inputs& inputs) {
  const auto at = [&](std::size_t place) {
    return std::optional<double>(inputs[rule.inputs[place]]);
  };
  const auto [first, second, third] = rule.operations;
  const std::optional<double> head = apply(first, at(0), at(1));
  if (rule.count == 2) return head;
  if (rule.chain) return apply(third, apply(second, head, at(2)), at(3));
  return apply(third, head, apply(second, at(2), at(3)));
}

std::string text_of(const Rule& rule) {
  const auto at = [&](std::size_t place) {
    return std::string(1, static_cast<char>('a' + rule.inputs[place]));
  };
  const auto [first, second, third] = rule.operations;
  const std::string head = text_of(first, at(0), at(1));
  if (rule.count == 2) return head;
  if (rule.chain) {
    return text_of(third, "(" + text_of(second, "(" + head + ")", at(2)) + ")", at(3));
  }
  return text_of(third, "(" + head + ")", "(" + text_of(second, at(2), at(3)) + ")");
}

double rounded(double value) { return std::round(value * 1e4) / 1e4 + 0.0; }

const std::vector<Rule>& pair_rules() {
  static const std::vector<Rule> kRules = [] {
    std::vector<Rule> rules;
    for (const Operation operation : {Operation::add, Operation::subtract, Operation::multiply,
                                      Operation::maximum, Operation::minimum}) {
      append_pairs(rules, operation);
    }
    return rules;
  }();
  return kRules;
}

const std::vector<Rule>& arithmetic_rules() {
  static const std::vector<Rule> kRules = [] {
    std::vector<Rule> rules;
    std::array<std::uint8_t, 4> order = {0, 1, 2, 3};
    do {
      append_arithmetic(rules, order);
    } while (std::next_permutation(order.begin(), order.end()));
    return rules;
  }();
  return kRules;
}

}  // namespace turnhalle::user_gyms
