#include "envs/control_expression.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "core/text.h"

namespace turnhalle::control {
namespace {

using Operation = Expression::Operation;

constexpr std::array<std::string_view, 7> kVariableNames = {
    "x", "v", "t", "x_target", "v_target", "horizon", "remaining_steps"};

struct Function {
  Operation operation = Operation::number;
  std::size_t arguments_min = 0;
  std::size_t arguments_max = 0;
};

const std::map<std::string, Function, std::less<>>& functions() {
  static const std::map<std::string, Function, std::less<>> kFunctions = {
      {"abs", {Operation::absolute, 1, 1}},  {"clip", {Operation::clip, 3, 3}},
      {"eq", {Operation::equal, 2, 2}},      {"ge", {Operation::greater_equal, 2, 2}},
      {"gt", {Operation::greater, 2, 2}},    {"ifelse", {Operation::choose, 3, 3}},
      {"le", {Operation::less_equal, 2, 2}}, {"lt", {Operation::less, 2, 2}},
      {"max", {Operation::maximum, 2, 16}},  {"min", {Operation::minimum, 2, 16}},
      {"ne", {Operation::not_equal, 2, 2}},  {"pow", {Operation::power, 2, 2}}};
  return kFunctions;
}

// Longest first where one begins another.
constexpr std::array<std::pair<std::string_view, Operation>, 6> kComparisons = {
    {{"<=", Operation::less_equal},
     {">=", Operation::greater_equal},
     {"==", Operation::equal},
     {"!=", Operation::not_equal},
     {"<", Operation::less},
     {">", Operation::greater}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

}  // namespace

// Recursive descent, one function for each level of precedence; the node just built is `at_`'s.
class ExpressionParser {
 public:
  explicit ExpressionParser(std::string_view text) : text_(text) {}

  Result<Expression> run() {
    std::size_t whole = 0;
    if (text_.size() > kExpressionBytesMax) {
      fail("at most " + std::to_string(kExpressionBytesMax) + " bytes");
    } else if (conditional(whole)) {
      skip_blanks();
      if (at_ < text_.size()) fail("the end or an operator");
    }
    if (error_) return *error_;
    return std::move(expression_);
  }

 private:
  bool fail(const std::string& expected) {
    if (!error_) {
      error_ = Error{"expression, character " + std::to_string(at_ + 1), "expected " + expected};
    }
    return false;
  }

  void skip_blanks() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) {
      ++at_;
    }
  }

  bool take(std::string_view symbol) {
    skip_blanks();
    if (!text_.substr(at_).starts_with(symbol)) return false;
    at_ += symbol.size();
    return true;
  }

  std::string_view peek_word() {
    skip_blanks();
    std::size_t end = at_;
    while (end < text_.size() && (is_letter(text_[end]) || (end > at_ && is_digit(text_[end])))) {
      ++end;
    }
    return text_.substr(at_, end - at_);
  }

  bool take_word(std::string_view word) {
    if (peek_word() != word) return false;
    at_ += word.size();
    return true;
  }

  std::size_t add(Operation operation, std::vector<std::size_t> arguments, double value = 0.0) {
    expression_.nodes_.push_back({operation, value, std::move(arguments)});
    return expression_.nodes_.size() - 1;
  }

  bool conditional(std::size_t& out) {
    if (++depth_ > kNestingMax) return fail("less nesting");
    std::size_t condition = 0;
    std::size_t otherwise = 0;
    if (!disjunction(out)) return false;
    if (take_word("if")) {
      if (!disjunction(condition)) return false;
      if (!take_word("else")) return fail("else");
      if (!conditional(otherwise)) return false;
      out = add(Operation::choose_lazily, {condition, out, otherwise});
    }
    --depth_;
    return true;
  }

  bool disjunction(std::size_t& out) {
    if (!conjunction(out)) return false;
    while (take_word("or")) {
      std::size_t other = 0;
      if (!conjunction(other)) return false;
      out = add(Operation::logical_or, {out, other});
    }
    return true;
  }

  bool conjunction(std::size_t& out) {
    if (!negation(out)) return false;
    while (take_word("and")) {
      std::size_t other = 0;
      if (!negation(other)) return false;
      out = add(Operation::logical_and, {out, other});
    }
    return true;
  }

  bool negation(std::size_t& out) {
    if (!take_word("not")) return comparison(out);
    if (++depth_ > kNestingMax) return fail("less nesting");
    if (!negation(out)) return false;
    --depth_;
    out = add(Operation::logical_not, {out});
    return true;
  }

  std::optional<Operation> take_comparison() {
    for (const auto& [symbol, operation] : kComparisons) {
      if (take(symbol)) return operation;
    }
    return std::nullopt;
  }

  bool comparison(std::size_t& out) {
    std::size_t left = 0;
    if (!sum(left)) return false;
    out = left;
    bool first = true;
    while (const auto operation = take_comparison()) {
      std::size_t right = 0;
      if (!sum(right)) return false;
      const std::size_t compared = add(*operation, {left, right});
      out = first ? compared : add(Operation::logical_and, {out, compared});
      first = false;
      left = right;
    }
    return true;
  }

  bool sum(std::size_t& out) {
    if (!product(out)) return false;
    while (true) {
      const bool plus = take("+");
      if (!plus && !take("-")) return true;
      std::size_t other = 0;
      if (!product(other)) return false;
      out = add(plus ? Operation::add : Operation::subtract, {out, other});
    }
  }

  bool product(std::size_t& out) {
    if (!unary(out)) return false;
    while (true) {
      const bool times = take("*");
      if (!times && !take("/")) return true;
      std::size_t other = 0;
      if (!unary(other)) return false;
      out = add(times ? Operation::multiply : Operation::divide, {out, other});
    }
  }

  bool unary(std::size_t& out) {
    const bool minus = take("-");
    if (!minus && !take("+")) return raised(out);
    if (++depth_ > kNestingMax) return fail("less nesting");
    if (!unary(out)) return false;
    --depth_;
    if (minus) out = add(Operation::negate, {out});
    return true;
  }

  // A power binds more tightly than a sign on its left, and less than one on its right.
  bool raised(std::size_t& out) {
    if (!primary(out)) return false;
    if (!take("**")) return true;
    std::size_t exponent = 0;
    if (!unary(exponent)) return false;
    out = add(Operation::power, {out, exponent});
    return true;
  }

  bool primary(std::size_t& out) {
    if (take("(")) {
      return conditional(out) && (take(")") || fail(")"));
    }
    if (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.')) return number(out);
    const std::string_view word = peek_word();
    const auto variable = std::find(kVariableNames.begin(), kVariableNames.end(), word);
    if (variable != kVariableNames.end()) {
      at_ += word.size();
      out = add(Operation::variable, {}, static_cast<double>(variable - kVariableNames.begin()));
      return true;
    }
    const auto function = functions().find(word);
    if (function == functions().end()) return fail("a number, a variable, a function or (");
    at_ += word.size();
    return call(function->second, out);
  }

  bool number(std::size_t& out) {
    std::size_t end = at_;
    while (end < text_.size() && (is_digit(text_[end]) || text_[end] == '.')) ++end;
    if (end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
      std::size_t digits = end + 1;
      if (digits < text_.size() && (text_[digits] == '+' || text_[digits] == '-')) ++digits;
      if (digits < text_.size() && is_digit(text_[digits])) {
        end = digits;
        while (end < text_.size() && is_digit(text_[end])) ++end;
      }
    }
    double value = 0.0;
    if (!parse_double(text_.substr(at_, end - at_), value)) return fail("a number");
    at_ = end;
    out = add(Operation::number, {}, value);
    return true;
  }

  bool call(const Function& function, std::size_t& out) {
    if (!take("(")) return fail("(");
    std::vector<std::size_t> arguments;
    do {
      std::size_t argument = 0;
      if (!conditional(argument)) return false;
      arguments.push_back(argument);
    } while (take(","));
    if (!take(")")) return fail(") or ,");
    if (arguments.size() < function.arguments_min || arguments.size() > function.arguments_max) {
      return fail(std::to_string(function.arguments_min) + " arguments before this");
    }
    out = add(function.operation, std::move(arguments));
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::optional<Error> error_;
  Expression expression_;
};

Result<Expression> Expression::parse(std::string_view text) { return ExpressionParser(text).run(); }

bool Expression::evaluate(const Variables& variables, double& value) const {
  return evaluate(nodes_.size() - 1, variables, value);
}

namespace {

double compare(Operation operation, double a, double b) {
  switch (operation) {
    case Operation::less:
      return a < b ? 1.0 : 0.0;
    case Operation::less_equal:
      return a <= b ? 1.0 : 0.0;
    case Operation::greater:
      return a > b ? 1.0 : 0.0;
    case Operation::greater_equal:
      return a >= b ? 1.0 : 0.0;
    case Operation::equal:
      return a == b ? 1.0 : 0.0;
    default:
      return a != b ? 1.0 : 0.0;
  }
}

double result_of(Operation operation, const std::vector<double>& a) {
  switch (operation) {
    case Operation::add:
      return a[0] + a[1];
    case Operation::subtract:
      return a[0] - a[1];
    case Operation::multiply:
      return a[0] * a[1];
    case Operation::divide:
      return a[0] / a[1];
    case Operation::power:
      return std::pow(a[0], a[1]);
    case Operation::negate:
      return -a[0];
    case Operation::logical_not:
      return a[0] == 0.0 ? 1.0 : 0.0;
    case Operation::choose:
      return a[0] != 0.0 ? a[1] : a[2];
    case Operation::absolute:
      return std::abs(a[0]);
    case Operation::minimum:
      return *std::min_element(a.begin(), a.end());
    case Operation::maximum:
      return *std::max_element(a.begin(), a.end());
    case Operation::clip:
      return std::min(std::max(a[0], a[1]), a[2]);
    default:
      return compare(operation, a[0], a[1]);
  }
}

}  // namespace

bool Expression::evaluate(std::size_t node, const Variables& variables, double& value) const {
  const Node& it = nodes_[node];
  switch (it.operation) {
    case Operation::number:
      value = it.value;
      return true;
    case Operation::variable:
      value = variables[static_cast<std::size_t>(it.value)];
      return true;
    case Operation::logical_and:
    case Operation::logical_or:
      if (!evaluate(it.arguments[0], variables, value)) return false;
      return (value != 0.0) == (it.operation == Operation::logical_or) ||
             evaluate(it.arguments[1], variables, value);
    case Operation::choose_lazily:
      return evaluate(it.arguments[0], variables, value) &&
             evaluate(it.arguments[value != 0.0 ? 1 : 2], variables, value);
    default:
      break;
  }
  std::vector<double> arguments(it.arguments.size());
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!evaluate(it.arguments[i], variables, arguments[i])) return false;
  }
  value = result_of(it.operation, arguments);
  return std::isfinite(value);
}

}  // namespace turnhalle::control
