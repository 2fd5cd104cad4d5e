#include "envs/user_gyms/search_gym.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/check.h"
#include "envs/option_schema.h"
#include "envs/user_gyms/bm25.h"
#include "envs/user_gyms/gym_family.h"
#include "envs/user_gyms/search_library.h"
#include "envs/user_gyms/user_gym.h"

namespace turnhalle::user_gyms::search {
namespace {

constexpr std::int64_t kCitiesMin = 4;
constexpr std::int64_t kCitiesMax = 24;
constexpr std::int64_t kSearchesMax = 20;
constexpr std::int64_t kTurnsMin = 3;
constexpr std::int64_t kTurnsMax = 40;
constexpr std::size_t kResults = 5;

struct Fixed {
  Options options;
  PromptStyle style = PromptStyle::paper;
  EnvironmentSpec spec;
  users::Persona nobody;
};

// A task as drawn; a pure function of its key. Shared by forks.
struct Drawn {
  Library library;
  std::vector<std::string> texts;
  Bm25 index;
  std::size_t city = 0;
  Asked asked = Asked::mayor_birthplace;

  Drawn(std::size_t cities, RandomKey key)
      : library(draw_library(cities, key)), texts(library.texts()), index(texts) {
    Random random(key.split("question"));
    city = random.below(cities);
    asked = static_cast<Asked>(random.below(kAskedKinds));
  }
};

std::string rules_of(const Options& options) {
  return "Answer the question with the help of a library.\n\n"
         "# Turns\nWrite exactly one of these in each turn; what stands before it is for "
         "yourself:\n[search] words, to see the five texts that fit them best; you have " +
         std::to_string(options.searches) +
         " searches\n[answer] the answer alone, a name or a trade\n[finish] to stop\n\n"
         "# Rewards\nThe right answer gives 1. Wrong answers allowed: " +
         std::to_string(options.answers - 1) + ".\n";
}

class SearchGym final : public UserGym {
 public:
  explicit SearchGym(std::shared_ptr<const Fixed> fixed)
      : UserGym(PromptStyle::paper, fixed->options.turns, fixed->nobody),
        fixed_(std::move(fixed)) {}

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  /// Null before the first reset. Players read only texts that were shown.
  const Drawn* drawn() const { return drawn_.get(); }
  bool shown(std::size_t text) const { return shown_.contains(text); }
  std::int64_t searches_left() const { return fixed_->options.searches - searches_; }

  Opening reset(const Task& task) override {
    begin(task, {0, false});
    key_ = task.task.split("library");
    drawn_ = std::make_shared<const Drawn>(cities(), key_);
    shown_.clear();
    searches_ = 0;
    answers_ = 0;
    const std::string text = question_of(drawn_->library, drawn_->city, drawn_->asked) +
                             " (Turns left: " + std::to_string(turns_max()) + ")";
    const std::string rules = rules_of(fixed_->options);
    if (fixed_->style == PromptStyle::compact) return {"", rules + "\n" + text};
    return {rules, text};
  }

  std::unique_ptr<Environment> fork() const override { return std::make_unique<SearchGym>(*this); }
  void snapshot(ByteWriter& out) const override;
  bool restore(ByteReader& in) override;
  Json hidden_state() const override {
    if (drawn_ == nullptr) return Json::object();
    return {{"answer", answer_of(drawn_->library, drawn_->city, drawn_->asked)},
            {"searches", searches_},
            {"turns", turns()}};
  }

 protected:
  bool offers(Choice choice) const override { return choice != Choice::action; }
  users::SlotWords slot_words(std::size_t) const override { return {}; }
  void act(const GymReply& reply, StepResult& result) override {
    if (reply.choice == Choice::search) {
      look_up(reply.content, result);
      return;
    }
    ++answers_;
    const std::string right = answer_of(drawn_->library, drawn_->city, drawn_->asked);
    if (words_of(reply.content) == words_of(right)) {
      outcome_ = Outcome::done;
      result.reward = 1.0;
      result.parts.push_back({"right", 1.0});
      result.observation = "Right!";
      return;
    }
    result.observation = "That is wrong.";
    if (answers_ >= fixed_->options.answers) outcome_ = Outcome::done;
  }

 private:
  std::size_t cities() const { return static_cast<std::size_t>(fixed_->options.cities); }

  void look_up(std::string_view words, StepResult& result) {
    if (searches_left() <= 0) {
      result.observation = "No searches are left.";
      return;
    }
    ++searches_;
    const std::vector<std::size_t> found = drawn_->index.best(words, kResults);
    if (found.empty()) result.observation = kNothingFound;
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (i > 0) result.observation += "\n";
      result.observation += std::to_string(i + 1) + ". " + drawn_->texts[found[i]];
      shown_.insert(found[i]);
    }
  }

  std::shared_ptr<const Fixed> fixed_;
  RandomKey key_;
  std::shared_ptr<const Drawn> drawn_;
  std::set<std::size_t> shown_;
  std::int64_t searches_ = 0;
  std::int64_t answers_ = 0;
};

void SearchGym::snapshot(ByteWriter& out) const {
  write_progress(out);
  out.boolean(drawn_ != nullptr);
  out.u64(key_.high);
  out.u64(key_.low);
  out.i64(searches_);
  out.i64(answers_);
  out.u64(shown_.size());
  for (const std::size_t text : shown_) out.u64(text);
}

bool SearchGym::restore(ByteReader& in) {
  const bool known = read_progress(in);
  const bool drawn = in.boolean();
  key_.high = in.u64();
  key_.low = in.u64();
  searches_ = in.i64();
  answers_ = in.i64();
  const std::size_t count = in.count();
  if (!in.ok() || !known || !talks_about(0) || (!drawn && outcome_ == Outcome::running) ||
      searches_ < 0 || searches_ > turns() || answers_ < 0 || answers_ > turns()) {
    return false;
  }
  drawn_ = drawn ? std::make_shared<const Drawn>(cities(), key_) : nullptr;
  shown_.clear();
  bool valid = count == 0 || drawn;
  std::size_t last = 0;
  for (std::size_t i = 0; valid && i < count; ++i) {
    const std::size_t text = in.u64();
    valid = in.ok() && text < drawn_->texts.size() && (i == 0 || text > last);
    last = text;
    shown_.insert(text);
  }
  return valid && in.ok();
}

// Players ----------------------------------------------------------------------------------

enum class Strategy : std::uint8_t { expert, random, demonstrator };

class Reader final : public GymPlayer {
 public:
  Reader(Strategy strategy, PromptStyle style) : GymPlayer(style), strategy_(strategy) {}

 protected:
  std::string move(const PlayerView& view, Random& random) override {
    const auto* gym = dynamic_cast<const SearchGym*>(&view.environment);
    check(gym != nullptr && gym->drawn() != nullptr, "a player of search_gym plays search_gym");
    const Drawn& drawn = *gym->drawn();
    const Library& library = drawn.library;
    const std::string any = library.cities[random.below(library.cities.size())].name;
    if (gym->searches_left() > 0) {
      const bool idle = strategy_ == Strategy::random ||
                        (strategy_ == Strategy::demonstrator && random.uniform() < kIdleSearch);
      if (idle) return "[search] " + any;
      if (!gym->shown(drawn.city)) {
        return "[search] the mayor of the city " + library.cities[drawn.city].name;
      }
      if (!gym->shown(second_text(library, drawn.city, drawn.asked))) {
        return "[search] " + bridge(library, drawn);
      }
    }
    const bool knows =
        gym->shown(drawn.city) && gym->shown(second_text(library, drawn.city, drawn.asked));
    if (knows && strategy_ != Strategy::random) {
      return "[answer] " + answer_of(library, drawn.city, drawn.asked);
    }
    return "[answer] " + (random.chance(1, 2) ? any : trades()[random.below(trades().size())]);
  }

 private:
  // What the city's text names and the question is about.
  static std::string bridge(const Library& library, const Drawn& drawn) {
    const City& city = library.cities[drawn.city];
    if (drawn.asked == Asked::river_mountain) return "river " + library.rivers[city.river].name;
    const bool mayor = drawn.asked == Asked::mayor_birthplace || drawn.asked == Asked::mayor_trade;
    return library.people[mayor ? city.mayor : city.founder].name;
  }

  Strategy strategy_;
};

std::shared_ptr<const EnvironmentFamily> make_family(const Options& options, PromptStyle style) {
  auto fixed = std::make_shared<Fixed>();
  fixed->options = options;
  fixed->style = style;
  fixed->spec.name = "search_gym";
  fixed->spec.action_grammar = "[search] words, [answer] name, or [finish]";
  fixed->spec.turns_max = options.turns;
  return make_gym_family<SearchGym, Reader>(std::move(fixed), wordy_context(style),
                                            usual_roles<Strategy>());
}

std::shared_ptr<const EnvironmentFamily> read_family(JsonObject object, PromptStyle style) {
  Options options;
  options.cities = object.integer("cities", {kCitiesMin, kCitiesMax}, options.cities);
  options.searches = object.integer("searches", {2, kSearchesMax}, options.searches);
  options.turns = object.integer("turns", {kTurnsMin, kTurnsMax}, options.turns);
  options.answers = object.integer("answers", {1, kTurnsMax}, options.answers);
  object.finish();
  return make_family(options, style);
}

Json options_schema() {
  return options_object({{"cities", with_default(integer_schema(kCitiesMin, kCitiesMax), 12)},
                         {"searches", with_default(integer_schema(2, kSearchesMax), 5)},
                         {"turns", with_default(integer_schema(kTurnsMin, kTurnsMax), 20)},
                         {"answers", with_default(integer_schema(1, kTurnsMax), 3)}});
}

}  // namespace

EnvironmentEntry entry() {
  return {"search_gym",
          "a question that needs two look-ups in a small invented library",
          {"demonstrator", "expert", "random"},
          read_family,
          options_schema()};
}

}  // namespace turnhalle::user_gyms::search
