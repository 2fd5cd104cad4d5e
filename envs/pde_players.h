// Players of pde_discovery, and how they look at it. Only the oracle asks for the hidden equation.
//
//   expert   Samples its points at places where u(x, 0) is spread evenly over its range; fits all
//            supports to all points of the lifecycle by weighted least squares, where the error of
//            y is that of its noise and of the noise of u times f'(u); has the eight equations with
//            the lowest Bayesian information criterion scored, and finalises the lowest.
//   oracle   Has the hidden equation scored and finalises it.
//   random   Samples anywhere, has an equation of one or two random terms scored and finalises it.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "core/env.h"
#include "envs/pde_model.h"
#include "envs/pde_regression.h"

namespace turnhalle::pde {

/// What the agent has been shown.
struct Seen {
  InitialState start;
  std::vector<Point> points;  ///< of the whole lifecycle
  std::vector<Scored> shown;  ///< by the latest fit or score: what may be finalised
  std::int64_t points_left = 0;
  std::int64_t steps_used = 0;
  std::int64_t terms_max = 2;  ///< of the hidden equation
  double noise_u = 0.0;
  double noise_y = 0.0;
};

class Observable {
 public:
  virtual ~Observable() = default;
  virtual const Seen& seen() const = 0;
  virtual const Equation& hidden_equation() const = 0;
};

/// The `count` equations of at most terms_max terms that explain the points best, best first.
std::vector<Equation> best_explanations(const Seen& seen, std::size_t count);

/// Null for an unknown role.
std::unique_ptr<Player> make_player(std::string_view role, PromptStyle style);

}  // namespace turnhalle::pde
