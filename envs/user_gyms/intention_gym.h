// A user with a vague wish: find out which of its details are missing, and what they are.
//
// Rules    A wish is of one of eight topics; each has six details of importance 1 to 3
//          (intention_topics.h). The user names some of them at once and leaves the others out. A
//          question that is about missing details is answered with their values.
// Hidden   The values of the details left out; which these are follows from the topic. Drawn per
//          task; nothing is shared between the tasks of a lifecycle.
// Action   [action] a question, recognised by the words of the details it is about; with reward
//          delivery also [answer] a text that names values; [finish]. See user_gym.h.
// Observe  The wish with the details named. To a question: the values of the missing details it is
//          about; "No information found." where it is about none.
// Reward   coverage: a question is worth 1, 0.7, 0.4 for the greatest importance 3, 2, 1 among the
//          details that it covers for the first time, less 0.2 for each but one of them, at least
//          0; divided by what asking for each missing detail alone brings, so that a perfect
//          episode returns 1. delivery: 1 when the answer names the right value of each missing
//          detail and no other of its values, else 0.
// Ends     coverage: all covered (done). delivery: the first answer (done). Both: [finish] (done);
//          turns used up (truncated).
// Options  missing 1..5 ([2, 4]), turns 2..40 (20), reward coverage | delivery (coverage), persona
//          (plain): who the user is
// Expert   Asks for each missing detail alone, the most important first, then delivers: 1.00.
//          Uses no hidden state. Other players: random (any details, any values), demonstrator
//          (imperfect on purpose: most of its questions are about what is not missing, it guesses
//          what it does not know, and of what it knows it gets some wrong; 0.04 of the compact
//          scenario).
// Source   IntentionGym of UserRL, arXiv 2509.19736, and its released code: importances, penalty.
// Differs  Keywords decide what a question covers, not a language model; rewards are divided by
//          the best that is possible; the reward delivery is ours. The released user is shown the
//          hidden details as a whole and may leak them; this one tells what was asked.
#pragma once

#include <cstdint>
#include <utility>

#include "agents/users/persona.h"
#include "core/registry.h"

namespace turnhalle::user_gyms::intention {

enum class Reward : std::uint8_t { coverage, delivery };

struct Options {
  std::pair<std::int64_t, std::int64_t> missing{2, 4};  ///< details; drawn per task
  std::int64_t turns = 20;
  Reward reward = Reward::coverage;
  users::Persona persona;
};

/// The demonstrator's imperfections: how often it asks what is not missing, and says a random
/// value of a detail whose value it was told.
inline constexpr double kIdleQuestion = 0.8;
inline constexpr double kRandomValue = 0.15;

/// What one question is worth, before the division, that covers so many details for the first time,
/// the most important of them of this importance.
double question_reward(std::int64_t importance_max, std::int64_t covered);

/// The registry's entry.
EnvironmentEntry entry();

}  // namespace turnhalle::user_gyms::intention
