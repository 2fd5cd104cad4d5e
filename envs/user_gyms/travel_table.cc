#include "envs/user_gyms/travel_table.h"

#include <algorithm>
#include <string>
#include <vector>

#include "envs/user_gyms/user_gym.h"

namespace turnhalle::user_gyms {
namespace {

constexpr Aspect kTable[kAspects] = {
    {"flight",
     'F',
     {{{"departure",
        {"dawn", "noon", "night"},
        {"I am up before the birds", "I want to sleep in and still see something of the day",
         "I get my best rest while others drive me"}},
       {"luggage",
        {"cabin", "checked", "oversize"},
        {"Everything I need fits under a chair", "I carry more than my arms can hold",
         "I never go anywhere without my cello"}},
       {"meal",
        {"vegetarian", "kosher", "regular"},
        {"I do not eat animals", "My rabbi decides what I eat", "I eat whatever there is"}},
       {"seat",
        {"window", "aisle", "legroom"},
        {"I love to watch the clouds", "I get up a lot and climb over nobody",
         "My knees always hit what is in front of them"}}}}},
    {"hotel",
     'H',
     {{{"view",
        {"ocean", "city", "garden"},
        {"I want to hear waves", "I like lights and traffic below me",
         "I calm down when I see flowers"}},
       {"bed",
        {"twin", "double", "bunk"},
        {"My sister comes along and kicks in her sleep", "We cuddle", "The boys want to climb"}},
       {"breakfast",
        {"buffet", "continental", "packed"},
        {"I like to try a bit of everything", "Coffee and a croissant will do",
         "I am out on the trail before they open"}},
       {"area",
        {"downtown", "suburb", "airport"},
        {"I want to step out right into the bustle", "I like it where families live",
         "I leave so early that every minute counts"}}}}},
    {"restaurant",
     'R',
     {{{"cuisine",
        {"italian", "indian", "japanese"},
        {"I could live on pasta", "It cannot be spicy enough", "I eat with sticks"}},
       {"seating",
        {"terrace", "booth", "counter"},
        {"I want fresh air while I eat", "I want to be among ourselves",
         "I like to watch the cook"}},
       {"atmosphere",
        {"quiet", "lively", "romantic"},
        {"I want to hear my own words", "It should feel like a feast", "I am going to propose"}},
       {"menu",
        {"tasting", "set", "children"},
        {"Ten small things rather than a big one", "I do not want to choose",
         "The little one eats only noodles"}}}}},
    {"apartment",
     'A',
     {{{"floor",
        {"ground", "middle", "top"},
        {"I cannot climb stairs", "Neither burglars nor a leaking roof, please",
         "Nobody should walk about above my head"}},
       {"kitchen",
        {"full", "kitchenette", "shared"},
        {"I cook for six every evening", "I only make tea",
         "I like to meet the others at the stove"}},
       {"outdoor",
        {"balcony", "yard", "rooftop"},
        {"I smoke one after dinner, a step from the sofa", "The dog has to run",
         "I want to see the stars"}},
       {"entrance",
        {"keypad", "doorman", "keys"},
        {"I lose everything I carry", "Somebody should take my parcels",
         "I trust metal, not gadgets"}}}}},
    {"car",
     'C',
     {{{"size",
        {"compact", "sedan", "van"},
        {"I park badly", "Four of us, and we like comfort", "There are eight of us"}},
       {"gearbox",
        {"manual", "automatic", "sequential"},
        {"I like to feel the engine through my hand", "My left foot is in plaster",
         "I race at weekends"}},
       {"fuel",
        {"electric", "diesel", "petrol"},
        {"I want to leave no fumes", "I drive very far without a stop",
         "I take what every station has"}},
       {"extra",
        {"childseat", "chains", "navigator"},
        {"The baby comes along", "There will be snow on the pass", "I always get lost"}}}}},
};

}  // namespace

const Aspect& aspect(std::size_t index) { return kTable[index]; }

std::optional<FeaturePlace> feature_in(std::string_view text) {
  const std::vector<std::string> words = words_of(text);
  std::optional<FeaturePlace> found;
  for (std::size_t i = 0; i < kAspects; ++i) {
    for (std::size_t j = 0; j < kFeatures; ++j) {
      const std::string_view name = kTable[i].features[j].name;
      if (std::find(words.begin(), words.end(), name) == words.end()) continue;
      if (found) return std::nullopt;
      found = FeaturePlace{i, j};
    }
  }
  return found;
}

}  // namespace turnhalle::user_gyms
