// Players of alchemy_random. Only the oracle looks at hidden state.
//
//   expert              Remembers, over the lifecycle, which combination makes what and which make
//                       nothing. Where the recipes it knows lead to the target with the materials
//                       at hand, it follows them. Else it tries, uniformly, an untried combination
//                       of the highest tier below the target whose next tier has elements that it
//                       cannot make yet; else it makes something that it lacks below the target;
//                       else it tries anything.
//   forgetful           The same, remembering only the current task.
//   oracle              Follows the first recipe of each element; random where there is none.
//   random              A uniform combination out of the inventory; its hints say nothing.
//   demonstrator        Whom a small policy imitates before it is trained; imperfect on purpose.
//                       Plays like the forgetful one with the recipes of the hint added, but an
//                       exploring attempt does not avoid what has failed, any attempt is a uniform
//                       possible one with probability 0.15, and each recipe is left out of the
//                       hint it writes with probability 0.30.
//   demonstrator_clean  Without these three; failures are not carried in hints.
//
// Replies in the compact style: the element wanted with its recipe, or "?", and the answer:
// " Want ti=ka+mo <answer>ka + mo</answer>".
#pragma once

#include <memory>
#include <string_view>

#include "core/env.h"

namespace turnhalle::alchemy {

/// The demonstrator's imperfections.
inline constexpr double kAttemptNoise = 0.15;
inline constexpr double kRecipeDropped = 0.30;

/// Null for an unknown role.
std::unique_ptr<Player> make_player(std::string_view role, PromptStyle style);

}  // namespace turnhalle::alchemy
