// Discovering the reaction term of a partial differential equation from a few noisy points.
//
// Rules    u_t = u_xx + f(u) for x and t in 0 … 1, u = 0 at both ends. f is a sum of a few terms of
//          a dictionary of 15. Every task of a lifecycle starts from another u(x, 0). In a step the
//          agent samples points, asks for a summary, has equations fitted or scored, or finalises
//          an equation that the latest fit or score has shown.
// Hidden   f: support and signs are one of 40 templates (equations train) or of 25 with other
//          supports (eval), magnitudes 0.5 … 2.00; the same for all tasks of a lifecycle. Sampled
//          points stay available for the rest of the lifecycle.
// Action   <answer>…</answer>, exactly one such pair, around one of
//            <sample>x,t; x,t; …</sample>          noisy u and noisy y = f(u) at these points
//            <summary></summary>                  all points of the lifecycle
//            <regress>terms=u,u3; max_terms=2; tasks=0,1</regress>   each part may be left out
//            <score>equation; equation; …</score>  at most eight, such as 1.25*u2 - 0.5*tanh_u
//            <finalise>equation</finalise>
// Observe  The start's formula and some values; then what the action brought. Both styles have the
//          same wording; in the compact one the rules stand in the first observation.
// Reward   When finalised: 1/(1 + ‖c − c*‖₁/‖c*‖₁ + max(0, terms − terms*)); else 0. Neither the
//          final feedback nor an update of the context tells it. From 0.9 on a task counts as a
//          success.
// Ends     Finalised (done), steps used up (truncated), an unreadable action (agent_error). Points
//          beyond the budget, and finalising what was not shown, cost a step and do nothing.
// Options  equations train | eval (train), steps 2..20 (6), points 1..30 (6), strata 1..64 (4: of
//          the starts' amplitudes), noise_u 0..0.1 (0.002), noise_y 0..0.1 (0.0005), space_points
//          9..513 (257), time_steps 50..4000 (2000)
// Expert   Samples where the start is spread over its range, fits all supports with the noise of u
//          taken into account, and finalises the best by the Bayesian information criterion; uses
//          all points of the lifecycle. Reward by position, train: 0.79 0.94 0.95 0.98; eval: 0.57
//          to 0.92. Uses no hidden state. Other players (pde_players.h): oracle
//          (finalises the truth: 1), random.
// Source   Connect the Dots, arXiv 2606.20002; its released code, second version.
// Differs  The templates, the form of actions, random streams and wording are ours. Regression
//          enumerates all supports without screening them by ridge regression. The scenario files
//          use a coarser grid (65 points, 400 steps): states differ by less than the noise.
#pragma once

#include <cstdint>

#include "core/registry.h"
#include "envs/pde_model.h"

namespace turnhalle::pde {

struct Options {
  bool held_out = false;    ///< equations eval
  std::int64_t steps = 6;   ///< actions of an episode
  std::int64_t points = 6;  ///< sampled points of an episode
  std::int64_t strata = 4;
  double noise_u = 0.002;  ///< standard deviations
  double noise_y = 0.0005;
  Grid grid;

  std::int64_t terms_max() const { return held_out ? 3 : 2; }  ///< of hidden equations
};

/// The registry's entry.
EnvironmentEntry entry();

}  // namespace turnhalle::pde
