// Grid navigation on a map of hidden costs, with rook moves and an exact number of rounds.
//
// Rules    A square of n × n cells, each with a cost from 0 to 99. Every round the player moves to
//          another cell of the same row or column; all cells crossed and the one reached are
//          entered, and their costs paid. After exactly R rounds the player must be at the goal.
//          What counts is the mean of the costs paid, so a long way through cheap cells is good.
// Hidden   The costs: one map for all tasks of a lifecycle. Cells within one step (diagonals too)
//          of an entered one are revealed and stay so for the rest of the lifecycle, unless
//          map_remembered is off. At the start nothing is revealed. The goal is the end of a
//          random walk of R moves, so it can be reached.
// Action   <answer>row,column</answer>, from 0, exactly one such pair of tags; blanks allowed.
// Observe  Every turn: round, position, goal, mean cost so far, the map with what is revealed.
//          Style compact shows a cost as its tens digit.
// Reward   1 − mean/100 when at the goal after round R, else 0. There is no turn penalty in it.
//          A reached goal counts as success.
// Ends     After round R (done), an unreadable or illegal move (agent_error).
// Options  side 4..16 ([8, 12]; in style compact at most 10), hills 1..12 (4), scale 0.02..1
//          ([0.15, 0.45]), rounds 2..9 ([3, 5], drawn per task), map_remembered (true)
// Expert   Estimates what is not revealed from what is, and plans the best trip of the remaining
//          rounds at every turn. Reward by position, train: 0.82 0.90 0.92 0.92; eval: 0.81 to
//          0.92. Uses no hidden state. Other players (grid_players.h): oracle (exact on the true
//          map: 0.93
//          and 0.92), random (a uniform walk that ends at the goal: 0.71 and 0.69), demonstrator
//          and demonstrator_clean.
// Source   Connect the Dots, arXiv 2606.20002; its released code, second version.
// Differs  Random streams, wording and the compact style are ours; distributions match the source.
#pragma once

#include <cstdint>
#include <utility>

#include "core/registry.h"
#include "envs/grid_map.h"

namespace turnhalle::grid {

struct Options {
  MapOptions map;
  std::pair<std::int64_t, std::int64_t> rounds{3, 5};  ///< drawn per task, both included
  bool map_remembered = true;
};

/// The registry's entry.
EnvironmentEntry entry();

}  // namespace turnhalle::grid
