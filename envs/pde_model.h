// The equation u_t = u_xx + f(u) of pde_discovery: hidden reactions, initial states, solution.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/rng.h"
#include "envs/pde_terms.h"

namespace turnhalle::pde {

/// Support and signs of a reaction, such as "+u -u3".
using Template = std::string_view;
/// 40 templates of one or two terms; 25 of two (17) or three (8), whose supports do not occur
/// among the 40.
std::span<const Template> train_templates();
std::span<const Template> eval_templates();
/// Its terms with coefficients +1 and −1.
Equation signs_of(Template name);

/// States are cut to ± this.
inline constexpr double kStateMax = 3.0;

struct Grid {
  std::int64_t space_points = 257;  ///< both ends included
  std::int64_t time_steps = 2000;
};

/// The first mode or a drawn start: amplitude × shape(x), the shape between 0 and 1.
struct InitialState {
  double amplitude = 1.0;
  std::array<std::int64_t, 2> modes = {1, 0};  ///< 0: there is no second
  std::array<double, 2> weights = {0.0, 0.0};  ///< both 0: the shape is sin(πx)
  double shift = 0.0;                          ///< makes the sum of modes non-negative
  double scale = 1.0;                          ///< makes the largest value 1

  double at(double x) const;
};
/// One or two sine modes, shifted to be non-negative, times the envelope sin(πx).
InitialState draw_shape(RandomKey key);

/// The solution on x, t in 0 … 1 with u = 0 at both ends: implicit diffusion, explicit reaction.
class Solution {
 public:
  Solution(const Equation& reaction, const InitialState& start, const Grid& grid);
  /// Between grid points linear in x and t.
  double at(double x, double t) const;
  /// Whether no state had to be cut.
  bool stayed_inside() const { return inside_; }

 private:
  std::int64_t space_ = 0;  // points
  std::int64_t time_ = 0;   // steps
  std::vector<double> values_;
  bool inside_ = true;
};

/// The largest amplitude of the first mode for which all reactions of the template with magnitudes
/// 0.5 and 2 stay inside: by bisection, on a coarse grid.
double amplitude_max(Template name);

/// Magnitudes uniform in 0.5 … 2 with two digits, drawn anew (at most 128 times) until the first
/// mode of the largest amplitude stays inside.
Equation draw_reaction(Template name, double amplitude_max, RandomKey key);

}  // namespace turnhalle::pde
