#include "envs/pde_terms.h"

#include <algorithm>
#include <cmath>

#include "core/text.h"

namespace turnhalle::pde {
namespace {

bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }
bool is_number(char c) { return (c >= '0' && c <= '9') || c == '.'; }

Error equation_error(const std::string& what, std::string_view found) {
  return {"equation", "expected " + what + "; found " + in_quotes(found)};
}

// One part without its sign: "1.25*u2" or "u2".
Result<Equation::Part> parse_part(std::string_view text) {
  Equation::Part part;
  part.coefficient = 1.0;
  const std::size_t star = text.find('*');
  const std::string_view name = trim(star == std::string_view::npos ? text : text.substr(star + 1));
  if (star != std::string_view::npos) {
    const std::string_view number = trim(text.substr(0, star));
    const bool digits = !number.empty() && std::all_of(number.begin(), number.end(), is_number);
    if (!digits || !parse_double(number, part.coefficient) || part.coefficient >= 1e5) {
      return equation_error("a number before *", number);
    }
  }
  const auto place = std::find(kTermNames.begin(), kTermNames.end(), name);
  if (place == kTermNames.end() || !std::all_of(name.begin(), name.end(), is_name)) {
    return equation_error("the name of a term", name);
  }
  part.term = static_cast<std::size_t>(place - kTermNames.begin());
  return part;
}

}  // namespace

double term_value(std::size_t term, double u) {
  const double u2 = u * u;
  switch (term) {
    case 0:
      return u;
    case 1:
      return u2;
    case 2:
      return u2 * u;
    case 3:
      return u2 * u2;
    case 4:
      return u2 * u2 * u;
    case 5:
      return u2 * u2 * u2 * u;
    case 6:
      return std::sin(u);
    case 7:
      return std::sin(2.0 * u);
    case 8:
      return std::expm1(u);
    case 9:
      return std::log1p(u2);
    case 10:
      return std::tanh(u);
    case 11:
      return u / (1.0 + u2);
    case 12:
      return u2 / (1.0 + u2);
    case 13:
      return u2 * u2 / (1.0 + u2 * u2);
    default:
      return u / (1.0 + u + u2);
  }
}

double Equation::value(double u) const {
  double sum = 0.0;
  for (const Part& part : parts) sum += part.coefficient * term_value(part.term, u);
  return sum;
}

double Equation::derivative(double u) const {
  constexpr double kStep = 1e-5;
  return (value(u + kStep) - value(u - kStep)) / (2.0 * kStep);
}

double rounded(double coefficient) { return std::nearbyint(coefficient * 1000.0) / 1000.0; }

std::string text_of(const Equation& equation) {
  std::string text;
  for (const Equation::Part& part : equation.parts) {
    const bool minus = part.coefficient < 0.0;
    text += text.empty() ? (minus ? "-" : "") : (minus ? " - " : " + ");
    text += shortest(std::abs(part.coefficient)) + "*" + std::string(kTermNames[part.term]);
  }
  return text.empty() ? "0" : text;
}

Result<Equation> parse_equation(std::string_view text) {
  Equation equation;
  std::string_view rest = trim(text);
  if (rest.empty()) return equation_error("an equation such as 1.25*u2 - 0.5*tanh_u", text);
  while (!rest.empty()) {
    const bool sign = rest[0] == '+' || rest[0] == '-';
    if (!sign && !equation.parts.empty()) return equation_error("+ or -", rest);
    const bool minus = rest[0] == '-';
    if (sign) rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find_first_of("+-"), rest.size());
    Result<Equation::Part> part = parse_part(trim(rest.substr(0, end)));
    if (!part) return part.error();
    part->coefficient = rounded(minus ? -part->coefficient : part->coefficient);
    for (const Equation::Part& other : equation.parts) {
      if (other.term != part->term) continue;
      return equation_error("every term once", kTermNames[part->term]);
    }
    if (part->coefficient == 0.0) return equation_error("a coefficient that is not 0", rest);
    equation.parts.push_back(*part);
    rest = trim(rest.substr(end));
  }
  std::sort(equation.parts.begin(), equation.parts.end(),
            [](const Equation::Part& a, const Equation::Part& b) { return a.term < b.term; });
  return equation;
}

double score_against(const Equation& found, const Equation& truth) {
  std::array<double, kTerms> difference{};
  double size = 0.0;
  for (const Equation::Part& part : truth.parts) {
    difference[part.term] -= part.coefficient;
    size += std::abs(part.coefficient);
  }
  for (const Equation::Part& part : found.parts) difference[part.term] += part.coefficient;
  double distance = 0.0;
  for (const double value : difference) distance += std::abs(value);
  const double excess = found.parts.size() > truth.parts.size()
                            ? static_cast<double>(found.parts.size() - truth.parts.size())
                            : 0.0;
  return 1.0 / (1.0 + distance / size + excess);
}

}  // namespace turnhalle::pde
