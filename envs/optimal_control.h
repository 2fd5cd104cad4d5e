// Optimal control of an unknown linear plant with one submitted feedback law per task.
//
// Rules    A point moves on a line: v' = a·v + b·u, then x' = x + v', for a fixed number of steps,
//          with inputs cut to −1 … 1. It should end at x_target with velocity v_target, with
//          little effort.
// Hidden   a, uniform in 0.55 … 1.20, and b, uniform in −1.5 … 1.5 without |b| < 0.35: the same
//          for all tasks of a lifecycle. Start, target and horizon are shown.
// Action   One reply per task that ends with <answer><action_expression>E</action_expression>
//          </answer> (blanks allowed between): each tag once, no code fence. E is an expression of
//          the state; its language is described in envs/control_expression.h.
// Observe  The task. At the end the table of all steps, the final state, loss and reward. With
//          previous_policy_shown, a task also shows the last expression of the lifecycle that ran,
//          with how far it ended from its target. Both styles have the same wording; in the
//          compact one the rules stand in the first observation.
// Reward   1/(1 + loss), loss = (x_T − x_target)² + 2·(v_T − v_target)² + control_weight·Σ u².
//          0 when the expression has no finite value at some step; −0.1 for an unreadable reply.
//          From 0.9 on a task counts as a success.
// Ends     After the one reply: done, or agent_error when it is unreadable.
// Options  x_start 0..10 (2), v_start 0..10 (1.5), x_target 0..50 (8): drawn uniformly between
//          minus and plus these; horizon 2..64 (12), control_weight 0.0001..10 (0.03), noise 0..1
//          (0: standard deviation added to v), previous_policy_shown (false)
// Expert   Fits a and b to the tables it has seen, and submits the optimal inputs for them as an
//          expression in t; without a table, a proportional-derivative law that takes b for
//          positive. Reward by position, hard: 0.39, then 0.98. Uses no hidden state. Other
//          players (control_players.h): oracle (optimal for the true plant: 0.98), idle (u = 0:
//          0.12), random (a random constant input: 0.03), fixed_law (0.39), signed_law (the same
//          with the true sign of b: 0.78).
// Source   Connect the Dots, arXiv 2606.20002; its released code, second version.
// Differs  Random streams and wording are ours; distributions match the source.
#pragma once

#include <cstdint>

#include "core/registry.h"

namespace turnhalle::control {

struct Options {
  double x_start = 2.0;
  double v_start = 1.5;
  double x_target = 8.0;
  std::int64_t horizon = 12;
  double control_weight = 0.03;
  double noise = 0.0;
  bool previous_policy_shown = false;
};

/// The registry's entry.
EnvironmentEntry entry();

}  // namespace turnhalle::control
