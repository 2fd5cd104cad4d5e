#include "envs/user_gyms/intention_topics.h"

#include <map>

#include "envs/user_gyms/user_gym.h"

namespace turnhalle::user_gyms {
namespace {

enum DetailIndex : std::size_t {
  kDate,
  kTime,
  kSize,
  kColour,
  kBudget,
  kPlace,
  kPeople,
  kStyle,
  kFood,
  kMusic,
  kMaterial,
  kTransport,
  kDetailCount
};

constexpr std::array<Detail, kDetailCount> kDetails = {{
    {"date",
     "On which date?",
     "date day",
     {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}},
    {"time",
     "At what time?",
     "time hour",
     {"dawn", "morning", "noon", "afternoon", "evening", "midnight"}},
    {"size", "Which size?", "size", {"tiny", "small", "medium", "large", "huge", "giant"}},
    {"colour",
     "Which colour?",
     "colour color",
     {"red", "blue", "green", "yellow", "black", "white"}},
    {"budget",
     "What is the budget?",
     "budget price cost",
     {"frugal", "cheap", "modest", "fair", "costly", "lavish"}},
    {"place",
     "At which place?",
     "place location",
     {"home", "garden", "beach", "park", "office", "hall"}},
    {"people",
     "With which people?",
     "people guests",
     {"alone", "couple", "family", "friends", "team", "crowd"}},
    {"style",
     "In which style?",
     "style",
     {"plain", "classic", "modern", "rustic", "elegant", "playful"}},
    {"food", "Which food?", "food eat meal", {"bread", "soup", "salad", "pasta", "fish", "cheese"}},
    {"music", "Which music?", "music", {"jazz", "rock", "folk", "opera", "techno", "silence"}},
    {"material",
     "Which material?",
     "material",
     {"wood", "steel", "glass", "cotton", "leather", "stone"}},
    {"transport",
     "Which transport?",
     "transport travel",
     {"train", "bus", "car", "bicycle", "boat", "plane"}},
}};

constexpr auto kTopics = std::to_array<Topic>({
    {"party",
     "I am planning a party.",
     {{{kDate, 3}, {kPeople, 3}, {kPlace, 2}, {kFood, 2}, {kColour, 1}, {kMusic, 1}}}},
    {"trip",
     "I would like to go on a trip.",
     {{{kDate, 3}, {kTransport, 3}, {kBudget, 2}, {kPeople, 2}, {kTime, 1}, {kStyle, 1}}}},
    {"cake",
     "I need a cake.",
     {{{kDate, 3}, {kSize, 3}, {kColour, 2}, {kStyle, 2}, {kBudget, 1}, {kPeople, 1}}}},
    {"chair",
     "I am looking for a chair.",
     {{{kSize, 3}, {kMaterial, 3}, {kColour, 2}, {kStyle, 2}, {kBudget, 1}, {kPlace, 1}}}},
    {"concert",
     "I want to hear a concert.",
     {{{kDate, 3}, {kMusic, 3}, {kTime, 2}, {kPlace, 2}, {kBudget, 1}, {kTransport, 1}}}},
    {"dinner",
     "I am giving a dinner.",
     {{{kPeople, 3}, {kFood, 3}, {kTime, 2}, {kPlace, 2}, {kStyle, 1}, {kMusic, 1}}}},
    {"coat",
     "I want to have a coat made.",
     {{{kSize, 3}, {kMaterial, 3}, {kColour, 2}, {kBudget, 2}, {kDate, 1}, {kStyle, 1}}}},
    {"speech",
     "I have to give a speech.",
     {{{kTime, 3}, {kPeople, 3}, {kDate, 2}, {kStyle, 2}, {kSize, 1}, {kPlace, 1}}}},
});

struct Names {
  std::map<std::string, std::size_t, std::less<>> detail_of;
  std::map<std::string, Value, std::less<>> value_of;
  std::array<std::array<std::string, kValuesPerDetail>, kDetailCount> value_names;
};

const Names& names() {
  static const Names kNames = [] {
    Names made;
    for (std::size_t i = 0; i < kDetailCount; ++i) {
      for (const std::string& word : words_of(kDetails[i].words)) made.detail_of[word] = i;
      for (std::size_t j = 0; j < kValuesPerDetail; ++j) {
        made.value_names[i][j] = kDetails[i].values[j];
        made.value_of[made.value_names[i][j]] = {i, j};
      }
    }
    return made;
  }();
  return kNames;
}

}  // namespace

std::size_t detail_count() { return kDetails.size(); }
const Detail& detail(std::size_t index) { return kDetails[index]; }
std::size_t topic_count() { return kTopics.size(); }
const Topic& topic(std::size_t index) { return kTopics[index]; }

std::set<std::size_t> details_in(std::string_view text) {
  std::set<std::size_t> found;
  for (const std::string& word : words_of(text)) {
    const auto place = names().detail_of.find(word);
    if (place != names().detail_of.end()) found.insert(place->second);
  }
  return found;
}

const std::string& name_of(const Value& value) {
  return names().value_names[value.detail][value.index];
}

std::set<Value> values_in(std::string_view text) {
  std::set<Value> found;
  for (const std::string& word : words_of(text)) {
    const auto place = names().value_of.find(word);
    if (place != names().value_of.end()) found.insert(place->second);
  }
  return found;
}

}  // namespace turnhalle::user_gyms
