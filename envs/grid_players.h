// Players of grid_navigation. Only the oracle looks at the hidden map.
//
//   expert              Estimates each unrevealed cost as a mean of the revealed ones, weighted by
//   a
//                       Gaussian of the distance, and of a prior; plans the best trip of the
//                       remaining rounds on revealed and estimated costs, anew at every turn. It
//                       remembers what it saw over the lifecycle.
//   oracle              The best trip on the true map.
//   random              A uniform one of all walks that end at the goal after the last round.
//   demonstrator        Whom a small policy imitates before it is trained; imperfect on purpose.
//                       Plans on the costs that are shown, takes every other for 30, and with
//                       probability 0.25 makes a uniform feasible move instead.
//   demonstrator_clean  The same without the random moves.
//
// Hints name the cheapest cells that are known, at most three in the compact style.
#pragma once

#include <memory>
#include <string_view>

#include "core/env.h"

namespace turnhalle::grid {

/// The demonstrator's imperfection, and what unrevealed cells cost in its plans.
inline constexpr double kMoveNoise = 0.25;
inline constexpr double kUnknownCost = 30.0;

/// Null for an unknown role.
std::unique_ptr<Player> make_player(std::string_view role, PromptStyle style);

}  // namespace turnhalle::grid
