// Sparse regression of pde_discovery: which few terms of the dictionary explain sampled points.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "envs/pde_terms.h"

namespace turnhalle::pde {

/// One sampled point: noisy state u and noisy residual y = u_t − u_xx.
struct Point {
  std::int64_t task = 0;  ///< position of the task in which it was sampled
  double x = 0.0;
  double t = 0.0;
  double u = 0.0;
  double y = 0.0;
};

/// An equation with its fit to some points.
struct Scored {
  Equation equation;
  double error = 0.0;      ///< largest |y − f(u)|
  double condition = 1.0;  ///< of the columns, scaled to length 1
};

/// Least squares on one support; false where the points do not determine it (fewer points than
/// terms, or a condition above 1e8) or a coefficient rounds to 0. Coefficients have three digits.
/// `weights` are per point, or empty for equal ones.
bool fit(std::span<const Point> points, std::span<const std::size_t> support,
         std::span<const double> weights, Scored& scored);

/// The error and condition of a given equation.
Scored score(std::span<const Point> points, const Equation& equation);

/// Fits of all supports of at most `terms_max` ≤ 3 of the terms, lowest error first.
std::vector<Scored> fit_all(std::span<const Point> points, std::span<const std::size_t> terms,
                            std::int64_t terms_max);

/// Calls visit(support) for all supports of 1 … terms_max of the terms.
template <class Visit>
void for_each_support(std::span<const std::size_t> terms, std::int64_t terms_max,
                      const Visit& visit) {
  std::vector<std::size_t> support;
  const auto extend = [&](const auto& self, std::size_t from) -> void {
    for (std::size_t i = from; i < terms.size(); ++i) {
      support.push_back(terms[i]);
      visit(std::span<const std::size_t>(support));
      if (static_cast<std::int64_t>(support.size()) < terms_max) self(self, i + 1);
      support.pop_back();
    }
  };
  extend(extend, 0);
}

}  // namespace turnhalle::pde
