#include "envs/user_gyms/turtle_gym.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/text.h"
#include "envs/option_schema.h"
#include "envs/user_gyms/gym_family.h"
#include "envs/user_gyms/turtle_stories.h"
#include "envs/user_gyms/user_gym.h"

namespace turnhalle::user_gyms::turtle {
namespace {

constexpr std::int64_t kTurnsMin = 4;
constexpr std::int64_t kTurnsMax = 40;
constexpr double kSolved = 0.9;

constexpr std::string_view kRules =
    "The user tells a puzzling story. Find out what is behind it.\n\n"
    "# Turns\nWrite exactly one of these in each turn; what stands before it is for yourself:\n"
    "[action] a question that can be answered with Yes, No or Maybe\n"
    "[answer] what is behind the story, as far as you know\n"
    "[finish] to stop\n\n"
    "# Rewards\nAn answer earns what it explains beyond your best answer before; 1 in all. You may "
    "answer several times.\n\n# What is unknown, and what it can be\n";

std::string rules_of(const Story& story) {
  std::string text(kRules);
  for (const Unknown& unknown : story.unknowns) {
    text += std::string(unknown.question) + ": ";
    for (std::size_t i = 0; i < kPossibilities; ++i) {
      (text += i > 0 ? ", " : "") += unknown.words[i];
    }
    text += "?\n";
  }
  return text;
}

struct Fixed {
  Options options;
  PromptStyle style = PromptStyle::paper;
  EnvironmentSpec spec;
};

// What the agent knows of a possibility.
enum class Known : std::uint8_t { open, excluded, confirmed };

class TurtleGym final : public UserGym {
 public:
  explicit TurtleGym(std::shared_ptr<const Fixed> fixed)
      : UserGym(PromptStyle::paper, fixed->options.turns, fixed->options.persona),
        fixed_(std::move(fixed)) {}

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  const Story& told_story() const { return story(story_); }
  /// From questions about one possibility, and by exclusion.
  Known known(std::size_t unknown, std::size_t possibility) const {
    return known_[unknown][possibility];
  }

  Opening reset(const Task& task) override {
    begin(task, {1, false});
    Random random(task.task.split("story"));
    story_ = random.below(story_count());
    for (std::size_t& truth : truths_) truth = random.below(kPossibilities);
    known_ = {};
    best_ = 0.0;
    const std::string text = std::string(told_story().surface) +
                             " What is behind it? (Turns left: " + std::to_string(turns_max()) +
                             ")";
    const std::string rules = rules_of(told_story());
    if (fixed_->style == PromptStyle::compact) return {"", rules + "\n" + text};
    return {rules, text};
  }

  std::unique_ptr<Environment> fork() const override { return std::make_unique<TurtleGym>(*this); }
  void snapshot(ByteWriter& out) const override;
  bool restore(ByteReader& in) override;
  Json hidden_state() const override {
    Json truths = Json::array();
    for (std::size_t i = 0; i < kUnknowns; ++i) {
      truths.push_back(std::string(told_story().unknowns[i].words[truths_[i]]));
    }
    return {{"truths", truths}, {"best", best_}, {"turns", turns()}};
  }

 protected:
  bool offers(Choice choice) const override { return choice != Choice::search; }
  users::SlotWords slot_words(std::size_t) const override { return {"", std::string(said_)}; }
  void act(const GymReply& reply, StepResult& result) override {
    if (reply.choice == Choice::answer) {
      judge(reply.content, result);
    } else {
      reply_to(reply.content, result);
    }
  }

 private:
  void reply_to(std::string_view question, StepResult& result);
  void judge(std::string_view answer, StepResult& result);
  void learn(std::size_t unknown, std::size_t possibility);

  std::shared_ptr<const Fixed> fixed_;
  std::size_t story_ = 0;
  std::array<std::size_t, kUnknowns> truths_{};
  std::array<std::array<Known, kPossibilities>, kUnknowns> known_{};
  double best_ = 0.0;
  std::string_view said_;  // only while a question is being answered
};

void TurtleGym::reply_to(std::string_view question, StepResult& result) {
  std::size_t named = 0;
  bool true_one = false;
  std::size_t place = 0;
  std::size_t possibility = 0;
  for (std::size_t i = 0; i < kUnknowns; ++i) {
    for (const std::size_t found : possibilities_in(question, told_story().unknowns[i])) {
      ++named;
      place = i;
      possibility = found;
      true_one = true_one || found == truths_[i];
    }
  }
  std::set<std::size_t> asked;
  if (named > 0) asked.insert(0);
  said_ = !true_one ? "No" : (named > 1 ? "Maybe" : "Yes");
  const std::vector<users::Move> moves = ask_user(asked);
  result.observation = in_words(moves);
  if (moves.front().act != users::Act::inform) return;
  forget(0);
  if (named == 1) learn(place, possibility);
}

void TurtleGym::learn(std::size_t unknown, std::size_t possibility) {
  std::array<Known, kPossibilities>& known = known_[unknown];
  const bool is_true = truths_[unknown] == possibility;
  known[possibility] = is_true ? Known::confirmed : Known::excluded;
  const auto excluded = std::count(known.begin(), known.end(), Known::excluded);
  if (is_true || excluded == kPossibilities - 1) {
    known.fill(Known::excluded);
    known[truths_[unknown]] = Known::confirmed;
  }
}

void TurtleGym::judge(std::string_view answer, StepResult& result) {
  double score = 0.0;
  for (std::size_t i = 0; i < kUnknowns; ++i) {
    const std::set<std::size_t> found = possibilities_in(answer, told_story().unknowns[i]);
    if (!found.contains(truths_[i])) continue;
    score += kUnknownWeights[i] * (found.size() == 1 ? 1.0 : 0.5);
  }
  if (score > best_) {
    result.reward = score - best_;
    result.parts.push_back({"explained", result.reward});
    best_ = score;
  }
  result.observation = "That explains " + shortest(std::round(score * 100.0)) + " of 100.";
  if (score >= kSolved) outcome_ = Outcome::done;
}

void TurtleGym::snapshot(ByteWriter& out) const {
  write_progress(out);
  out.u64(story_);
  for (std::size_t i = 0; i < kUnknowns; ++i) {
    out.u64(truths_[i]);
    for (const Known known : known_[i]) out.u8(static_cast<std::uint8_t>(known));
  }
  out.f64(best_);
}

bool TurtleGym::restore(ByteReader& in) {
  const bool known = read_progress(in);
  story_ = in.u64();
  bool valid = known && talks_about(1) && story_ < story_count();
  for (std::size_t i = 0; i < kUnknowns; ++i) {
    truths_[i] = in.u64();
    valid = valid && truths_[i] < kPossibilities;
    for (std::size_t j = 0; j < kPossibilities; ++j) {
      const std::uint8_t byte = in.u8();
      known_[i][j] = static_cast<Known>(byte);
      const Known wrong = j == truths_[i] ? Known::excluded : Known::confirmed;
      valid = valid && byte <= static_cast<std::uint8_t>(Known::confirmed) && known_[i][j] != wrong;
    }
  }
  best_ = in.f64();
  return in.ok() && valid && best_ >= 0.0 && best_ <= 1.0 + 1e-9;
}

enum class Strategy : std::uint8_t { expert, random, demonstrator };

class Riddler final : public GymPlayer {
 public:
  Riddler(Strategy strategy, PromptStyle style) : GymPlayer(style), strategy_(strategy) {}

 protected:
  std::string move(const PlayerView& view, Random& random) override {
    const auto* gym = dynamic_cast<const TurtleGym*>(&view.environment);
    check(gym != nullptr, "a player of turtle_gym plays turtle_gym");
    const std::int64_t left = gym->turns_max() - gym->turns();
    // A doubted answer has to be given again.
    const bool late = left <= 1 + gym->user().persona().doubts;
    if (strategy_ == Strategy::random) {
      return late ? answer(*gym, random) : ask(*gym, random.below(kUnknowns), random);
    }
    std::size_t unknown = 0;
    while (unknown < kUnknowns && truth(*gym, unknown) < kPossibilities) ++unknown;
    if (unknown == kUnknowns || late) return answer(*gym, random);
    const bool idle = strategy_ == Strategy::demonstrator && random.uniform() < kIdleQuestion;
    return idle ? ask(*gym, random.below(kUnknowns), random) : ask_open(*gym, unknown);
  }

 private:
  // The possibility that is known to be true; the count of possibilities where none is.
  static std::size_t truth(const TurtleGym& gym, std::size_t unknown) {
    std::size_t i = 0;
    while (i < kPossibilities && gym.known(unknown, i) != Known::confirmed) ++i;
    return i;
  }

  static std::string question(const TurtleGym& gym, std::size_t unknown, std::size_t possibility) {
    const Unknown& asked = gym.told_story().unknowns[unknown];
    return "[action] " + std::string(asked.question) + " " + std::string(asked.words[possibility]) +
           "?";
  }
  static std::string ask(const TurtleGym& gym, std::size_t unknown, Random& random) {
    return question(gym, unknown, random.below(kPossibilities));
  }
  static std::string ask_open(const TurtleGym& gym, std::size_t unknown) {
    std::size_t possibility = 0;
    while (gym.known(unknown, possibility) != Known::open) ++possibility;
    return question(gym, unknown, possibility);
  }

  // What is known to be true, any possibility where nothing is; the random player knows nothing.
  std::string answer(const TurtleGym& gym, Random& random) const {
    std::string text = "[answer]";
    for (std::size_t i = 0; i < kUnknowns; ++i) {
      std::size_t said = truth(gym, i);
      if (strategy_ == Strategy::random || said == kPossibilities) {
        said = random.below(kPossibilities);
      }
      text += " " + std::string(gym.told_story().unknowns[i].words[said]);
    }
    return text;
  }

  Strategy strategy_;
};

std::shared_ptr<const EnvironmentFamily> make_family(const Options& options, PromptStyle style) {
  auto fixed = std::make_shared<Fixed>();
  fixed->options = options;
  fixed->style = style;
  fixed->spec.name = "turtle_gym";
  fixed->spec.action_grammar = "[action] question, [answer] story, or [finish]";
  fixed->spec.turns_max = options.turns;
  fixed->spec.success_from = kSolved;
  return make_gym_family<TurtleGym, Riddler>(std::move(fixed), wordy_context(style),
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
  return {"turtle_gym",
          "a puzzling story, cleared up by yes-or-no questions",
          {"demonstrator", "expert", "random"},
          read_family,
          options_schema()};
}

}  // namespace turnhalle::user_gyms::turtle
