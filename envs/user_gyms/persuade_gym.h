// A user with a firm opinion: find the arguments that matter to it, one after the other.
//
// Rules    The user holds a claim at one of seven levels from "strongly agree" to "strongly
//          disagree", at first the highest. It has six concerns out of ten, in an order. An
//          argument about the current one moves it a level and makes the next one current; any
//          other leaves it where it is.
// Hidden   The concerns and their order; drawn per task. Nothing is shared between the tasks of a
//          lifecycle.
// Action   [action] an argument, recognised by words of the ten concerns; one about several of them
//          or none counts as about none; [finish]. See user_gym.h.
// Observe  The level, and a sentence that hints at the current concern without naming it.
// Reward   Levels moved / 6.
// Ends     "Strongly disagree" (done); [finish] (done); turns used up (truncated).
// Options  turns 6..40 (20), persona (plain): who the user is; it neither changes its mind nor
//          leaves here
// Expert   Understands the hint, or asks what matters where none was given: 1.00. Uses no hidden
//          state. Other players: random (a uniform argument every turn), demonstrator (imperfect on
//          purpose: understands half of the hints).
// Source   PersuadeGym of UserRL, arXiv 2509.19736: seven levels, reward per level moved.
// Differs  Concerns and keywords decide what moves the user, not a language model; a level is only
//          ever moved by one. Style compact has the text of style paper.
#pragma once

#include <cstddef>
#include <cstdint>

#include "agents/users/persona.h"
#include "core/registry.h"

namespace turnhalle::user_gyms::persuade {

inline constexpr std::size_t kLevels = 7;

struct Options {
  std::int64_t turns = 20;
  users::Persona persona;
};

/// How often the demonstrator overlooks what the hint says.
inline constexpr double kHintMissed = 0.5;

/// The registry's entry.
EnvironmentEntry entry();

}  // namespace turnhalle::user_gyms::persuade
