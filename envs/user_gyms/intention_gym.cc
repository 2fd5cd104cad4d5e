#include "envs/user_gyms/intention_gym.h"

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/text.h"
#include "envs/option_schema.h"
#include "envs/user_gyms/gym_family.h"
#include "envs/user_gyms/intention_topics.h"
#include "envs/user_gyms/user_gym.h"

namespace turnhalle::user_gyms::intention {

double question_reward(std::int64_t importance_max, std::int64_t covered) {
  static constexpr std::array<double, 4> kBase = {0.0, 0.4, 0.7, 1.0};
  if (covered <= 0) return 0.0;
  const double penalty = 0.2 * static_cast<double>(covered - 1);
  return std::max(0.0, kBase[static_cast<std::size_t>(importance_max)] - penalty);
}

namespace {

constexpr std::int64_t kTurnsMax = 40;
constexpr auto kMissingMax = static_cast<std::int64_t>(kDetailsPerTopic) - 1;
const std::array<std::string, 2> kRewards = {"coverage", "delivery"};

struct Fixed {
  Options options;
  PromptStyle style = PromptStyle::paper;
  EnvironmentSpec spec;
};

std::string paper_rules(const Options& options) {
  const bool delivers = options.reward == Reward::delivery;
  std::string text =
      "A user has a wish and has named only some of its details. Find out the others.\n\n"
      "# Turns\nWrite exactly one of these in each turn; what stands before it is for yourself:\n"
      "[action] a question about what is missing\n";
  if (delivers) text += "[answer] the values of all missing details; this ends the task\n";
  text += "[finish] to stop\n\n# Rewards\n";
  text += delivers ? "1 when the answer names the right value of each missing detail, else 0.\n"
                   : "Each missing detail that you ask about earns something, important ones more; "
                     "a question about several at once earns less.\n";
  text += "\n# Details that the user can talk about\n";
  for (std::size_t i = 0; i < detail_count(); ++i) {
    (text += i > 0 ? ", " : "") += detail(i).name;
  }
  return text + "\n";
}

// One detail of the wish, in the order of its topic.
struct Wanted {
  std::size_t value = 0;
  bool missing = false;  ///< not named at once; the missing ones are the user's slots, in order
  bool covered = false;  ///< was missing, and a question was answered with it
};

class IntentionGym final : public UserGym {
 public:
  explicit IntentionGym(std::shared_ptr<const Fixed> fixed)
      : UserGym(fixed->style, fixed->options.turns, fixed->options.persona),
        fixed_(std::move(fixed)) {}

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  bool delivers() const { return fixed_->options.reward == Reward::delivery; }
  const Topic& wish() const { return topic(topic_); }
  bool is_missing(std::size_t place) const { return wanted_[place].missing; }
  bool is_told(std::size_t place) const {
    return wanted_[place].missing && user().told(slot_of(place));
  }
  bool is_covered(std::size_t place) const { return wanted_[place].covered; }
  /// Of a detail that was named or told.
  std::size_t value(std::size_t place) const {
    check(!wanted_[place].missing || is_told(place), "only what was told is known");
    return wanted_[place].value;
  }
  /// The place in the wish of what the last question brought; the count of places for nothing.
  std::size_t news() const { return news_; }

  Opening reset(const Task& task) override;
  std::unique_ptr<Environment> fork() const override {
    return std::make_unique<IntentionGym>(*this);
  }
  void snapshot(ByteWriter& out) const override;
  bool restore(ByteReader& in) override;
  Json hidden_state() const override;

 protected:
  bool offers(Choice choice) const override {
    return choice == Choice::action || (choice == Choice::answer && delivers());
  }
  users::SlotWords slot_words(std::size_t slot) const override {
    const std::size_t place = place_of(slot);
    return {std::string(detail(wish().needs[place].detail).name), name_of(value_at(place))};
  }
  users::SlotWords wrong_words(std::size_t slot, RandomKey key) const override {
    const std::size_t place = place_of(slot);
    users::SlotWords words = slot_words(slot);
    words.value = name_of({wish().needs[place].detail, other_value(wanted_[place].value, key)});
    return words;
  }
  void change(std::size_t slot, RandomKey key) override {
    std::size_t& value = wanted_[place_of(slot)].value;
    value = other_value(value, key);
  }
  void act(const GymReply& reply, StepResult& result) override {
    news_ = wanted_.size();
    if (reply.choice == Choice::answer) {
      judge(reply.content, result);
    } else {
      tell(details_in(reply.content), result);
    }
  }

 private:
  void tell(const std::set<std::size_t>& asked, StepResult& result);
  void judge(std::string_view answer, StepResult& result);
  static std::size_t other_value(std::size_t value, RandomKey key) {
    return (value + 1 + Random(key).below(kValuesPerDetail - 1)) % kValuesPerDetail;
  }
  std::size_t slot_of(std::size_t place) const {
    const auto begin = wanted_.begin();
    return static_cast<std::size_t>(
        std::count_if(begin, begin + static_cast<std::ptrdiff_t>(place),
                      [](const Wanted& wanted) { return wanted.missing; }));
  }
  std::size_t place_of(std::size_t slot) const {
    std::size_t place = 0;
    while (!wanted_[place].missing || slot_of(place) != slot) ++place;
    return place;
  }
  Value value_at(std::size_t place) const {
    return {wish().needs[place].detail, wanted_[place].value};
  }
  // What asking for each missing detail alone brings.
  double best() const {
    double sum = 0.0;
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      if (wanted_[i].missing) sum += question_reward(wish().needs[i].importance, 1);
    }
    return sum;
  }

  std::shared_ptr<const Fixed> fixed_;
  std::size_t topic_ = 0;
  std::array<Wanted, kDetailsPerTopic> wanted_;
  std::size_t news_ = kDetailsPerTopic;
};

Opening IntentionGym::reset(const Task& task) {
  Random random(task.task.split("wish"));
  topic_ = random.below(topic_count());
  news_ = wanted_.size();
  std::array<std::size_t, kDetailsPerTopic> order{};
  std::iota(order.begin(), order.end(), std::size_t{0});
  random.shuffle(std::span<std::size_t>(order));
  const auto [low, high] = fixed_->options.missing;
  const auto missing = static_cast<std::size_t>(random.between(low, high));
  begin(task, {missing, true, true, !delivers()});
  for (std::size_t i = 0; i < order.size(); ++i) {
    wanted_[order[i]] = {random.below(kValuesPerDetail), i < missing, false};
  }
  std::string text = compact() ? "Want " + std::string(wish().name) : std::string(wish().wish);
  if (!compact()) text += " So far I know:";
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    if (wanted_[i].missing) continue;
    if (!compact()) text += " " + std::string(detail(wish().needs[i].detail).name);
    text += " " + name_of(value_at(i)) + (compact() ? "" : ";");
  }
  if (compact()) return {"", text + "."};
  text.back() = '.';
  text += " (Turns left: " + std::to_string(turns_max()) + ")";
  return {paper_rules(fixed_->options), text};
}

void IntentionGym::tell(const std::set<std::size_t>& asked, StepResult& result) {
  std::set<std::size_t> slots;
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    if (wanted_[i].missing && asked.contains(wish().needs[i].detail)) slots.insert(slot_of(i));
  }
  std::vector<users::Move> moves = ask_user(slots);
  std::int64_t importance = 0;
  std::int64_t covered = 0;
  for (const users::Move& move : moves) {
    // A wrong value covers: it was asked for, and the right one comes by itself.
    if (!users::tells(move.act) && !users::misleads(move.act)) continue;
    const std::size_t place = place_of(move.slot);
    if (is_told(place)) news_ = place;
    Wanted& wanted = wanted_[place];
    if (wanted.covered || !slots.contains(move.slot)) continue;
    wanted.covered = true;
    importance = std::max(importance, wish().needs[place].importance);
    ++covered;
  }
  const bool all = std::none_of(wanted_.begin(), wanted_.end(),
                                [](const Wanted& w) { return w.missing && !w.covered; });
  const bool ends = !delivers() && all && user().persona().stops;
  if (ends) {
    const std::vector<users::Move> settled = settle();
    moves.insert(moves.end(), settled.begin(), settled.end());
  }
  result.observation = in_words(moves);
  if (delivers()) return;
  result.reward = question_reward(importance, covered) / best();
  if (result.reward > 0.0) result.parts.push_back({"covered", result.reward});
  if (ends) {
    outcome_ = Outcome::done;
    result.observation += compact() ? "\nRight. " : " That is all, thank you!";
  }
}

void IntentionGym::judge(std::string_view answer, StepResult& result) {
  const std::set<Value> named = values_in(answer);
  bool right = true;
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    if (!wanted_[i].missing) continue;
    for (std::size_t value = 0; value < kValuesPerDetail; ++value) {
      const bool is_named = named.contains({wish().needs[i].detail, value});
      right = right && is_named == (value == wanted_[i].value);
    }
  }
  outcome_ = Outcome::done;
  if (right) {
    result.reward = 1.0;
    result.parts.push_back({"delivered", 1.0});
  }
  if (compact()) {
    result.observation = right ? "\nRight. " : "\nWrong. ";
  } else {
    result.observation = right ? "Exactly what I want!" : "That is not what I want.";
  }
}

void IntentionGym::snapshot(ByteWriter& out) const {
  write_progress(out);
  out.u64(topic_);
  out.u64(news_);
  for (const Wanted& wanted : wanted_) {
    out.u64(wanted.value);
    out.boolean(wanted.missing);
    out.boolean(wanted.covered);
  }
}

bool IntentionGym::restore(ByteReader& in) {
  bool valid = read_progress(in);
  topic_ = in.u64();
  news_ = in.u64();
  valid = valid && topic_ < topic_count() && news_ <= wanted_.size();
  for (Wanted& wanted : wanted_) {
    wanted.value = in.u64();
    wanted.missing = in.boolean();
    wanted.covered = in.boolean();
    valid = valid && wanted.value < kValuesPerDetail && (wanted.missing || !wanted.covered);
  }
  const auto missing = static_cast<std::size_t>(
      std::count_if(wanted_.begin(), wanted_.end(), [](const Wanted& w) { return w.missing; }));
  valid = in.ok() && valid && talks_about(missing);
  // An episode has missing details, and what was just told is told.
  if (outcome_ == Outcome::running && missing == 0) return false;
  return valid && (news_ == wanted_.size() || (user().slots() > 0 && is_told(news_)));
}

Json IntentionGym::hidden_state() const {
  Json missing = Json::object();
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    if (!wanted_[i].missing) continue;
    missing[std::string(detail(wish().needs[i].detail).name)] = {
        {"value", name_of(value_at(i))}, {"told", user().slots() > 0 && is_told(i)}};
  }
  return {{"topic", std::string(wish().name)}, {"missing", missing}, {"turns", turns()}};
}

// Players ----------------------------------------------------------------------------------

enum class Strategy : std::uint8_t { expert, random, demonstrator };

class Inquirer final : public GymPlayer {
 public:
  Inquirer(Strategy strategy, PromptStyle style) : GymPlayer(style), strategy_(strategy) {}

 protected:
  std::string move(const PlayerView& view, Random& random) override {
    const auto* gym = dynamic_cast<const IntentionGym*>(&view.environment);
    check(gym != nullptr, "a player of intention_gym plays intention_gym");
    std::vector<std::size_t> open;  // places of missing details, the most important first
    for (std::size_t i = 0; i < kDetailsPerTopic; ++i) {
      const bool settled = gym->delivers() ? gym->is_told(i) : gym->is_covered(i);
      if (gym->is_missing(i) && !settled) open.push_back(i);
    }
    const bool last = gym->turns() + 1 >= gym->turns_max();
    const bool gives_up = strategy_ == Strategy::random &&
                          random.chance(1, static_cast<std::uint64_t>(gym->turns_max()));
    if (gym->delivers() && (open.empty() || last || gives_up)) return answer(*gym, random);
    if (open.empty()) return compact() ? " [finish]" : "[finish]";
    if (strategy_ == Strategy::expert) return ask(*gym, detail_at(*gym, open.front()));
    const bool idle = strategy_ == Strategy::random || random.uniform() < kIdleQuestion;
    return ask(*gym, idle ? idle_detail(*gym, open, random)
                          : detail_at(*gym, open[random.below(open.size())]));
  }

 private:
  static std::size_t detail_at(const IntentionGym& gym, std::size_t place) {
    return gym.wish().needs[place].detail;
  }

  // The demonstrator's is none of the open ones; the random player's any.
  std::size_t idle_detail(const IntentionGym& gym, const std::vector<std::size_t>& open,
                          Random& random) const {
    std::set<std::size_t> avoided;
    for (const std::size_t place : open) avoided.insert(detail_at(gym, place));
    while (true) {
      const auto asked = static_cast<std::size_t>(random.below(detail_count()));
      if (strategy_ == Strategy::random || !avoided.contains(asked)) return asked;
    }
  }

  // What the last question brought stands before the question in the compact style.
  std::string ask(const IntentionGym& gym, std::size_t asked) const {
    if (!compact()) return "[action] " + std::string(detail(asked).question);
    const std::size_t news = gym.news();
    const std::string noted =
        news < kDetailsPerTopic ? name_of(Value{detail_at(gym, news), gym.value(news)}) : "?";
    return " " + noted + " [action] " + std::string(detail(asked).name) + "?";
  }

  std::string answer(const IntentionGym& gym, Random& random) const {
    std::string text = compact() ? " [answer]" : "[answer]";
    for (std::size_t i = 0; i < kDetailsPerTopic; ++i) {
      if (!gym.is_missing(i)) continue;
      const bool careless = strategy_ == Strategy::demonstrator && random.uniform() < kRandomValue;
      const bool knows = gym.is_told(i) && !careless && strategy_ != Strategy::random;
      const std::size_t value = knows ? gym.value(i) : random.below(kValuesPerDetail);
      text += " " + name_of(Value{detail_at(gym, i), value});
    }
    return text + ".";
  }

  Strategy strategy_;
};

// The family -------------------------------------------------------------------------------

ContextWords words_in(PromptStyle style) {
  std::vector<std::string> pieces = {" ?", "."};
  std::vector<std::string> stops = {"."};
  for (std::size_t i = 0; i < topic_count(); ++i) {
    pieces.push_back("Want " + std::string(topic(i).name));
  }
  for (std::size_t i = 0; i < detail_count(); ++i) {
    stops.push_back(" " + std::string(detail(i).name) + "?");
    pieces.push_back(stops.back());
    for (std::size_t j = 0; j < kValuesPerDetail; ++j) {
      pieces.push_back(" " + name_of(Value{i, j}));
    }
  }
  return gym_words(style, pieces, stops);
}

std::shared_ptr<const EnvironmentFamily> make_family(const Options& options, PromptStyle style) {
  auto fixed = std::make_shared<Fixed>();
  fixed->options = options;
  fixed->style = style;
  fixed->spec.name = "intention_gym";
  fixed->spec.action_grammar = options.reward == Reward::delivery
                                   ? "[action] question, [answer] values, or [finish]"
                                   : "[action] question, or [finish]";
  fixed->spec.turns_max = options.turns;
  fixed->spec.success_from = 0.999;  // sums of parts of 1
  return make_gym_family<IntentionGym, Inquirer>(std::move(fixed), words_in(style),
                                                 usual_roles<Strategy>());
}

std::shared_ptr<const EnvironmentFamily> read_family(JsonObject object, PromptStyle style) {
  Options options;
  options.missing = object.integer_pair("missing", {1, kMissingMax}, options.missing);
  options.turns = object.integer("turns", {2, kTurnsMax}, options.turns);
  const std::string reward = object.one_of("reward", kRewards, kRewards[0]);
  options.reward = reward == kRewards[1] ? Reward::delivery : Reward::coverage;
  options.persona = users::persona_option(object);
  object.finish();
  return make_family(options, style);
}

Json options_schema() {
  return options_object({{"missing", pair_schema(integer_schema(1, kMissingMax), {2, 4})},
                         {"turns", with_default(integer_schema(2, kTurnsMax), 20)},
                         {"reward", {{"enum", kRewards}, {"default", kRewards[0]}}},
                         {"persona", users::persona_option_schema()}});
}

}  // namespace

EnvironmentEntry entry() {
  return {"intention_gym",
          "a user with a vague wish, whose missing details are to be asked for",
          {"demonstrator", "expert", "random"},
          read_family,
          options_schema()};
}

}  // namespace turnhalle::user_gyms::intention
