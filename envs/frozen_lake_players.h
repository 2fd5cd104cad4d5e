// Players of frozen_lake_obscure. None of them looks at the hidden buttons.
//
//   expert              Exact Bayes: posterior over the 24 permutations, kept over the lifecycle in
//                       its memory (and over when they change, where they do); expectimax of the
//                       expected shaped reward (1 − 0.1·n/T for a success in n of T moves) of the
//                       current task.
//   random              A uniform direction every turn; its hints say nothing.
//   demonstrator        Whom a small policy imitates before it is trained; imperfect on purpose.
//                       Walks a shortest path and prefers directions it knows; guesses an unknown
//                       one among the unknown; learns nothing from blocked moves. What it knows is
//                       what the hints say and what this episode showed: of the last move only
//                       when the final feedback tells it (last_move_told). The wanted direction is
//                       random with probability 0.10, the button pressed, independently, too; each
//                       known pair is left out of the hints with probability 0.35.
//   demonstrator_clean  The same without noise and without leaving anything out.
//
// Replies in the compact style: the pairs just learned, the wanted direction with the button that
// does it or "?", the answer:  " Left2 Want Down ? <answer>Direction 1</answer>".
#pragma once

#include <memory>
#include <string_view>

#include "core/env.h"
#include "envs/frozen_lake_belief.h"

namespace turnhalle::frozen_lake {

/// The demonstrator's imperfections.
inline constexpr double kCardinalNoise = 0.10;
inline constexpr double kButtonNoise = 0.10;
inline constexpr double kPairDropped = 0.35;
/// What a success in all T of T moves costs the expert's plans (the scenario's turn_penalty).
inline constexpr double kTurnPenalty = 0.1;

struct PlayerOptions {
  PromptStyle style = PromptStyle::paper;
  Lasting lasting;
};

/// Null for an unknown role.
std::unique_ptr<Player> make_player(std::string_view role, const PlayerOptions& options);

}  // namespace turnhalle::frozen_lake
