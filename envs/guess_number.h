// Guess a number: a secret between two bounds, a few guesses, and "Higher" or "Lower".
//
// Rules    A secret whole number lies between low and high. Each wrong guess is answered with
//          whether the secret is higher or lower.
// Hidden   The secret: uniform, drawn per task. Nothing is shared between the tasks of a lifecycle.
// Action   One whole number. The reply may hold any other text, but exactly one run of the digits
//          0 to 9, and its value lies between low and high: "5", "I guess 5." and "**5**" are read
//          as 5; "5 or 6", "ten", "", "-5" (a minus right before the digits) and "3.5" are not.
// Observe  The bounds at the start (style paper also says how to answer), then "Higher" or "Lower".
// Reward   1 for the secret, else 0.
// Ends     The secret named (done), guesses used up (truncated), an unreadable or out-of-range
//          guess (agent_error).
// Options  low 0..999 (1), high 1..1000 (9) above low, guesses 1..64 (3)
// Expert   Bisection, which is optimal: 7 of 9 secrets in 3 guesses (0.778). Other players: random
//          (uniform between the bounds, 0.298), consistent (uniform among what the answers allow,
//          0.569), demonstrator (either of these by a fair coin at every guess, 0.429).
// Source   A classic; the smallest world in which several turns pay off for a pretrained model.
// Differs  -
#pragma once

#include <cstdint>

#include "core/registry.h"

namespace turnhalle::guess_number {

struct Options {
  std::int64_t low = 1;
  std::int64_t high = 9;
  std::int64_t guesses = 3;
};

/// The registry's entry.
EnvironmentEntry entry();

}  // namespace turnhalle::guess_number
