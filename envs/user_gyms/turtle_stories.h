// The stories of turtle_gym.
#pragma once

#include <array>
#include <cstddef>
#include <set>
#include <string_view>

namespace turnhalle::user_gyms {

inline constexpr std::size_t kUnknowns = 3;
inline constexpr std::size_t kPossibilities = 4;
inline constexpr std::array<double, kUnknowns> kUnknownWeights = {0.5, 0.3, 0.2};

/// What is not told: a possibility is recognised by its word, which no other of the story shares.
struct Unknown {
  std::string_view question;  ///< "Was it because of … ?" up to the word
  std::array<std::string_view, kPossibilities> words;
};

struct Story {
  std::string_view surface;
  std::array<Unknown, kUnknowns> unknowns;
};

std::size_t story_count();
const Story& story(std::size_t index);

/// The possibilities of an unknown that a text names.
std::set<std::size_t> possibilities_in(std::string_view text, const Unknown& unknown);

}  // namespace turnhalle::user_gyms
