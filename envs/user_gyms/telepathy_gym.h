// Twenty questions: the user thinks of something and answers Yes, No or Maybe.
//
// Rules    The user thinks of one of the things of a shipped table (telepathy_table.h) and knows of
//          each property whether it is so, is not so, or depends.
// Hidden   The thing: uniform over the first `entities` of the table, drawn per task. Nothing is
//          shared between the tasks of a lifecycle.
// Action   [action] a question: about one property ("Is it alive?", recognised by its words) or one
//          thing ("Is it an owl?"); [answer] a text that names one thing; [finish]. See user_gym.h
//          for how a reply is read.
// Observe  "Yes", "No" or "Maybe"; "No information found." to a question that is about no or
//          several properties or holds "not". Style paper lists things and properties in the rules
//          and counts the turns; style compact says how many turns there are and then only answers.
// Reward   1 for the first right answer, else 0.
// Ends     The right answer, or as many wrong ones as allowed, or [finish] (done); turns used up
//          (truncated).
// Options  entities 8..72 (72), turns 2..40 (20), answers 1..40 (20), persona (plain): who the user
//          is; it neither changes its mind nor leaves here
// Expert   Asks for the property whose answer is most uncertain over the things that the answers
//          allow (greedy in bits), answers when one is left or in the last turn: 1.00 of the
//          default, 1.00 of 48 things in 8 turns with one answer. Uses no hidden state. Other
//          players: consistent (uniform questions about properties), random (also answers at
//          random), demonstrator (imperfect on purpose: most questions are about what nobody
//          knows, a quarter of its answers are random; 0.05 of the compact scenario).
// Source   TelepathyGym of UserRL, arXiv 2509.19736, and its released code: delta-best reward, an
//          answer does not end the episode unless it is right.
// Differs  The user is a table instead of a language model, with 72 things instead of 401; wrong
//          answers may be limited.
#pragma once

#include <cstdint>

#include "agents/users/persona.h"
#include "core/registry.h"

namespace turnhalle::user_gyms::telepathy {

struct Options {
  std::int64_t entities = 72;
  std::int64_t turns = 20;
  std::int64_t answers = 20;
  users::Persona persona;
};

/// The demonstrator's imperfections: how often it asks what nobody knows, and answers at random.
inline constexpr double kIdleQuestion = 0.85;
inline constexpr double kRandomAnswer = 0.25;

/// The registry's entry.
EnvironmentEntry entry();

}  // namespace turnhalle::user_gyms::telepathy
