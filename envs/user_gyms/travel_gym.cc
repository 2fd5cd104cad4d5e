#include "envs/user_gyms/travel_gym.h"

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/text.h"
#include "envs/option_schema.h"
#include "envs/user_gyms/gym_family.h"
#include "envs/user_gyms/travel_table.h"
#include "envs/user_gyms/travel_trip.h"
#include "envs/user_gyms/user_gym.h"

namespace turnhalle::user_gyms::travel {
namespace {

constexpr std::int64_t kTurnsMin = 4;
constexpr std::int64_t kTurnsMax = 40;
constexpr std::int64_t kIdleMax = 3;        // questions without a preference before it volunteers
constexpr std::int64_t kSearchFailure = 5;  // every so many searches one fails
constexpr double kOtherFitting = 0.8;

std::string rules_of(const Options& options) {
  std::string text =
      "You book a trip for the user. Draw out what it likes, search, and book what fits.\n\n"
      "# Turns\nWrite exactly one of these in each turn; what stands before it is for yourself:\n"
      "[action] a question about one feature of an aspect\n"
      "[search] an aspect with the city and the month, to list its offers\n"
      "[answer] the name of one offer, such as F7; once for each aspect\n"
      "[finish] to stop\n\n"
      "# Rewards\nThe cheapest offer in the city that fits all preferences is best; another one "
      "that fits is worth a little less.\n\n# Aspects and their features\n";
  for (std::size_t i = 0; i < kAspects; ++i) {
    text += std::string(aspect(i).name) + ":";
    for (const Feature& feature : aspect(i).features) {
      text += " " + std::string(feature.name) + " (" + std::string(feature.values[0]) + ", " +
              std::string(feature.values[1]) + ", " + std::string(feature.values[2]) + ")";
    }
    text += "\n";
  }
  return text +
         "\nPreferences of the user about each aspect: " + std::to_string(options.preferences) +
         "\n";
}

struct Fixed {
  Options options;
  PromptStyle style = PromptStyle::paper;
  EnvironmentSpec spec;
  std::string rules;
};

// What the agent has found out about one booking.
struct Found {
  bool listed = false;
  bool taken = false;
  std::uint8_t indifferent = 0;  ///< bits of features about which there is no preference
};

class TravelGym final : public UserGym {
 public:
  explicit TravelGym(std::shared_ptr<const Fixed> fixed)
      : UserGym(PromptStyle::paper, fixed->options.turns, fixed->options.persona),
        fixed_(std::move(fixed)) {}

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  const Options& options() const { return fixed_->options; }
  const Trip& trip() const { return trip_; }
  const Found& found(std::size_t place) const { return found_[place]; }
  /// The preferences that were told.
  std::vector<Preference> told(std::size_t place) const {
    std::vector<Preference> told;
    const std::vector<Preference>& all = trip_.bookings[place].preferences;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (user().told(place * all.size() + i)) told.push_back(all[i]);
    }
    return told;
  }

  Opening reset(const Task& task) override;
  std::unique_ptr<Environment> fork() const override { return std::make_unique<TravelGym>(*this); }
  void snapshot(ByteWriter& out) const override;
  bool restore(ByteReader& in) override;
  Json hidden_state() const override;

 protected:
  bool offers(Choice) const override { return true; }
  users::SlotWords slot_words(std::size_t slot) const override {
    const std::size_t each = preferences();
    const Booking& booking = trip_.bookings[slot / each];
    const Preference& wish = booking.preferences[slot % each];
    return {"", std::string(aspect(booking.aspect).features[wish.feature].hints[wish.value])};
  }
  void act(const GymReply& reply, StepResult& result) override {
    if (reply.choice == Choice::action) {
      reply_to(reply.content, result);
    } else if (reply.choice == Choice::search) {
      search(reply.content, result);
    } else {
      take(reply.content, result);
    }
  }

 private:
  std::size_t aspects() const { return static_cast<std::size_t>(fixed_->options.aspects); }
  std::size_t preferences() const { return static_cast<std::size_t>(fixed_->options.preferences); }
  void reply_to(std::string_view question, StepResult& result);
  void search(std::string_view query, StepResult& result);
  void take(std::string_view name, StepResult& result);
  std::string list(const Booking& booking) const;
  /// The place of an aspect in the trip; the count of bookings where it is not one of them.
  std::size_t place_of(std::size_t wanted) const {
    std::size_t place = 0;
    while (place < trip_.bookings.size() && trip_.bookings[place].aspect != wanted) ++place;
    return place;
  }

  std::shared_ptr<const Fixed> fixed_;
  RandomKey key_;
  Trip trip_;
  std::vector<Found> found_;
  std::int64_t idle_ = 0;
  std::int64_t searches_ = 0;
};

Opening TravelGym::reset(const Task& task) {
  begin(task, {aspects() * preferences(), true, false});
  key_ = task.task.split("trip");
  trip_ = draw_trip({aspects(), preferences()}, key_);
  found_.assign(trip_.bookings.size(), {});
  idle_ = 0;
  searches_ = 0;
  std::string text = "I am going to " + std::string(kCities[trip_.city]) + " in " +
                     std::string(kMonths[trip_.month]) + ". Please book me:";
  for (const Booking& booking : trip_.bookings) {
    text += " " + std::string(aspect(booking.aspect).name) + ",";
  }
  text.back() = '.';
  text += " (Turns left: " + std::to_string(turns_max()) + ")";
  if (fixed_->style == PromptStyle::compact) return {"", fixed_->rules + "\n" + text};
  return {fixed_->rules, text};
}

void TravelGym::reply_to(std::string_view question, StepResult& result) {
  const std::optional<FeaturePlace> asked = feature_in(question);
  const std::size_t place = asked ? place_of(asked->aspect) : trip_.bookings.size();
  std::set<std::size_t> slots;
  bool indifferent = false;
  if (place < trip_.bookings.size()) {
    const std::vector<Preference>& wishes = trip_.bookings[place].preferences;
    for (std::size_t i = 0; i < wishes.size(); ++i) {
      if (wishes[i].feature == asked->feature) slots.insert(place * wishes.size() + i);
    }
    indifferent = slots.empty();
    if (indifferent) {
      found_[place].indifferent =
          static_cast<std::uint8_t>(found_[place].indifferent | 1U << asked->feature);
    }
  }
  idle_ = slots.empty() ? idle_ + 1 : 0;
  std::vector<users::Move> moves = ask_user(slots);
  const auto is_empty = [](const users::Move& move) { return users::empty_handed(move.act); };
  const bool silent = std::none_of(moves.begin(), moves.end(),
                                   [](const users::Move& move) { return users::tells(move.act); });
  if (idle_ >= kIdleMax && silent && !user().left()) {
    std::erase_if(moves, is_empty);
    const std::vector<users::Move> more = volunteer_one();
    moves.insert(moves.begin(), more.begin(), more.end());
    idle_ = 0;
  }
  if (indifferent) std::erase_if(moves, is_empty);
  if (indifferent) result.observation = "I do not mind either way.";
  if (indifferent && !moves.empty()) result.observation += " ";
  if (!moves.empty()) result.observation += in_words(moves);
}

std::string TravelGym::list(const Booking& booking) const {
  const Aspect& offered = aspect(booking.aspect);
  std::string text = "Offers:";
  for (std::size_t i = 0; i < booking.offers.size(); ++i) {
    const Offer& offer = booking.offers[i];
    text += std::string("\n") + offered.letter + std::to_string(i + 1) + " " +
            std::string(kCities[offer.city]) + " " + std::to_string(offer.price) + " euros:";
    for (std::size_t j = 0; j < kFeatures; ++j) {
      text += " " + std::string(offered.features[j].values[offer.values[j]]);
    }
  }
  return text;
}

void TravelGym::search(std::string_view query, StepResult& result) {
  if (++searches_ % kSearchFailure == 0) {
    result.observation = "The system does not answer. Search again.";
    return;
  }
  const std::vector<std::string> words = words_of(query);
  const auto names = [&](std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  std::vector<std::size_t> named;
  for (std::size_t i = 0; i < trip_.bookings.size(); ++i) {
    if (names(aspect(trip_.bookings[i].aspect).name)) named.push_back(i);
  }
  if (named.size() != 1 || !names(kCities[trip_.city]) || !names(kMonths[trip_.month])) {
    result.observation = "A search names one of the aspects to book, the city and the month.";
    return;
  }
  found_[named.front()].listed = true;
  result.observation = list(trip_.bookings[named.front()]);
}

void TravelGym::take(std::string_view name, StepResult& result) {
  result.observation = "That names no offer that is left to book.";
  std::int64_t number = 0;
  if (name.size() < 2 || name.size() > 3 || name[1] < '1' || name[1] > '9' ||
      !parse_integer(name.substr(1), number) || number > static_cast<std::int64_t>(kOffers)) {
    return;
  }
  std::size_t place = 0;
  while (place < found_.size() && aspect(trip_.bookings[place].aspect).letter != name[0]) ++place;
  if (place == found_.size() || found_[place].taken) return;
  const Booking& booking = trip_.bookings[place];
  const auto taken = static_cast<std::size_t>(number - 1);
  double worth = fits(booking.offers[taken], trip_.city, booking.preferences) ? kOtherFitting : 0.0;
  if (taken == best_of(booking.offers, trip_.city, booking.preferences)) worth = 1.0;
  found_[place].taken = true;
  result.reward = worth / static_cast<double>(found_.size());
  const std::string part(aspect(booking.aspect).name);
  if (worth > 0.0) result.parts.push_back({part, result.reward});
  result.observation = std::string(name) + " is booked.";
  if (std::all_of(found_.begin(), found_.end(), [](const Found& f) { return f.taken; })) {
    outcome_ = Outcome::done;
  }
}

void TravelGym::snapshot(ByteWriter& out) const {
  write_progress(out);
  out.u64(key_.high);
  out.u64(key_.low);
  out.i64(idle_);
  out.i64(searches_);
  out.u64(found_.size());
  for (const Found& found : found_) {
    out.boolean(found.listed);
    out.boolean(found.taken);
    out.u8(found.indifferent);
  }
}

bool TravelGym::restore(ByteReader& in) {
  bool valid = read_progress(in);
  key_.high = in.u64();
  key_.low = in.u64();
  idle_ = in.i64();
  searches_ = in.i64();
  const std::size_t count = in.count(3);
  valid = valid && idle_ >= 0 && idle_ <= turns() && searches_ >= 0 && searches_ <= turns();
  const bool drawn = count == aspects();
  if (!in.ok() || !valid || !(drawn || (count == 0 && outcome_ != Outcome::running))) return false;
  found_.assign(count, {});
  for (Found& found : found_) {
    found.listed = in.boolean();
    found.taken = in.boolean();
    found.indifferent = in.u8();
    valid = valid && found.indifferent < (1U << kFeatures);
  }
  trip_ = drawn ? draw_trip({aspects(), preferences()}, key_) : Trip{};
  const std::size_t each = preferences();
  return in.ok() && valid && (drawn ? user().slots() == count * each : user().slots() == 0);
}

Json TravelGym::hidden_state() const {
  Json wishes = Json::object();
  for (std::size_t i = 0; i < trip_.bookings.size(); ++i) {
    const Booking& booking = trip_.bookings[i];
    const Aspect& wanted = aspect(booking.aspect);
    Json wish = Json::object();
    for (const Preference& preference : booking.preferences) {
      const Feature& feature = wanted.features[preference.feature];
      wish[std::string(feature.name)] = std::string(feature.values[preference.value]);
    }
    const std::size_t best = best_of(booking.offers, trip_.city, booking.preferences);
    wish["best"] = std::string(1, wanted.letter) + std::to_string(best + 1);
    wishes[std::string(wanted.name)] = wish;
  }
  return {{"wishes", wishes}, {"turns", turns()}};
}

// Players ----------------------------------------------------------------------------------

enum class Strategy : std::uint8_t { expert, random, demonstrator };

class Agency final : public GymPlayer {
 public:
  Agency(Strategy strategy, PromptStyle style) : GymPlayer(style), strategy_(strategy) {}

 protected:
  std::string move(const PlayerView& view, Random& random) override {
    const auto* gym = dynamic_cast<const TravelGym*>(&view.environment);
    check(gym != nullptr, "a player of travel_gym plays travel_gym");
    const std::vector<Booking>& bookings = gym->trip().bookings;
    std::size_t place = 0;
    while (place < bookings.size() && gym->found(place).taken) ++place;
    if (place == bookings.size()) return "[finish]";
    const Found& found = gym->found(place);
    const std::vector<Preference> told = gym->told(place);
    const bool knows_all = static_cast<std::int64_t>(told.size()) >= gym->options().preferences;
    const bool waits = strategy_ == Strategy::expert ||
                       (strategy_ == Strategy::demonstrator && random.uniform() >= kSkipped);
    if (!found.listed && !knows_all && waits && !gym->user().left()) {
      return ask(bookings[place], found, told);
    }
    if (!found.listed) return search(gym->trip(), bookings[place]);
    return take(*gym, bookings[place], told, random);
  }

 private:
  // The first feature of which nothing is known.
  static std::string ask(const Booking& booking, const Found& found,
                         const std::vector<Preference>& told) {
    const auto is_open = [&](std::size_t feature) {
      return (found.indifferent >> feature & 1U) == 0 &&
             std::none_of(told.begin(), told.end(),
                          [&](const Preference& wish) { return wish.feature == feature; });
    };
    std::size_t feature = 0;
    while (feature + 1 < kFeatures && !is_open(feature)) ++feature;
    const Aspect& asked = aspect(booking.aspect);
    return "[action] Which " + std::string(asked.features[feature].name) + " would you like?";
  }

  static std::string search(const Trip& trip, const Booking& booking) {
    return "[search] " + std::string(aspect(booking.aspect).name) + " " +
           std::string(kCities[trip.city]) + " " + std::string(kMonths[trip.month]);
  }

  std::string take(const TravelGym& gym, const Booking& booking,
                   const std::vector<Preference>& told, Random& random) const {
    std::size_t taken = best_of(booking.offers, gym.trip().city, told);
    if (strategy_ == Strategy::random) taken = random.below(kOffers);
    return std::string("[answer] ") + aspect(booking.aspect).letter + std::to_string(taken + 1);
  }

  Strategy strategy_;
};

std::shared_ptr<const EnvironmentFamily> make_family(const Options& options, PromptStyle style) {
  auto fixed = std::make_shared<Fixed>();
  fixed->options = options;
  fixed->style = style;
  fixed->rules = rules_of(options);
  fixed->spec.name = "travel_gym";
  fixed->spec.action_grammar = "[action] question, [search] query, [answer] offer, or [finish]";
  fixed->spec.turns_max = options.turns;
  fixed->spec.success_from = 0.999;  // a sum of parts
  return make_gym_family<TravelGym, Agency>(std::move(fixed), wordy_context(style),
                                            usual_roles<Strategy>());
}

std::shared_ptr<const EnvironmentFamily> read_family(JsonObject object, PromptStyle style) {
  Options options;
  options.aspects = object.integer("aspects", {1, kAspects}, options.aspects);
  options.preferences = object.integer("preferences", {1, kFeatures}, options.preferences);
  options.turns = object.integer("turns", {kTurnsMin, kTurnsMax}, options.turns);
  options.persona = users::persona_option(object);
  object.finish();
  return make_family(options, style);
}

Json options_schema() {
  return options_object({{"aspects", with_default(integer_schema(1, kAspects), 2)},
                         {"preferences", with_default(integer_schema(1, kFeatures), 2)},
                         {"turns", with_default(integer_schema(kTurnsMin, kTurnsMax), 20)},
                         {"persona", users::persona_option_schema()}});
}

}  // namespace

EnvironmentEntry entry() {
  return {"travel_gym",
          "a traveller whose wishes are drawn out, searched for and booked",
          {"demonstrator", "expert", "random"},
          read_family,
          options_schema()};
}

}  // namespace turnhalle::user_gyms::travel
