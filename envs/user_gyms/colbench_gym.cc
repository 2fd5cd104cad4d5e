#include "envs/user_gyms/colbench_gym.h"

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
#include "envs/control_expression.h"
#include "envs/option_schema.h"
#include "envs/user_gyms/gym_family.h"
#include "envs/user_gyms/user_gym.h"

namespace turnhalle::user_gyms::colbench {
namespace {

constexpr std::int64_t kTurnsMin = 2;
constexpr std::int64_t kTurnsMax = 40;
constexpr std::size_t kCalls = 10;

enum Fact : std::size_t { kBase, kRate, kLimit, kExtra, kFactor, kLeast, kFacts };

struct FactFacts {
  std::string_view name;
  std::int64_t low;  ///< of the values, which are whole numbers of `unit`
  std::int64_t high;
  double unit;
};

constexpr std::array<FactFacts, kFacts> kFactTable = {{{"base", 1, 20, 0.5},
                                                       {"rate", 1, 16, 0.25},
                                                       {"limit", 5, 30, 1.0},
                                                       {"extra", 1, 20, 0.5},
                                                       {"factor", 1, 19, 0.1},
                                                       {"least", 8, 40, 0.5}}};

struct Subject {
  std::string_view wish;
  std::string_view amount;
  std::string_view mark;
};

constexpr auto kSubjects = std::to_array<Subject>({
    {"the price of sending a parcel", "its weight in kilos", "it is sent by express"},
    {"the fare of a taxi", "the kilometres driven", "it is night"},
    {"the bill of a print shop", "the pages printed", "they are in colour"},
    {"the fee of a car park", "the hours parked", "the driver lives in the street"},
    {"the water bill of a flat", "the cubic metres used", "the tenant is a pensioner"},
    {"the wage of a day's picking", "the baskets filled", "it is Sunday"},
});

using Facts = std::array<double, kFacts>;

double price(const Facts& facts, double x, double v) {
  const double extra = x > facts[kLimit] ? facts[kExtra] : 0.0;
  const double sum = facts[kBase] + facts[kRate] * x + extra;
  return std::max(facts[kLeast], sum) * (v != 0.0 ? facts[kFactor] : 1.0);
}

std::string expression_of(const Facts& facts) {
  return "max(" + shortest(facts[kLeast]) + ", " + shortest(facts[kBase]) + " + " +
         shortest(facts[kRate]) + " * x + (" + shortest(facts[kExtra]) + " if x > " +
         shortest(facts[kLimit]) + " else 0)) * (" + shortest(facts[kFactor]) + " if v else 1)";
}

double draw_fact(std::size_t fact, Random& random) {
  const FactFacts& facts = kFactTable[fact];
  // A quotient of whole numbers, so that 0.3 is the number that "0.3" reads as.
  return static_cast<double>(random.between(facts.low, facts.high)) / (1.0 / facts.unit);
}

std::set<std::size_t> facts_in(std::string_view text) {
  const std::vector<std::string> words = words_of(text);
  std::set<std::size_t> found;
  for (std::size_t i = 0; i < kFacts; ++i) {
    if (std::find(words.begin(), words.end(), kFactTable[i].name) != words.end()) found.insert(i);
  }
  return found;
}

constexpr std::string_view kRules =
    "A user wants a function. Find out what it has to do, then write it.\n\n"
    "# Turns\nWrite exactly one of these in each turn; what stands before it is for yourself:\n"
    "[action] a question to the user\n"
    "[answer] an expression in x and v; this ends the task\n"
    "[finish] to stop\n\n"
    "# Expressions\nNumbers, x, v, + - * / **, comparisons, and, or, not, A if C else B, min, max, "
    "abs and brackets.\n\n"
    "# Rewards\nThe share of ten test calls for which the expression gives the right value.\n";

struct Fixed {
  Options options;
  PromptStyle style = PromptStyle::paper;
  EnvironmentSpec spec;
};

class ColbenchGym final : public UserGym {
 public:
  explicit ColbenchGym(std::shared_ptr<const Fixed> fixed)
      : UserGym(PromptStyle::paper, fixed->options.turns, fixed->options.persona),
        fixed_(std::move(fixed)) {}

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  bool told(std::size_t fact) const { return user().told(fact); }
  double value(std::size_t fact) const {
    check(told(fact), "only what was told is known");
    return facts_[fact];
  }

  Opening reset(const Task& task) override;
  std::unique_ptr<Environment> fork() const override {
    return std::make_unique<ColbenchGym>(*this);
  }
  void snapshot(ByteWriter& out) const override {
    write_progress(out);
    out.u64(subject_);
    for (const double fact : facts_) out.f64(fact);
    for (const double amount : amounts_) out.f64(amount);
  }
  bool restore(ByteReader& in) override;
  Json hidden_state() const override {
    Json facts = Json::object();
    for (std::size_t i = 0; i < kFacts; ++i) facts[std::string(kFactTable[i].name)] = facts_[i];
    return {{"facts", facts}, {"turns", turns()}};
  }

 protected:
  bool offers(Choice choice) const override { return choice != Choice::search; }
  users::SlotWords slot_words(std::size_t slot) const override {
    return {std::string(kFactTable[slot].name), shortest(facts_[slot])};
  }
  void change(std::size_t slot, RandomKey key) override { facts_[slot] = other_fact(slot, key); }
  users::SlotWords wrong_words(std::size_t slot, RandomKey key) const override {
    return {std::string(kFactTable[slot].name), shortest(other_fact(slot, key))};
  }
  void act(const GymReply& reply, StepResult& result) override {
    if (reply.choice == Choice::answer) {
      judge(reply.content, result);
    } else {
      result.observation = in_words(ask_user(facts_in(reply.content)));
    }
  }

 private:
  void judge(std::string_view answer, StepResult& result);
  double other_fact(std::size_t fact, RandomKey key) const {
    Random random(key);
    double other = facts_[fact];
    while (other == facts_[fact]) other = draw_fact(fact, random);
    return other;
  }

  std::shared_ptr<const Fixed> fixed_;
  std::size_t subject_ = 0;
  Facts facts_{};
  std::array<double, kCalls> amounts_{};  ///< x of the test calls; v is 1 for every other one
};

Opening ColbenchGym::reset(const Task& task) {
  begin(task, {kFacts, true});
  Random random(task.task.split("function"));
  subject_ = random.below(kSubjects.size());
  for (std::size_t i = 0; i < kFacts; ++i) facts_[i] = draw_fact(i, random);
  // Both sides of every limit that the user may come to name.
  for (std::size_t i = 0; i < kCalls; ++i) {
    const auto part = static_cast<std::int64_t>(i / 2);
    amounts_[i] = static_cast<double>(random.between(8 * part, 8 * part + 7)) + 0.5;
  }
  const Subject& subject = kSubjects[subject_];
  std::string text = "I need a function for " + std::string(subject.wish) + ". x is " +
                     std::string(subject.amount) + ", and v is 1 when " +
                     std::string(subject.mark) +
                     ", else 0. There is a base, a rate for x, an extra beyond a limit of x, a "
                     "least price for all that, and then a factor when v is 1.";
  text += " (Turns left: " + std::to_string(turns_max()) + ")";
  if (fixed_->style == PromptStyle::compact) return {"", std::string(kRules) + "\n" + text};
  return {std::string(kRules), text};
}

void ColbenchGym::judge(std::string_view answer, StepResult& result) {
  const Result<control::Expression> expression = control::Expression::parse(answer);
  if (!expression) {
    result.observation = "The expression cannot be read: " + expression.error().message + ".";
    return;
  }
  std::size_t passed = 0;
  for (std::size_t i = 0; i < kCalls; ++i) {
    const double v = i % 2 == 0 ? 0.0 : 1.0;
    double value = 0.0;
    if (!expression->evaluate({amounts_[i], v, 0, 0, 0, 0, 0}, value)) continue;
    const double right = price(facts_, amounts_[i], v);
    passed += std::abs(value - right) <= 1e-6 * std::max(1.0, std::abs(right)) ? 1 : 0;
  }
  outcome_ = Outcome::done;
  result.reward = static_cast<double>(passed) / static_cast<double>(kCalls);
  if (passed > 0) result.parts.push_back({"passed", result.reward});
  result.observation = "It passes " + std::to_string(passed) + " of 10 test calls.";
}

bool ColbenchGym::restore(ByteReader& in) {
  const bool known = read_progress(in);
  subject_ = in.u64();
  bool valid = known && talks_about(kFacts) && subject_ < kSubjects.size();
  for (double& fact : facts_) {
    fact = in.f64();
    valid = valid && fact >= 0.0 && fact <= 100.0;
  }
  for (double& amount : amounts_) {
    amount = in.f64();
    valid = valid && amount >= 0.0 && amount <= 100.0;
  }
  return in.ok() && valid;
}

// Players ----------------------------------------------------------------------------------

enum class Strategy : std::uint8_t { expert, random, demonstrator };

class Coder final : public GymPlayer {
 public:
  Coder(Strategy strategy, PromptStyle style) : GymPlayer(style), strategy_(strategy) {}

 protected:
  std::string move(const PlayerView& view, Random& random) override {
    const auto* gym = dynamic_cast<const ColbenchGym*>(&view.environment);
    check(gym != nullptr, "a player of colbench_gym plays colbench_gym");
    const bool last = gym->turns() + 1 + gym->user().persona().doubts >= gym->turns_max();
    std::size_t open = 0;
    while (open < kFacts && gym->told(open)) ++open;
    const bool skips = strategy_ == Strategy::demonstrator && random.uniform() < kSkipped;
    if (strategy_ != Strategy::random && open < kFacts && !last && !skips) {
      return "[action] What is the " + std::string(kFactTable[open].name) + "?";
    }
    Facts facts{};
    for (std::size_t i = 0; i < kFacts; ++i) {
      const bool knows = strategy_ != Strategy::random && gym->told(i);
      facts[i] = knows ? gym->value(i) : draw_fact(i, random);
    }
    return "[answer] " + expression_of(facts);
  }

 private:
  Strategy strategy_;
};

std::shared_ptr<const EnvironmentFamily> make_family(const Options& options, PromptStyle style) {
  auto fixed = std::make_shared<Fixed>();
  fixed->options = options;
  fixed->style = style;
  fixed->spec.name = "colbench_gym";
  fixed->spec.action_grammar = "[action] question, [answer] expression, or [finish]";
  fixed->spec.turns_max = options.turns;
  return make_gym_family<ColbenchGym, Coder>(std::move(fixed), wordy_context(style),
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
  return options_object({{"turns", with_default(integer_schema(kTurnsMin, kTurnsMax), 10)},
                         {"persona", users::persona_option_schema()}});
}

}  // namespace

EnvironmentEntry entry() {
  return {"colbench_gym",
          "a user wants a function: ask for its numbers, then write it",
          {"demonstrator", "expert", "random"},
          read_family,
          options_schema()};
}

}  // namespace turnhalle::user_gyms::colbench
