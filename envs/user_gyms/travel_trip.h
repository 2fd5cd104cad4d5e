// The tasks of travel_gym: preferences, and the offers that fit them or do not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/rng.h"
#include "envs/user_gyms/travel_table.h"

namespace turnhalle::user_gyms {

inline constexpr std::size_t kOffers = 18;

struct Preference {
  std::size_t feature = 0;
  std::size_t value = 0;
};

struct Offer {
  std::size_t city = 0;
  std::int64_t price = 0;  ///< euros; no two of an aspect are the same
  std::array<std::size_t, kFeatures> values{};
};

/// One of the aspects to book.
struct Booking {
  std::size_t aspect = 0;
  std::vector<Preference> preferences;
  std::vector<Offer> offers;
};

struct Trip {
  std::size_t city = 0;
  std::size_t month = 0;
  std::vector<Booking> bookings;
};

struct TripSize {
  std::size_t aspects = 2;
  std::size_t preferences = 2;  ///< of each aspect
};

/// A pure function of size and key.
Trip draw_trip(const TripSize& size, RandomKey key);

bool fits(const Offer& offer, std::size_t city, std::span<const Preference> preferences);
/// The place of the cheapest fitting offer; the count of offers where none fits.
std::size_t best_of(std::span<const Offer> offers, std::size_t city,
                    std::span<const Preference> preferences);

}  // namespace turnhalle::user_gyms
