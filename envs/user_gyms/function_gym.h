// A hidden rule of four numbers: probe it, look at the test, say what the rule makes of it.
//
// Rules    The user knows a rule that makes one number of four, a to d, and a test: four numbers.
//          Probing tells the rule's value for other numbers.
// Hidden   The rule (function_rule.h): rules pairs: one of 36 operations on two of the four, by +,
//          −, ×, max, min; rules arithmetic: one of 3072 expressions that use each of the four
//          once, by +, −, ×, ÷. And the test until it is asked for: whole numbers, uniform. Drawn
//          per task; nothing is shared between the tasks of a lifecycle.
// Action   [action] four numbers within ±1000, separated by blanks or commas, to probe;
//          [search] test, for the test's numbers; [answer] one number; [finish]. See user_gym.h.
// Observe  The value to at most four digits behind the point; "no value" where it divides by
//          zero; the test's numbers; that the test itself may not be probed.
// Reward   1 for an answer within 1e-6 of the test's value (relative where that is above 1), else
//          0.
// Ends     The right answer, or as many wrong ones as allowed, or [finish] (done); turns used up
//          (truncated).
// Options  rules pairs | arithmetic (arithmetic), numbers −99..99 ([1, 9]; in style compact within
//          0..9), turns 3..40 (20), answers 1..40 (20), persona (plain): who the user is; it
//          neither changes its mind nor leaves here
// Expert   Looks at the test first; probes whatever tells most values apart, of a few draws, until
//          all rules that fit agree on the test; 1.00. Uses no hidden state. Other players: random
//          (probes and answers at random), demonstrator (imperfect on purpose: most probes are
//          four zeros, four in ten answers are random; 0.11 of the compact scenario).
// Source   FunctionGym of UserRL, arXiv 2509.19736, and its released code.
// Differs  Rules are drawn from a grammar instead of 538 listed ones. The tolerance is relative
//          above 1.
#pragma once

#include <cstdint>
#include <utility>

#include "agents/users/persona.h"
#include "core/registry.h"

namespace turnhalle::user_gyms::function {

enum class Rules : std::uint8_t { pairs, arithmetic };

struct Options {
  Rules rules = Rules::arithmetic;
  std::pair<std::int64_t, std::int64_t> numbers{1, 9};  ///< of the test, both included
  std::int64_t turns = 20;
  std::int64_t answers = 20;
  users::Persona persona;
};

/// The demonstrator's imperfections: how often it probes four zeros, and answers at random.
inline constexpr double kIdleProbe = 0.95;
inline constexpr double kRandomAnswer = 0.4;

/// The registry's entry.
EnvironmentEntry entry();

}  // namespace turnhalle::user_gyms::function
