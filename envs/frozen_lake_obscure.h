// Frozen lake with hidden buttons: four directions are offered, and none says which way it goes.
//
// Rules    A square of ice, holes and one goal; the start is on ice. Four buttons, Direction 1 to
//          Direction 4, move one cell down, right, up or left. A move off the board leaves the
//          player in place. Nothing slips.
// Hidden   Which button moves which way: a uniform permutation, the same for all tasks of a
//          lifecycle (option mapping). Board, goal and position are shown.
// Action   <answer>Direction N</answer> with N in 1..4, exactly one such pair of tags in the reply;
//          the D in either case, blanks allowed around and before N. Tool calls are ignored.
// Observe  Style paper: the step, what the last button did, the goal and the whole board, every
//          turn. Style compact: the board once, as a list of holes; then only what the last button
//          did. Cells are (row, column) from 0.
// Reward   1 on reaching the goal, else 0. Shaping belongs to the scenario.
// Ends     Goal or hole (done), budget used up (truncated), an action that is not of the form
//          above (agent_error).
// Options  side 4..7 ([4, 5]), frozen_share 0..1 ([0.6, 0.7]), search_depth 1..48 (6), budget 1..64
//          (8; in style compact 8 or 10), mapping per_lifecycle | per_task | identity |
//          changes_once (per_lifecycle), change_at 1..63 ([1, 3]: with changes_once, the position
//          from which another permutation holds, drawn per lifecycle and not told),
//          last_move_told (false: the last feedback does not say where it led)
// Expert   Exact posterior over the 24 permutations, kept over the lifecycle, and expectimax of
//          the shaped reward of each task; solves 0.61, 0.93, 0.99, 1.00 of the tasks at positions
//          0 to 3 of an easy lifecycle. Where the buttons change once it also weighs when.
//          Uses no hidden state. Other players: random (0.16),
//          demonstrator and demonstrator_clean (frozen_lake_players.h).
// Source   Connect the Dots, arXiv 2606.20002, section 3 and table 4, and its released code.
// Differs  Random streams, wording and the compact style are ours; distributions match the source.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/registry.h"

namespace turnhalle::frozen_lake {

/// For how long the buttons keep their meaning.
enum class Mapping : std::uint8_t { per_lifecycle, per_task, identity, changes_once };

struct Options {
  std::pair<std::int64_t, std::int64_t> side{4, 5};  ///< drawn per task, both included
  std::pair<double, double> frozen_share{0.6, 0.7};  ///< drawn per task
  std::int64_t search_depth = 6;                     ///< boards are solvable in this + 1
  std::int64_t budget = 8;                           ///< moves of an episode
  Mapping mapping = Mapping::per_lifecycle;
  std::pair<std::int64_t, std::int64_t> change_at{1, 3};  ///< position; for changes_once
  bool last_move_told = false;
};

/// The registry's entry.
EnvironmentEntry entry();

/// The pieces of which all text of the compact style is made, of the environment, of the task
/// sequence around it and of its players: a tokenizer that has them as added tokens and splits at
/// the longest match needs no other token.
std::vector<std::string> compact_vocabulary();

}  // namespace turnhalle::frozen_lake
