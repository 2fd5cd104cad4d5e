#include "envs/user_gyms/telepathy_gym.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/check.h"
#include "envs/option_schema.h"
#include "envs/user_gyms/gym_family.h"
#include "envs/user_gyms/telepathy_table.h"
#include "envs/user_gyms/user_gym.h"

namespace turnhalle::user_gyms::telepathy {
namespace {

constexpr std::int64_t kEntitiesMin = 8;
constexpr std::int64_t kTurnsMax = 40;

// What nobody can say of a thing: the demonstrator's idle questions.
constexpr std::array<std::string_view, 12> kIdle = {"lucky", "famous", "funny",  "boring",
                                                    "brave", "clever", "modern", "fancy",
                                                    "calm",  "happy",  "lovely", "proud"};

// What the agent has been told.
struct Fact {
  Question question;
  Truth truth = Truth::unknown;
};

// What the user can tell: properties first, then of each thing whether it is the one.
const std::size_t kSlots = property_count() + entity_count();

std::size_t slot_of(const Question& question) {
  return question.kind == Question::Kind::property ? question.index
                                                   : property_count() + question.index;
}

Question question_at(std::size_t slot) {
  if (slot < property_count()) return {Question::Kind::property, slot};
  return {Question::Kind::entity, slot - property_count()};
}

struct Fixed {
  Options options;
  PromptStyle style = PromptStyle::paper;
  EnvironmentSpec spec;
  std::string rules;
};

class TelepathyGym final : public UserGym {
 public:
  explicit TelepathyGym(std::shared_ptr<const Fixed> fixed)
      : UserGym(fixed->style, fixed->options.turns, fixed->options.persona),
        fixed_(std::move(fixed)) {}

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  const Options& options() const { return fixed_->options; }
  /// Answers to questions, and wrong answers of the agent as facts about things.
  const std::vector<Fact>& facts() const { return facts_; }

  Opening reset(const Task& task) override {
    begin(task, {kSlots, false});
    Random random(task.task.split("secret"));
    secret_ = static_cast<std::size_t>(
        random.below(static_cast<std::uint64_t>(fixed_->options.entities)));
    facts_.clear();
    answers_ = 0;
    if (compact()) return {"", "Guess in " + std::to_string(turns_max()) + ":"};
    return {fixed_->rules, "I am thinking of something. Ask me! (Turns left: " +
                               std::to_string(turns_max()) + ")"};
  }

  std::unique_ptr<Environment> fork() const override {
    return std::make_unique<TelepathyGym>(*this);
  }
  void snapshot(ByteWriter& out) const override;
  bool restore(ByteReader& in) override;
  Json hidden_state() const override {
    return {{"secret", entity_name(secret_)}, {"turns", turns()}, {"answers", answers_}};
  }

 protected:
  bool offers(Choice choice) const override { return choice != Choice::search; }
  void act(const GymReply& reply, StepResult& result) override {
    if (reply.choice == Choice::answer) {
      judge(entity_named(reply.content), result);
      return;
    }
    const Question question = read_question(reply.content);
    std::set<std::size_t> asked;
    if (question.kind != Question::Kind::unclear) asked.insert(slot_of(question));
    const std::vector<users::Move> moves = ask_user(asked);
    for (const users::Move& move : moves) {
      if (move.act == users::Act::inform) {
        facts_.push_back({question, truth_of(secret_, question)});
      }
    }
    result.observation = in_words(moves);
  }

  users::SlotWords slot_words(std::size_t slot) const override {
    static constexpr std::array<std::string_view, 3> kWords = {"No", "Maybe", "Yes"};
    const Truth truth = truth_of(secret_, question_at(slot));
    return {"", std::string(kWords[static_cast<std::size_t>(truth)])};
  }
  std::string piece_of(const std::string& value) const override { return "\n" + value + "."; }

 private:
  void judge(std::optional<std::size_t> named, StepResult& result) {
    ++answers_;
    if (named == secret_) {
      outcome_ = Outcome::done;
      result.reward = 1.0;
      result.parts.push_back({"found", 1.0});
      result.observation = compact() ? "\nRight. " : "Right!";
      return;
    }
    if (named) facts_.push_back({{Question::Kind::entity, *named}, Truth::no});
    result.observation = compact() ? "\nWrong. " : "That is not it.";
    if (answers_ >= fixed_->options.answers) outcome_ = Outcome::done;
  }

  std::shared_ptr<const Fixed> fixed_;
  std::size_t secret_ = 0;
  std::vector<Fact> facts_;
  std::int64_t answers_ = 0;
};

void TelepathyGym::snapshot(ByteWriter& out) const {
  write_progress(out);
  out.u64(secret_);
  out.i64(answers_);
  out.u64(facts_.size());
  for (const Fact& fact : facts_) {
    out.u8(static_cast<std::uint8_t>(fact.question.kind));
    out.u64(fact.question.index);
    out.u8(static_cast<std::uint8_t>(fact.truth));
  }
}

bool TelepathyGym::restore(ByteReader& in) {
  const bool known = read_progress(in);
  secret_ = in.u64();
  answers_ = in.i64();
  const std::size_t count = in.count(3);
  bool valid = known && talks_about(kSlots) &&
               secret_ < static_cast<std::size_t>(fixed_->options.entities) && answers_ >= 0 &&
               answers_ <= turns() && count <= static_cast<std::size_t>(turns());
  facts_.clear();
  for (std::size_t i = 0; valid && i < count; ++i) {
    Fact fact;
    const std::uint8_t kind = in.u8();
    fact.question.index = in.u64();
    const std::uint8_t truth = in.u8();
    const bool property = kind == static_cast<std::uint8_t>(Question::Kind::property);
    valid = in.ok() && (property || kind == static_cast<std::uint8_t>(Question::Kind::entity)) &&
            fact.question.index < (property ? property_count() : entity_count()) &&
            truth < static_cast<std::uint8_t>(Truth::unknown);
    fact.question.kind = static_cast<Question::Kind>(kind);
    fact.truth = static_cast<Truth>(truth);
    facts_.push_back(fact);
  }
  return valid && in.ok();
}

// Players ----------------------------------------------------------------------------------

enum class Strategy : std::uint8_t { expert, consistent, random, demonstrator };

// The things that the facts allow; all, where they allow none.
std::vector<std::size_t> candidates(const TelepathyGym& gym) {
  const auto count = static_cast<std::size_t>(gym.options().entities);
  std::vector<std::size_t> left;
  for (std::size_t entity = 0; entity < count; ++entity) {
    const bool fits = std::all_of(gym.facts().begin(), gym.facts().end(), [&](const Fact& fact) {
      return truth_of(entity, fact.question) == fact.truth;
    });
    if (fits) left.push_back(entity);
  }
  if (left.empty()) {
    left.resize(count);
    std::iota(left.begin(), left.end(), std::size_t{0});
  }
  return left;
}

// Bits that the answer about a property would bring.
double uncertainty(const std::vector<std::size_t>& left, std::size_t property) {
  std::array<std::size_t, 3> counts{};
  for (const std::size_t entity : left) {
    ++counts[static_cast<std::size_t>(truth_of(entity, property))];
  }
  double bits = 0.0;
  for (const std::size_t count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(left.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

class Asker final : public GymPlayer {
 public:
  Asker(Strategy strategy, PromptStyle style) : GymPlayer(style), strategy_(strategy) {}

 protected:
  std::string move(const PlayerView& view, Random& random) override {
    const auto* gym = dynamic_cast<const TelepathyGym*>(&view.environment);
    check(gym != nullptr, "a player of telepathy_gym plays telepathy_gym");
    const std::vector<std::size_t> left = candidates(*gym);
    const auto entities = static_cast<std::uint64_t>(gym->options().entities);
    if (strategy_ == Strategy::random) {
      const bool answers = random.chance(1, static_cast<std::uint64_t>(gym->turns_max()));
      const auto entity = static_cast<std::size_t>(random.below(entities));
      return answers || last_turn(*gym) ? answer(entity, entity) : ask(any(random), entity);
    }
    const bool expert = strategy_ == Strategy::expert;
    const std::size_t guess = expert ? left.front() : left[random.below(left.size())];
    if (left.size() == 1 || last_turn(*gym)) {
      const bool careless = strategy_ == Strategy::demonstrator && random.uniform() < kRandomAnswer;
      return answer(careless ? static_cast<std::size_t>(random.below(entities)) : guess, guess);
    }
    if (expert) return ask(property(sharpest(left)), guess);
    if (strategy_ == Strategy::demonstrator && random.uniform() < kIdleQuestion) {
      return ask_idle(kIdle[random.below(kIdle.size())], guess);
    }
    return ask(any(random), guess);
  }

 private:
  static bool last_turn(const TelepathyGym& gym) { return gym.turns() + 1 >= gym.turns_max(); }
  static const Property& any(Random& random) { return property(random.below(property_count())); }

  static std::size_t sharpest(const std::vector<std::size_t>& left) {
    std::size_t best = 0;
    double most = -1.0;
    for (std::size_t i = 0; i < property_count(); ++i) {
      const double bits = uncertainty(left, i);
      if (bits > most + 1e-9) {
        most = bits;
        best = i;
      }
    }
    return best;
  }

  // The thing that comes to mind stands before the question in the compact style.
  std::string ask(const Property& asked, std::size_t mind) const {
    if (!compact()) return "[action] " + std::string(asked.question);
    return " " + entity_name(mind) + " [action] " + std::string(asked.name) + "?";
  }
  std::string ask_idle(std::string_view word, std::size_t mind) const {
    if (!compact()) return "[action] Is it " + std::string(word) + "?";
    return " " + entity_name(mind) + " [action] " + std::string(word) + "?";
  }
  std::string answer(std::size_t entity, std::size_t mind) const {
    if (!compact()) return "[answer] " + entity_name(entity);
    return " " + entity_name(mind) + " [answer] " + entity_name(entity) + ".";
  }

  Strategy strategy_;
};

// The family -------------------------------------------------------------------------------

// The pieces of compact text: things to think of and to name, properties and idle words.
std::vector<std::string> question_pieces() {
  std::vector<std::string> pieces;
  for (std::size_t i = 0; i < property_count(); ++i) {
    pieces.push_back(" " + std::string(property(i).name) + "?");
  }
  for (const std::string_view word : kIdle) pieces.push_back(" " + std::string(word) + "?");
  return pieces;
}

ContextWords words_in(const Fixed& fixed) {
  std::vector<std::string> stops = question_pieces();
  std::vector<std::string> pieces = {"\nYes.", "\nNo.", "\nMaybe.",
                                     "Guess in " + std::to_string(fixed.options.turns) + ":"};
  const auto count = static_cast<std::size_t>(fixed.options.entities);
  for (std::size_t entity = 0; entity < count; ++entity) {
    stops.push_back(" " + entity_name(entity) + ".");
    pieces.push_back(" " + entity_name(entity));
  }
  pieces.insert(pieces.end(), stops.begin(), stops.end());
  return gym_words(fixed.style, pieces, stops);
}

std::string paper_rules(const Options& options) {
  std::string text =
      "You play twenty questions. The user thinks of one thing, and you find out which.\n\n"
      "# Turns\nWrite exactly one of these in each turn; what stands before it is for yourself:\n"
      "[action] a question that can be answered with Yes, No or Maybe, about one property\n"
      "[answer] the thing that you think it is\n"
      "[finish] to stop\n\n# Rewards\nThe right answer gives 1. Wrong answers allowed: ";
  text += std::to_string(options.answers - 1) + ".\n\n# Properties that the user understands\n";
  for (std::size_t i = 0; i < property_count(); ++i) {
    (text += i > 0 ? ", " : "") += property(i).name;
  }
  text += "\n\n# What it can be\n";
  for (std::size_t i = 0; i < static_cast<std::size_t>(options.entities); ++i) {
    (text += i > 0 ? ", " : "") += entity_name(i);
  }
  return text + "\n";
}

std::shared_ptr<const EnvironmentFamily> make_family(const Options& options, PromptStyle style) {
  auto fixed = std::make_shared<Fixed>();
  fixed->options = options;
  fixed->style = style;
  fixed->spec.name = "telepathy_gym";
  fixed->spec.action_grammar = "[action] question, [answer] thing, or [finish]";
  fixed->spec.turns_max = options.turns;
  if (style == PromptStyle::paper) fixed->rules = paper_rules(options);
  ContextWords words = words_in(*fixed);
  Roles<Strategy> roles = usual_roles<Strategy>();
  roles.emplace_back("consistent", Strategy::consistent);
  return make_gym_family<TelepathyGym, Asker>(std::move(fixed), std::move(words),
                                              std::move(roles));
}

std::shared_ptr<const EnvironmentFamily> read_family(JsonObject object, PromptStyle style) {
  const auto entities = static_cast<std::int64_t>(entity_count());
  Options options;
  options.entities = object.integer("entities", {kEntitiesMin, entities}, options.entities);
  options.turns = object.integer("turns", {2, kTurnsMax}, options.turns);
  options.answers = object.integer("answers", {1, kTurnsMax}, options.answers);
  options.persona = users::persona_option(object);
  object.finish();
  return make_family(options, style);
}

Json options_schema() {
  const auto entities = static_cast<std::int64_t>(entity_count());
  const Options options;
  return options_object(
      {{"entities", with_default(integer_schema(kEntitiesMin, entities), options.entities)},
       {"turns", with_default(integer_schema(2, kTurnsMax), options.turns)},
       {"answers", with_default(integer_schema(1, kTurnsMax), options.answers)},
       {"persona", users::persona_option_schema()}});
}

}  // namespace

EnvironmentEntry entry() {
  return {"telepathy_gym",
          "twenty questions: the user thinks of something and answers yes, no or maybe",
          {"consistent", "demonstrator", "expert", "random"},
          read_family,
          options_schema()};
}

}  // namespace turnhalle::user_gyms::telepathy
