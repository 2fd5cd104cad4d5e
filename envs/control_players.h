// Players of optimal_control. Only oracle and signed_law look at the hidden plant.
//
//   expert      Least squares for a and b over all tables of the lifecycle, then the optimal inputs
//               for these, step by step; before the first table as fixed_law.
//   oracle      The optimal inputs for the true plant.
//   idle        u = 0.
//   random      A constant input, uniform in −1 … 1.
//   fixed_law   u = 0.6·(x_target − x) − 1.2·v, as if b were positive.
//   signed_law  The same with the true sign of b.
//
// Hints of the expert state a and b; those of the others say nothing.
#pragma once

#include <memory>
#include <string_view>

#include "core/env.h"

namespace turnhalle::control {

/// Null for an unknown role.
std::unique_ptr<Player> make_player(std::string_view role, PromptStyle style);

}  // namespace turnhalle::control
