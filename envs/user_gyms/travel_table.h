// What can be booked in travel_gym, and how users hint at what they like.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace turnhalle::user_gyms {

inline constexpr std::size_t kAspects = 5;
inline constexpr std::size_t kFeatures = 4;
inline constexpr std::size_t kFeatureValues = 3;

/// One feature of an offer. Its name belongs to one aspect only, so a question about it holds it.
struct Feature {
  std::string_view name;
  std::array<std::string_view, kFeatureValues> values;
  /// What a user says who wants the value; never the value itself.
  std::array<std::string_view, kFeatureValues> hints;
};

struct Aspect {
  std::string_view name;
  char letter;  ///< of its offers' names
  std::array<Feature, kFeatures> features;
};

const Aspect& aspect(std::size_t index);

/// The only aspect and feature whose name a text holds.
struct FeaturePlace {
  std::size_t aspect = 0;
  std::size_t feature = 0;
  bool operator==(const FeaturePlace&) const = default;
};
std::optional<FeaturePlace> feature_in(std::string_view text);

/// Where and when one can go.
inline constexpr std::array<std::string_view, 6> kCities = {"lisbon", "oslo",   "prague",
                                                            "athens", "dublin", "vienna"};
inline constexpr std::array<std::string_view, 6> kMonths = {"january", "march",     "may",
                                                            "july",    "september", "november"};

}  // namespace turnhalle::user_gyms
