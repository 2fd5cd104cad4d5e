// A traveller whose wishes are to be drawn out, to be searched for, and to be booked.
//
// Rules    The user goes to a city in a month and has to book some of five aspects: flight, hotel,
//          restaurant, apartment, car. On each it has preferences about features
//          (travel_table.h). A search lists the 18 offers of an aspect: three fit all preferences,
//          ten do not, five are somewhere else; the cheapest that fits is the best.
// Hidden   The preferences and the offers; drawn per task. Nothing is shared between the tasks of a
//          lifecycle.
// Action   [action] a question about one feature; [search] a query that names one aspect, the city
//          and the month; [answer] the name of one offer, such as F7, one per aspect; [finish]. See
//          user_gym.h.
// Observe  A preference as a hint that does not name the value; that there is none; after three
//          questions in a row that brought none, one unasked. A list of offers; every fifth search
//          fails. That an offer is taken.
// Reward   Per aspect 1 for the best offer, 0.8 for another that fits, else 0; divided by the
//          number of aspects.
// Ends     An offer taken for each aspect (done); [finish] (done); turns used up (truncated).
// Options  aspects 1..5 (2), preferences 1..4 of each aspect (2), turns 4..40 (20), persona
//          (plain): who the user is; it does not change its mind here
// Expert   Asks about one feature after the other until it knows as many preferences of an aspect
//          as the rules say that there are, searches, takes the cheapest that fits: 1.00. Uses no
//          hidden state. Other players: random (takes any offer after a search), demonstrator
//          (imperfect on purpose: searches and takes without waiting for all preferences).
// Source   TravelGym of UserRL (arXiv 2509.19736) and UserBench (2507.22034): four types of
//          questions, implicit preferences, passive elicitation after three, failing searches.
// Differs  Words decide instead of language models; the rules say how many preferences there
//          are; no rewards for single steps. Style compact has the text of style paper.
#pragma once

#include <cstdint>

#include "agents/users/persona.h"
#include "core/registry.h"

namespace turnhalle::user_gyms::travel {

struct Options {
  std::int64_t aspects = 2;
  std::int64_t preferences = 2;  ///< of each aspect
  std::int64_t turns = 20;
  users::Persona persona;
};

/// How often the demonstrator goes on to the search although a preference is open.
inline constexpr double kSkipped = 0.5;

/// The registry's entry.
EnvironmentEntry entry();

}  // namespace turnhalle::user_gyms::travel
