// The dictionary of reaction terms of pde_discovery, and equations made of them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace turnhalle::pde {

inline constexpr std::size_t kTerms = 15;
/// How terms are called in answers.
inline constexpr std::array<std::string_view, kTerms> kTermNames = {
    "u",      "u2",       "u3",     "u4",        "u5",         "u7",         "sin_u",      "sin_2u",
    "exp_m1", "log_1pu2", "tanh_u", "u_by_1pu2", "u2_by_1pu2", "u4_by_1pu4", "u_by_1pupu2"};
/// What they are.
inline constexpr std::array<std::string_view, kTerms> kTermFormulas = {
    "u",       "u^2",         "u^3",           "u^4",           "u^5",
    "u^7",     "sin(u)",      "sin(2u)",       "exp(u) - 1",    "log(1 + u^2)",
    "tanh(u)", "u/(1 + u^2)", "u^2/(1 + u^2)", "u^4/(1 + u^4)", "u/(1 + u + u^2)"};

double term_value(std::size_t term, double u);

/// A sum of coefficients times different terms, in ascending order of the terms.
struct Equation {
  struct Part {
    std::size_t term = 0;
    double coefficient = 0.0;
    bool operator==(const Part&) const = default;
  };
  std::vector<Part> parts;

  double value(double u) const;
  double derivative(double u) const;  ///< by a symmetric difference
  bool operator==(const Equation&) const = default;
};

/// "1.25*u2 - 0.5*tanh_u": coefficients with at most three digits behind the point; "0" when empty.
std::string text_of(const Equation& equation);
/// Reads that form; coefficients are rounded to three digits, and a coefficient of 1 may be left
/// out. The error's message says what was expected.
Result<Equation> parse_equation(std::string_view text);
/// To three digits behind the point.
double rounded(double coefficient);

/// 1/(1 + ‖c − c*‖₁/‖c*‖₁ + max(0, terms − terms*)).
double score_against(const Equation& found, const Equation& truth);

}  // namespace turnhalle::pde
