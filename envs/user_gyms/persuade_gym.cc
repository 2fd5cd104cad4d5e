#include "envs/user_gyms/persuade_gym.h"

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
#include "envs/option_schema.h"
#include "envs/user_gyms/gym_family.h"
#include "envs/user_gyms/user_gym.h"

namespace turnhalle::user_gyms::persuade {
namespace {

constexpr std::int64_t kTurnsMin = 6;
constexpr std::int64_t kTurnsMax = 40;
constexpr std::size_t kSteps = kLevels - 1;

struct Concern {
  std::string_view name;
  std::string_view words;     ///< of an argument about it
  std::string_view argument;  ///< one such
  std::string_view hint;      ///< what a user says whose current concern it is
};

constexpr auto kConcerns = std::to_array<Concern>({
    {"cost", "cost costs money price", "Think of the money that it costs.",
     "I turn every coin over twice before the month ends."},
    {"health", "health illness doctor", "Think of your health.",
     "My back hurts, and I sleep badly."},
    {"family", "family children parents", "Think of your family.",
     "The little ones at home come first."},
    {"nature", "nature climate pollution", "Think of nature.",
     "I worry about the woods behind our house."},
    {"fairness", "fairness fair justice", "Think of fairness.",
     "Why should some get more than others?"},
    {"safety", "safety danger accident", "Think of safety.", "I lock my door twice every night."},
    {"tradition", "tradition heritage custom", "Think of tradition.",
     "My grandfather did it like this already."},
    {"evidence", "evidence study research", "Look at the evidence.",
     "Anybody can claim that. Who has measured it?"},
    {"freedom", "freedom liberty choice", "Think of your freedom.",
     "I do not like to be told what to do."},
    {"time", "time hours quicker", "Think of the time that it takes.",
     "My days are too short as it is."},
});

constexpr auto kClaims = std::to_array<std::string_view>({
    "Cars should be allowed on every street of the town.",
    "Homework should be doubled.",
    "Shops should stay open all night.",
    "Every house should have a swimming pool.",
    "Letters should be written by hand only.",
    "Everybody should work on Sundays.",
});

constexpr std::array<std::string_view, kLevels> kStances = {
    "I strongly agree with that claim.",   "I agree with that claim.",
    "I partly agree with that claim.",     "I do not know what to think of that claim.",
    "I partly disagree with that claim.",  "I disagree with that claim.",
    "I strongly disagree with that claim."};

constexpr std::string_view kRules =
    "The user agrees with a claim. Move it to disagree, step by step.\n\n"
    "# Turns\nWrite exactly one of these in each turn; what stands before it is for yourself:\n"
    "[action] an argument about one thing that may matter to the user\n"
    "[finish] to stop\n\n"
    "# Rewards\nThere are seven levels from strong agreement to strong disagreement; each level "
    "moved is worth a sixth. Only an argument about what matters to the user at that moment "
    "moves it.\n\n# What may matter\n";

std::string rules() {
  std::string text(kRules);
  for (std::size_t i = 0; i < kConcerns.size(); ++i) {
    (text += i > 0 ? ", " : "") += kConcerns[i].name;
  }
  return text + "\n";
}

// The only concern that a text is about.
std::optional<std::size_t> concern_in(std::string_view text) {
  const std::vector<std::string> words = words_of(text);
  std::set<std::size_t> found;
  for (std::size_t i = 0; i < kConcerns.size(); ++i) {
    for (const std::string& word : words_of(kConcerns[i].words)) {
      if (std::find(words.begin(), words.end(), word) != words.end()) found.insert(i);
    }
  }
  if (found.size() != 1) return std::nullopt;
  return *found.begin();
}

struct Fixed {
  Options options;
  PromptStyle style = PromptStyle::paper;
  EnvironmentSpec spec;
};

class PersuadeGym final : public UserGym {
 public:
  explicit PersuadeGym(std::shared_ptr<const Fixed> fixed)
      : UserGym(PromptStyle::paper, fixed->options.turns, fixed->options.persona),
        fixed_(std::move(fixed)) {}

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  /// The hint at the current concern, once it was given.
  std::optional<std::string_view> hint() const {
    if (!hinted_) return std::nullopt;
    return kConcerns[concerns_[moved_]].hint;
  }

  Opening reset(const Task& task) override {
    begin(task, {1, false});
    Random random(task.task.split("opinion"));
    claim_ = random.below(kClaims.size());
    std::array<std::size_t, kConcerns.size()> order{};
    std::iota(order.begin(), order.end(), std::size_t{0});
    random.shuffle(std::span<std::size_t>(order));
    std::copy_n(order.begin(), kSteps, concerns_.begin());
    moved_ = 0;
    hinted_ = false;
    std::string text = "The claim: " + std::string(kClaims[claim_]) + " ";
    text += std::string(kStances[0]) + " (Turns left: " + std::to_string(turns_max()) + ")";
    if (fixed_->style == PromptStyle::compact) return {"", rules() + "\n" + text};
    return {rules(), text};
  }

  std::unique_ptr<Environment> fork() const override {
    return std::make_unique<PersuadeGym>(*this);
  }
  void snapshot(ByteWriter& out) const override {
    write_progress(out);
    out.u64(claim_);
    for (const std::size_t concern : concerns_) out.u64(concern);
    out.u64(moved_);
    out.boolean(hinted_);
  }
  bool restore(ByteReader& in) override {
    const bool known = read_progress(in);
    claim_ = in.u64();
    bool valid = known && talks_about(1) && claim_ < kClaims.size();
    for (std::size_t& concern : concerns_) {
      concern = in.u64();
      valid = valid && concern < kConcerns.size();
    }
    moved_ = in.u64();
    hinted_ = in.boolean();
    return in.ok() && valid && moved_ <= kSteps && (moved_ < kSteps || !hinted_) &&
           (moved_ < kSteps || outcome_ != Outcome::running);
  }
  Json hidden_state() const override {
    Json concerns = Json::array();
    for (const std::size_t concern : concerns_) {
      concerns.push_back(std::string(kConcerns[concern].name));
    }
    return {{"concerns", concerns}, {"moved", moved_}, {"turns", turns()}};
  }

 protected:
  bool offers(Choice choice) const override { return choice == Choice::action; }
  /// The hint is the only thing that the user can tell.
  users::SlotWords slot_words(std::size_t) const override {
    std::string_view said = kConcerns[concerns_[moved_]].hint;
    said.remove_suffix(1);  // the template brings a full stop
    return {"", std::string(said)};
  }
  void act(const GymReply& reply, StepResult& result) override {
    if (concern_in(reply.content) == concerns_[moved_]) {
      ++moved_;
      forget(0);
      hinted_ = false;
      result.reward = 1.0 / static_cast<double>(kSteps);
      result.parts.push_back({"moved", result.reward});
    }
    result.observation = kStances[moved_];
    if (moved_ == kSteps) {
      outcome_ = Outcome::done;
      return;
    }
    const std::vector<users::Move> moves = ask_user({0});
    hinted_ = hinted_ || moves.front().act == users::Act::inform;
    result.observation += " " + in_words(moves);
  }

 private:
  std::shared_ptr<const Fixed> fixed_;
  std::size_t claim_ = 0;
  std::array<std::size_t, kSteps> concerns_{};
  std::size_t moved_ = 0;
  bool hinted_ = false;
};

enum class Strategy : std::uint8_t { expert, random, demonstrator };

class Speaker final : public GymPlayer {
 public:
  Speaker(Strategy strategy, PromptStyle style) : GymPlayer(style), strategy_(strategy) {}

 protected:
  std::string move(const PlayerView& view, Random& random) override {
    const auto* gym = dynamic_cast<const PersuadeGym*>(&view.environment);
    check(gym != nullptr, "a player of persuade_gym plays persuade_gym");
    const std::size_t any = random.below(kConcerns.size());
    const bool misses = strategy_ == Strategy::demonstrator && random.uniform() < kHintMissed;
    if (strategy_ == Strategy::random || misses) return argue(any);
    if (!gym->hint()) return "[action] What matters to you?";
    for (std::size_t i = 0; i < kConcerns.size(); ++i) {
      if (kConcerns[i].hint == *gym->hint()) return argue(i);
    }
    return argue(any);
  }

 private:
  static std::string argue(std::size_t concern) {
    return "[action] " + std::string(kConcerns[concern].argument);
  }
  Strategy strategy_;
};

std::shared_ptr<const EnvironmentFamily> make_family(const Options& options, PromptStyle style) {
  auto fixed = std::make_shared<Fixed>();
  fixed->options = options;
  fixed->style = style;
  fixed->spec.name = "persuade_gym";
  fixed->spec.action_grammar = "[action] argument, or [finish]";
  fixed->spec.turns_max = options.turns;
  fixed->spec.success_from = 0.999;  // a sum of sixths
  return make_gym_family<PersuadeGym, Speaker>(std::move(fixed), wordy_context(style),
                                               usual_roles<Strategy>());
}

std::shared_ptr<const EnvironmentFamily> read_family(JsonObject object, PromptStyle style) {
  Options options;
  options.turns = object.integer("turns", {kTurnsMin, kTurnsMax}, options.turns);
  options.persona = users::persona_option(object);
  object.finish();
  return make_family(options, style);
}

Json options_schema() {
  return options_object({{"turns", with_default(integer_schema(kTurnsMin, kTurnsMax), 20)},
                         {"persona", users::persona_option_schema()}});
}

}  // namespace

EnvironmentEntry entry() {
  return {"persuade_gym",
          "a user with a firm opinion, moved by the arguments that matter to it",
          {"demonstrator", "expert", "random"},
          read_family,
          options_schema()};
}

}  // namespace turnhalle::user_gyms::persuade
