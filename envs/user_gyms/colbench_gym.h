// A user wants a small function and has named only what it is about: ask for the numbers, write it.
//
// Rules    A price depends on an amount x and a mark v (0 or 1), as follows:
//              max(least, base + rate x + (extra where x > limit, else 0)) * (factor where v, else
//              1)
//          The user tells the shape and what x and v are, and knows the six numbers.
// Hidden   The numbers; drawn per task with the subject. Nothing is shared between the tasks of a
//          lifecycle.
// Action   [action] a question, recognised by the names of the numbers it is about; [answer] an
//          expression in x and v (control_expression.h has the language); [finish]. See
//          user_gym.h.
// Observe  The shape; then the numbers that are asked for; "No information found." to a question
//          about none. Whether the answer passes, and why it cannot be read.
// Reward   Share of ten test calls for which the answer gives the function's value within 1e-6.
// Ends     The first answer that can be read (done); [finish] (done); turns used up (truncated).
// Options  turns 2..40 (10), persona (plain): who the user is. Some take more than ten turns, none
//          more than twenty.
// Expert   Asks for one number after the other, then writes the expression: 1.00. Uses no hidden
//          state. Other players: random (any numbers), demonstrator (imperfect on purpose: at each
//          question answers instead with probability 1/3, with any number for what it does not
//          know).
// Source   ColBench of SWEET-RL, arXiv 2503.15478: at most ten rounds, a hidden function, share of
//          ten test calls passed.
// Differs  The function is an expression instead of Python, so nothing has to be run in a sandbox;
//          the user is a table of facts; success means that all calls pass. Style compact has the
//          text of style paper.
#pragma once

#include <cstdint>

#include "agents/users/persona.h"
#include "core/registry.h"

namespace turnhalle::user_gyms::colbench {

struct Options {
  std::int64_t turns = 10;
  users::Persona persona;
};

/// How often the demonstrator answers instead of asking.
inline constexpr double kSkipped = 1.0 / 3.0;

/// The registry's entry.
EnvironmentEntry entry();

}  // namespace turnhalle::user_gyms::colbench
