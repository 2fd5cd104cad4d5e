// The invented library of search_gym.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/rng.h"

namespace turnhalle::user_gyms {

/// Places of people and rivers count from 0 in their own lists.
struct City {
  std::string name;
  std::size_t mayor = 0;
  std::size_t founder = 0;
  std::size_t river = 0;
};
struct Person {
  std::string name;
  std::size_t born_in = 0;  ///< a city
  std::size_t trade = 0;
};
struct River {
  std::string name;
  std::string mountain;
};

/// As many rivers as cities and twice as many people: the mayors, then the founders.
struct Library {
  std::vector<City> cities;
  std::vector<Person> people;
  std::vector<River> rivers;
  /// One text each of all cities, then all people, then all rivers.
  std::vector<std::string> texts() const;
};

/// At most 24 cities.
Library draw_library(std::size_t cities, RandomKey key);
const std::vector<std::string>& trades();

/// What is asked about a city.
enum class Asked : std::uint8_t {
  mayor_birthplace,
  mayor_trade,
  founder_birthplace,
  founder_trade,
  river_mountain
};
inline constexpr std::size_t kAskedKinds = 5;
std::string question_of(const Library& library, std::size_t city, Asked asked);
std::string answer_of(const Library& library, std::size_t city, Asked asked);
/// The place among the texts of that which holds the answer.
std::size_t second_text(const Library& library, std::size_t city, Asked asked);

}  // namespace turnhalle::user_gyms
