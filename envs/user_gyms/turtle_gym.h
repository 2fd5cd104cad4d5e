// A puzzling story: ask yes-or-no questions, then tell what was behind it.
//
// Rules    The user tells the surface of a story. Three things about it are unknown, each one of
//          four possibilities (turtle_stories.h), with weights 0.5, 0.3, 0.2.
// Hidden   Which possibilities are true: uniform, drawn per task with the story. Nothing is shared
//          between the tasks of a lifecycle.
// Action   [action] a question that names possibilities; [answer] the story as the agent sees it,
//          naming possibilities; [finish]. See user_gym.h.
// Observe  "Yes" or "No" to a question that names one possibility, "Maybe" to one that names
//          several, one of them true, "No" to several of which none is; "No information found." to
//          one that names none. An answer: how much of the story it explains.
// Reward   The gain over the best answer before. An answer is worth the sum of weights of the
//          unknowns for which it names the true possibility, half where it names others of the same
//          unknown too.
// Ends     An answer worth 0.9 or more (done); [finish] (done); turns used up (truncated).
// Options  turns 4..40 (20), persona (plain): who the user is; it neither changes its mind nor
//          leaves here
// Expert   Asks about one possibility after the other, the weightiest unknown first, and answers
//          when all are known or in the last turn: 1.00. Uses no hidden state. Other players:
//          random (any questions, then any answer), demonstrator (imperfect on purpose: half of its
//          questions are about anything, known or not).
// Source   TurtleGym of UserRL, arXiv 2509.19736: weighted criteria at 0, 0.5 or 1, delta-best
//          reward, threshold 0.9.
// Differs  Possibilities and keywords instead of language models; five stories with 64 versions
//          each instead of 471. Style compact has the text of style paper.
#pragma once

#include <cstdint>

#include "agents/users/persona.h"
#include "core/registry.h"

namespace turnhalle::user_gyms::turtle {

struct Options {
  std::int64_t turns = 20;
  users::Persona persona;
};

/// How often the demonstrator asks about any possibility, known or not.
inline constexpr double kIdleQuestion = 0.5;

/// The registry's entry.
EnvironmentEntry entry();

}  // namespace turnhalle::user_gyms::turtle
