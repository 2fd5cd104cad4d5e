#include "envs/pde_regression.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/check.h"

namespace turnhalle::pde {
namespace {

constexpr std::size_t kSupportMax = 15;
constexpr double kConditionMax = 1e8;

using Columns = std::vector<std::vector<double>>;

Columns columns_of(std::span<const Point> points, std::span<const std::size_t> support,
                   std::span<const double> weights) {
  Columns columns;
  for (const std::size_t term : support) {
    columns.emplace_back();
    for (std::size_t i = 0; i < points.size(); ++i) {
      const double weight = weights.empty() ? 1.0 : weights[i];
      columns.back().push_back(weight * term_value(term, points[i].u));
    }
  }
  return columns;
}

double dot(const std::vector<double>& one, const std::vector<double>& other) {
  double sum = 0.0;
  for (std::size_t i = 0; i < one.size(); ++i) sum += one[i] * other[i];
  return sum;
}

// Makes the columns orthonormal (twice, against rounding); `right` becomes the triangular factor.
bool orthogonalise(Columns& columns, std::vector<std::vector<double>>& right) {
  const std::size_t n = columns.size();
  right.assign(n, std::vector<double>(n, 0.0));
  for (std::size_t j = 0; j < n; ++j) {
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t i = 0; i < j; ++i) {
        const double part = dot(columns[i], columns[j]);
        right[i][j] += part;
        for (std::size_t k = 0; k < columns[j].size(); ++k) columns[j][k] -= part * columns[i][k];
      }
    }
    right[j][j] = std::sqrt(dot(columns[j], columns[j]));
    if (!(right[j][j] > 0.0)) return false;
    for (double& value : columns[j]) value /= right[j][j];
  }
  return true;
}

// Of a symmetric matrix, by Jacobi's rotations.
std::pair<double, double> extreme_eigenvalues(std::vector<std::vector<double>> a) {
  const std::size_t n = a.size();
  for (int sweep = 0; sweep < 30; ++sweep) {
    for (std::size_t p = 0; p < n; ++p) {
      for (std::size_t q = p + 1; q < n; ++q) {
        if (std::abs(a[p][q]) < 1e-18) continue;
        const double angle = 0.5 * std::atan2(2.0 * a[p][q], a[q][q] - a[p][p]);
        const double c = std::cos(angle);
        const double s = std::sin(angle);
        for (std::size_t k = 0; k < n; ++k) {
          const double kp = a[k][p];
          const double kq = a[k][q];
          a[k][p] = c * kp - s * kq;
          a[k][q] = s * kp + c * kq;
        }
        for (std::size_t k = 0; k < n; ++k) {
          const double pk = a[p][k];
          const double qk = a[q][k];
          a[p][k] = c * pk - s * qk;
          a[q][k] = s * pk + c * qk;
        }
      }
    }
  }
  double low = a[0][0];
  double high = a[0][0];
  for (std::size_t i = 1; i < n; ++i) {
    low = std::min(low, a[i][i]);
    high = std::max(high, a[i][i]);
  }
  return {low, high};
}

double condition_of(const Columns& columns) {
  const std::size_t n = columns.size();
  std::vector<double> length(n);
  for (std::size_t i = 0; i < n; ++i) {
    length[i] = std::sqrt(dot(columns[i], columns[i]));
    if (!(length[i] > 0.0)) return std::numeric_limits<double>::infinity();
  }
  std::vector<std::vector<double>> gram(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      gram[i][j] = dot(columns[i], columns[j]) / (length[i] * length[j]);
    }
  }
  const auto [low, high] = extreme_eigenvalues(std::move(gram));
  return low > 0.0 ? std::sqrt(high / low) : std::numeric_limits<double>::infinity();
}

double largest_error(std::span<const Point> points, const Equation& equation) {
  double largest = 0.0;
  for (const Point& point : points) {
    largest = std::max(largest, std::abs(point.y - equation.value(point.u)));
  }
  return largest;
}

}  // namespace

bool fit(std::span<const Point> points, std::span<const std::size_t> support,
         std::span<const double> weights, Scored& scored) {
  check(!support.empty() && support.size() <= kSupportMax, "a support has 1 to 15 terms");
  if (points.size() < support.size()) return false;
  Columns columns = columns_of(points, support, weights);
  scored.condition = condition_of(columns);
  if (!(scored.condition <= kConditionMax)) return false;
  std::vector<double> target;
  for (std::size_t i = 0; i < points.size(); ++i) {
    target.push_back((weights.empty() ? 1.0 : weights[i]) * points[i].y);
  }
  std::vector<std::vector<double>> right;
  if (!orthogonalise(columns, right)) return false;
  const std::size_t n = support.size();
  std::vector<double> coefficients(n);
  for (std::size_t i = n; i-- > 0;) {
    double value = dot(columns[i], target);
    for (std::size_t j = i + 1; j < n; ++j) value -= right[i][j] * coefficients[j];
    coefficients[i] = value / right[i][i];
  }
  scored.equation.parts.clear();
  for (std::size_t i = 0; i < n; ++i) {
    const double coefficient = rounded(coefficients[i]);
    if (coefficient == 0.0 || !(std::abs(coefficient) < 1e5)) return false;
    scored.equation.parts.push_back({support[i], coefficient});
  }
  scored.error = largest_error(points, scored.equation);
  return true;
}

Scored score(std::span<const Point> points, const Equation& equation) {
  std::vector<std::size_t> support;
  for (const Equation::Part& part : equation.parts) support.push_back(part.term);
  return {equation, largest_error(points, equation), condition_of(columns_of(points, support, {}))};
}

std::vector<Scored> fit_all(std::span<const Point> points, std::span<const std::size_t> terms,
                            std::int64_t terms_max) {
  std::vector<Scored> all;
  for_each_support(terms, terms_max, [&](std::span<const std::size_t> support) {
    Scored scored;
    if (fit(points, support, {}, scored)) all.push_back(std::move(scored));
  });
  std::stable_sort(all.begin(), all.end(),
                   [](const Scored& a, const Scored& b) { return a.error < b.error; });
  return all;
}

}  // namespace turnhalle::pde
