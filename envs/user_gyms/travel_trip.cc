#include "envs/user_gyms/travel_trip.h"

#include <algorithm>
#include <numeric>

namespace turnhalle::user_gyms {
namespace {

constexpr std::size_t kFitting = 3;
constexpr std::size_t kElsewhere = 5;

Offer draw_offer(std::size_t city, Random& random) {
  Offer offer;
  offer.city = city;
  for (std::size_t& value : offer.values) value = random.below(kFeatureValues);
  return offer;
}

void draw_offers(Booking& booking, std::size_t city, Random& random) {
  for (std::size_t i = 0; i < kOffers; ++i) {
    Offer offer = draw_offer(city, random);
    if (i < kFitting) {
      for (const Preference& wish : booking.preferences) offer.values[wish.feature] = wish.value;
    } else if (i < kFitting + kElsewhere) {
      offer.city = (city + 1 + random.below(kCities.size() - 1)) % kCities.size();
    } else {
      while (fits(offer, city, booking.preferences)) offer = draw_offer(city, random);
    }
    booking.offers.push_back(offer);
  }
  random.shuffle(std::span<Offer>(booking.offers));
  std::array<std::int64_t, kOffers> prices{};
  std::iota(prices.begin(), prices.end(), 0);
  random.shuffle(std::span<std::int64_t>(prices));
  for (std::size_t i = 0; i < kOffers; ++i) booking.offers[i].price = 40 + 7 * prices[i];
}

}  // namespace

bool fits(const Offer& offer, std::size_t city, std::span<const Preference> preferences) {
  return offer.city == city &&
         std::all_of(preferences.begin(), preferences.end(), [&](const Preference& preference) {
           return offer.values[preference.feature] == preference.value;
         });
}

std::size_t best_of(std::span<const Offer> offers, std::size_t city,
                    std::span<const Preference> preferences) {
  std::size_t best = offers.size();
  for (std::size_t i = 0; i < offers.size(); ++i) {
    if (!fits(offers[i], city, preferences)) continue;
    if (best == offers.size() || offers[i].price < offers[best].price) best = i;
  }
  return best;
}

Trip draw_trip(const TripSize& size, RandomKey key) {
  Random random(key);
  Trip trip;
  trip.city = random.below(kCities.size());
  trip.month = random.below(kMonths.size());
  std::array<std::size_t, kAspects> aspects{};
  std::iota(aspects.begin(), aspects.end(), std::size_t{0});
  random.shuffle(std::span<std::size_t>(aspects));
  for (std::size_t i = 0; i < size.aspects; ++i) {
    Booking booking;
    booking.aspect = aspects[i];
    std::array<std::size_t, kFeatures> features{};
    std::iota(features.begin(), features.end(), std::size_t{0});
    random.shuffle(std::span<std::size_t>(features));
    for (std::size_t j = 0; j < size.preferences; ++j) {
      booking.preferences.push_back({features[j], random.below(kFeatureValues)});
    }
    draw_offers(booking, trip.city, random);
    trip.bookings.push_back(std::move(booking));
  }
  return trip;
}

}  // namespace turnhalle::user_gyms
