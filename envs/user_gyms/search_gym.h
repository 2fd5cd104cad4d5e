// A question that needs two look-ups in a small library.
//
// Rules    A library describes invented cities, people and rivers, one text each. A question names
//          a city and asks for something of its mayor, its founder or its river, which stands in
//          another text. A search lists the five best texts (bm25.h).
// Hidden   The library: names and facts are drawn per task. Nothing is shared between the tasks of
//          a lifecycle.
// Action   [search] words; [answer] a name or a trade; [finish]. See user_gym.h.
// Observe  The texts found; that no search is left; that an answer is wrong.
// Reward   1 for the right answer, the same words, else 0.
// Ends     The right answer, or as many wrong ones as allowed, or [finish] (done); turns used up
//          (truncated).
// Options  cities 4..24 (12), searches 2..20 (5), turns 3..40 (20), answers 1..40 (3)
// Expert   Looks the city and its mayor up, then what that text names, then answers: 1.00. Uses no
//          hidden state. Other players: random (any city, any answer out of the library),
//          demonstrator (imperfect on purpose: half of its searches are for any city).
// Source   SearchGym of UserRL, arXiv 2509.19736: five results, five searches, exact answers.
// Differs  An invented library with BM25 instead of the web and Bamboogle. No user, so no persona.
//          Style compact has the text of style paper.
#pragma once

#include <cstdint>

#include "core/registry.h"

namespace turnhalle::user_gyms::search {

struct Options {
  std::int64_t cities = 12;
  std::int64_t searches = 5;
  std::int64_t turns = 20;
  std::int64_t answers = 3;
};

/// How often the demonstrator searches for any city instead of what it needs.
inline constexpr double kIdleSearch = 0.5;

/// The registry's entry.
EnvironmentEntry entry();

}  // namespace turnhalle::user_gyms::search
