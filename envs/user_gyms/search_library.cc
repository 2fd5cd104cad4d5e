#include "envs/user_gyms/search_library.h"

#include <set>
#include <utility>

#include "core/check.h"

namespace turnhalle::user_gyms {
namespace {

constexpr std::size_t kCitiesMax = 24;

// Different names of two or three syllables, none of them an English word of the texts.
class Names {
 public:
  explicit Names(RandomKey key) : random_(key) {}

  std::string next() {
    constexpr std::string_view kConsonants = "bdfgklmnprstvz";
    constexpr std::string_view kVowels = "aeiou";
    while (true) {
      std::string name;
      const std::uint64_t syllables = 2 + random_.below(2);
      for (std::uint64_t i = 0; i < syllables; ++i) {
        name += kConsonants[random_.below(kConsonants.size())];
        name += kVowels[random_.below(kVowels.size())];
      }
      name += kConsonants[random_.below(kConsonants.size())];
      name[0] = static_cast<char>(name[0] - 'a' + 'A');
      if (used_.insert(name).second) return name;
    }
  }

 private:
  Random random_;
  std::set<std::string> used_;
};

std::string text_of(const Library& library, const City& city) {
  return city.name + " is a city on the river " + library.rivers[city.river].name +
         ". Its mayor is " + library.people[city.mayor].name + ". It was founded by " +
         library.people[city.founder].name + ".";
}

std::string text_of(const Library& library, const Person& person) {
  return person.name + " was born in " + library.cities[person.born_in].name + ". By trade " +
         person.name + " is a " + trades()[person.trade] + ".";
}

std::string text_of(const River& river) {
  return "The river " + river.name + " rises on the mountain " + river.mountain + ".";
}

std::size_t person_of(const City& city, Asked asked) {
  const bool mayor = asked == Asked::mayor_birthplace || asked == Asked::mayor_trade;
  return mayor ? city.mayor : city.founder;
}

}  // namespace

const std::vector<std::string>& trades() {
  static const std::vector<std::string> kTrades = {"baker",  "tailor", "mason",     "fisher",
                                                   "smith",  "potter", "gardener",  "clerk",
                                                   "doctor", "miller", "carpenter", "singer"};
  return kTrades;
}

Library draw_library(std::size_t cities, RandomKey key) {
  check(cities >= 1 && cities <= kCitiesMax, "a library of a known size", cities);
  Library library;
  Names names(key.split("names"));
  Random random(key.split("facts"));
  for (std::size_t i = 0; i < cities; ++i) {
    library.cities.push_back({names.next(), i, cities + i, i});
  }
  for (std::size_t i = 0; i < 2 * cities; ++i) {
    Person person;
    person.name = names.next();
    person.name += " " + names.next();
    person.born_in = random.below(cities);
    person.trade = random.below(trades().size());
    library.people.push_back(std::move(person));
  }
  for (std::size_t i = 0; i < cities; ++i) library.rivers.push_back({names.next(), names.next()});
  return library;
}

std::vector<std::string> Library::texts() const {
  std::vector<std::string> all;
  for (const City& city : cities) all.push_back(text_of(*this, city));
  for (const Person& person : people) all.push_back(text_of(*this, person));
  for (const River& river : rivers) all.push_back(text_of(river));
  return all;
}

std::string question_of(const Library& library, std::size_t city, Asked asked) {
  const std::string& name = library.cities[city].name;
  switch (asked) {
    case Asked::mayor_birthplace:
      return "In which city was the mayor of " + name + " born?";
    case Asked::mayor_trade:
      return "What is the trade of the mayor of " + name + "?";
    case Asked::founder_birthplace:
      return "In which city was the founder of " + name + " born?";
    case Asked::founder_trade:
      return "What was the trade of the founder of " + name + "?";
    case Asked::river_mountain:
      break;
  }
  return "On which mountain does the river of " + name + " rise?";
}

std::string answer_of(const Library& library, std::size_t city, Asked asked) {
  const City& place = library.cities[city];
  if (asked == Asked::river_mountain) return library.rivers[place.river].mountain;
  const Person& person = library.people[person_of(place, asked)];
  const bool born = asked == Asked::mayor_birthplace || asked == Asked::founder_birthplace;
  return born ? library.cities[person.born_in].name : trades()[person.trade];
}

std::size_t second_text(const Library& library, std::size_t city, Asked asked) {
  const City& place = library.cities[city];
  const std::size_t cities = library.cities.size();
  if (asked == Asked::river_mountain) return cities + library.people.size() + place.river;
  return cities + person_of(place, asked);
}

}  // namespace turnhalle::user_gyms
