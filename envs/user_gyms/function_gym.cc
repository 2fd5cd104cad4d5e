#include "envs/user_gyms/function_gym.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/text.h"
#include "envs/option_schema.h"
#include "envs/user_gyms/function_rule.h"
#include "envs/user_gyms/gym_family.h"
#include "envs/user_gyms/user_gym.h"

namespace turnhalle::user_gyms::function {
namespace {

constexpr std::int64_t kTurnsMax = 40;
constexpr std::int64_t kTestNumberMax = 99;
constexpr double kProbeMax = 1000.0;
const std::array<std::string, 2> kRuleSets = {"pairs", "arithmetic"};

// A probe and what the user said; no value where the rule has none.
struct Fact {
  Inputs inputs{};
  std::optional<double> value;
};

struct Fixed {
  Options options;
  PromptStyle style = PromptStyle::paper;
  EnvironmentSpec spec;
  const std::vector<Rule>& rules;
};

// The numbers of a text, which holds nothing else than these, blanks and commas; at most five.
std::optional<std::vector<double>> numbers_of(std::string_view text) {
  constexpr std::string_view kBetween = " ,\t\n\r";
  std::vector<double> numbers;
  std::size_t at = text.find_first_not_of(kBetween);
  while (at != std::string_view::npos && numbers.size() < 5) {
    const std::size_t end = std::min(text.find_first_of(kBetween, at), text.size());
    std::string_view word = text.substr(at, end - at);
    if (word.ends_with('.')) word.remove_suffix(1);
    double number = 0.0;
    if (!parse_double(word, number)) return std::nullopt;
    numbers.push_back(number);
    at = text.find_first_not_of(kBetween, end);
  }
  return numbers;
}

std::string list_of(const Inputs& inputs, std::string_view separator) {
  std::string text;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (i > 0) text += separator;
    text += shortest(inputs[i]);
  }
  return text;
}

std::optional<double> said_value(const Rule& rule, const Inputs& inputs) {
  const std::optional<double> value = value_of(rule, inputs);
  return value ? std::optional<double>(rounded(*value)) : std::nullopt;
}

class FunctionGym final : public UserGym {
 public:
  explicit FunctionGym(std::shared_ptr<const Fixed> fixed)
      : UserGym(fixed->style, fixed->options.turns, fixed->options.persona),
        fixed_(std::move(fixed)) {}

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  const Options& options() const { return fixed_->options; }
  const std::vector<Rule>& rules() const { return fixed_->rules; }
  const std::vector<Fact>& facts() const { return facts_; }
  bool test_is_told() const { return told_; }
  const Inputs& test() const {
    check(told_, "the test is known once it was asked for");
    return test_;
  }

  Opening reset(const Task& task) override;
  std::unique_ptr<Environment> fork() const override {
    return std::make_unique<FunctionGym>(*this);
  }
  void snapshot(ByteWriter& out) const override;
  bool restore(ByteReader& in) override;
  Json hidden_state() const override {
    return {{"rule", text_of(fixed_->rules[rule_])}, {"test", test_}, {"turns", turns()}};
  }

 protected:
  bool offers(Choice) const override { return true; }
  void act(const GymReply& reply, StepResult& result) override {
    if (reply.choice == Choice::answer) {
      judge(reply.content, result);
    } else if (reply.choice == Choice::search) {
      show_test(reply.content, result);
    } else {
      probe(reply.content, result);
    }
  }

  /// The value of the last probe.
  users::SlotWords slot_words(std::size_t) const override {
    const double value = facts_.empty() ? 0.0 : facts_.back().value.value_or(0.0);
    return {"value", shortest(value)};
  }

 private:
  // Says so in the paper's style; the compact one has one sentence for all that brings nothing.
  std::string nothing(std::string_view reason) const {
    return std::string(compact() ? kNothingFound : reason);
  }

  void show_test(std::string_view asked, StepResult& result) {
    const std::vector<std::string> words = words_of(asked);
    if (std::find(words.begin(), words.end(), "test") == words.end()) {
      result.observation = nothing("The only thing to look up is the test: [search] test.");
      return;
    }
    told_ = true;
    result.observation =
        compact() ? " " + list_of(test_, " ") + "." : "The test is " + list_of(test_, ", ") + ".";
  }

  void probe(std::string_view text, StepResult& result) {
    const std::optional<std::vector<double>> numbers = numbers_of(text);
    if (!numbers || numbers->size() != 4 ||
        std::any_of(numbers->begin(), numbers->end(),
                    [](double number) { return std::abs(number) > kProbeMax; })) {
      result.observation = nothing("Probe with four numbers between -1000 and 1000.");
      return;
    }
    Fact fact;
    std::copy(numbers->begin(), numbers->end(), fact.inputs.begin());
    if (fact.inputs == test_) {
      result.observation = nothing("These are the numbers of the test, which may not be probed.");
      return;
    }
    fact.value = said_value(fixed_->rules[rule_], fact.inputs);
    const std::vector<users::Move> moves = ask_user({0});
    if (moves.front().act != users::Act::inform) {
      result.observation = in_words(moves);
      return;
    }
    facts_.push_back(fact);
    forget(0);
    result.observation = fact.value ? in_words(moves) : nothing("The rule has no value there.");
  }

  void judge(std::string_view text, StepResult& result) {
    ++answers_;
    const std::optional<std::vector<double>> numbers = numbers_of(text);
    const double value = value_of(fixed_->rules[rule_], test_).value_or(0.0);
    const double tolerance = 1e-6 * std::max(1.0, std::abs(value));
    if (numbers && numbers->size() == 1 && std::abs(numbers->front() - value) <= tolerance) {
      outcome_ = Outcome::done;
      result.reward = 1.0;
      result.parts.push_back({"right", 1.0});
      result.observation = compact() ? "\nRight. " : "Right!";
      return;
    }
    result.observation = compact() ? "\nWrong. " : "That is wrong.";
    if (answers_ >= fixed_->options.answers) outcome_ = Outcome::done;
  }

  std::shared_ptr<const Fixed> fixed_;
  std::size_t rule_ = 0;
  Inputs test_{};
  bool told_ = false;
  std::vector<Fact> facts_;
  std::int64_t answers_ = 0;
};

constexpr std::string_view kPaperRules =
    "The user knows a rule that makes one number of four numbers a, b, c, d. Find out what it "
    "makes of the test.\n\n"
    "# Turns\nWrite exactly one of these in each turn; what stands before it is for yourself:\n"
    "[action] four numbers, to learn the rule's value for them (not for those of the test)\n"
    "[search] test, to learn the four numbers of the test\n"
    "[answer] the rule's value for the test, one number\n"
    "[finish] to stop\n\n# The rule\n";

std::string paper_rules(const Options& options) {
  std::string text(kPaperRules);
  text += options.rules == Rules::pairs
              ? "One operation on two of the four numbers: +, -, *, max or min.\n"
              : "Three operations out of +, -, *, / that use each of the four numbers once, in any "
                "order and with any brackets.\n";
  return text + "\n# Rewards\nThe right answer gives 1. Wrong answers allowed: " +
         std::to_string(options.answers - 1) + ".\n";
}

Opening FunctionGym::reset(const Task& task) {
  begin(task, {1, false});
  Random random(task.task.split("rule"));
  const auto [low, high] = fixed_->options.numbers;
  do {
    rule_ = random.below(fixed_->rules.size());
    for (double& number : test_) number = static_cast<double>(random.between(low, high));
  } while (!value_of(fixed_->rules[rule_], test_));
  told_ = false;
  facts_.clear();
  answers_ = 0;
  if (compact()) return {"", "Rule of a b c d:"};
  return {paper_rules(fixed_->options),
          "What do you want to know? (Turns left: " + std::to_string(turns_max()) + ")"};
}

void FunctionGym::snapshot(ByteWriter& out) const {
  write_progress(out);
  out.u64(rule_);
  out.boolean(told_);
  out.i64(answers_);
  for (const double number : test_) out.f64(number);
  out.u64(facts_.size());
  for (const Fact& fact : facts_) {
    for (const double number : fact.inputs) out.f64(number);
  }
}

bool FunctionGym::restore(ByteReader& in) {
  const bool known = read_progress(in);
  rule_ = in.u64();
  told_ = in.boolean();
  answers_ = in.i64();
  bool valid = known && talks_about(1) && rule_ < fixed_->rules.size() && answers_ >= 0 &&
               answers_ <= turns();
  for (double& number : test_) {
    number = in.f64();
    valid = valid && std::abs(number) <= static_cast<double>(kTestNumberMax);
  }
  const std::size_t count = in.count(32);
  valid = valid && count <= static_cast<std::size_t>(turns());
  facts_.clear();
  for (std::size_t i = 0; valid && i < count; ++i) {
    Fact fact;
    for (double& number : fact.inputs) {
      number = in.f64();
      valid = valid && std::abs(number) <= kProbeMax;
    }
    fact.value = said_value(fixed_->rules[rule_], fact.inputs);
    facts_.push_back(fact);
  }
  return valid && in.ok();
}

// Players ----------------------------------------------------------------------------------

enum class Strategy : std::uint8_t { expert, random, demonstrator };

// The rules that fit what was told; all, where none does.
std::vector<const Rule*> candidates(const FunctionGym& gym) {
  std::vector<const Rule*> left;
  for (const Rule& rule : gym.rules()) {
    const bool fits = std::all_of(gym.facts().begin(), gym.facts().end(), [&](const Fact& fact) {
      return said_value(rule, fact.inputs) == fact.value;
    });
    if (fits) left.push_back(&rule);
  }
  if (left.empty()) {
    for (const Rule& rule : gym.rules()) left.push_back(&rule);
  }
  return left;
}

// How many values the rules give; no value is one of them.
std::size_t different_values(const std::vector<const Rule*>& rules, const Inputs& inputs) {
  std::set<std::optional<double>> values;
  for (const Rule* rule : rules) values.insert(said_value(*rule, inputs));
  return values.size();
}

class Prober final : public GymPlayer {
 public:
  Prober(Strategy strategy, PromptStyle style) : GymPlayer(style), strategy_(strategy) {}

 protected:
  std::string move(const PlayerView& view, Random& random) override {
    const auto* gym = dynamic_cast<const FunctionGym*>(&view.environment);
    check(gym != nullptr, "a player of function_gym plays function_gym");
    const bool last = gym->turns() + 1 >= gym->turns_max();
    if (strategy_ == Strategy::random) return random_move(*gym, last, random);
    if (!gym->test_is_told()) return compact() ? " [search] test." : "[search] test";
    const std::vector<const Rule*> left = candidates(*gym);
    const bool expert = strategy_ == Strategy::expert;
    const Rule& guess = *left[expert ? 0 : random.below(left.size())];
    if (last || different_values(left, gym->test()) == 1) {
      const bool careless = !expert && random.uniform() < kRandomAnswer;
      return careless ? random_answer(*gym, random) : answer(value_of(guess, gym->test()));
    }
    if (expert) return probe(sharpest(*gym, left, random), guess);
    if (random.uniform() < kIdleProbe) return probe({}, guess);
    return probe(draw(*gym, random), guess);
  }

 private:
  static Inputs draw(const FunctionGym& gym, Random& random) {
    Inputs inputs{};
    const auto [low, high] = gym.options().numbers;
    for (double& number : inputs) number = static_cast<double>(random.between(low, high));
    return inputs;
  }

  // Of a few draws, the numbers that tell most values apart.
  static Inputs sharpest(const FunctionGym& gym, const std::vector<const Rule*>& left,
                         Random& random) {
    constexpr int kDraws = 12;
    Inputs best{};
    std::size_t most = 0;
    for (int i = 0; i < kDraws; ++i) {
      const Inputs inputs = draw(gym, random);
      const std::size_t values = inputs == gym.test() ? 0 : different_values(left, inputs);
      if (values > most) {
        most = values;
        best = inputs;
      }
    }
    return best;
  }

  std::string random_move(const FunctionGym& gym, bool last, Random& random) const {
    if (last || random.chance(1, static_cast<std::uint64_t>(gym.turns_max()))) {
      return random_answer(gym, random);
    }
    if (random.chance(1, 4)) return compact() ? " [search] test." : "[search] test";
    const Rule& rule = gym.rules()[random.below(gym.rules().size())];
    return probe(draw(gym, random), rule);
  }

  // The value of any rule for the test, or for any numbers where the test is not known.
  std::string random_answer(const FunctionGym& gym, Random& random) const {
    const Rule& rule = gym.rules()[random.below(gym.rules().size())];
    return answer(value_of(rule, gym.test_is_told() ? gym.test() : draw(gym, random)));
  }

  // The rule that comes to mind stands before the probe in the compact style.
  std::string probe(const Inputs& inputs, const Rule& mind) const {
    if (!compact()) return "[action] " + list_of(inputs, ", ");
    return " " + text_of(mind) + " [action] " + list_of(inputs, " ") + ".";
  }

  std::string answer(std::optional<double> value) const {
    const std::string text = shortest(value.value_or(0.0));
    return compact() ? " [answer] " + text + "." : "[answer] " + text;
  }

  Strategy strategy_;
};

// The family -------------------------------------------------------------------------------

// Numbers that the 36 rules make of 0 to 9 are pieces; digits are there for any other.
ContextWords words_in(PromptStyle style) {
  std::vector<std::string> pieces = {"Rule of a b c d:", " test.", ".", "-", "e"};
  for (std::int64_t number = -9; number <= 81; ++number) {
    pieces.push_back(" " + std::to_string(number));
  }
  for (char digit = '0'; digit <= '9'; ++digit) pieces.emplace_back(1, digit);
  for (const Rule& rule : pair_rules()) pieces.push_back(" " + text_of(rule));
  return gym_words(style, pieces, {".", " test."});
}

std::shared_ptr<const EnvironmentFamily> make_family(const Options& options, PromptStyle style) {
  EnvironmentSpec spec;
  spec.name = "function_gym";
  spec.action_grammar = "[action] four numbers, [search] test, [answer] number, or [finish]";
  spec.turns_max = options.turns;
  const std::vector<Rule>& rules =
      options.rules == Rules::pairs ? pair_rules() : arithmetic_rules();
  auto fixed = std::make_shared<Fixed>(Fixed{options, style, std::move(spec), rules});
  return make_gym_family<FunctionGym, Prober>(std::move(fixed), words_in(style),
                                              usual_roles<Strategy>());
}

std::shared_ptr<const EnvironmentFamily> read_family(JsonObject object, PromptStyle style) {
  Options options;
  const std::string rules = object.one_of("rules", kRuleSets, kRuleSets[1]);
  options.rules = rules == kRuleSets[0] ? Rules::pairs : Rules::arithmetic;
  options.numbers =
      object.integer_pair("numbers", {-kTestNumberMax, kTestNumberMax}, options.numbers);
  options.turns = object.integer("turns", {3, kTurnsMax}, options.turns);
  options.answers = object.integer("answers", {1, kTurnsMax}, options.answers);
  if (style == PromptStyle::compact && options.rules != Rules::pairs) {
    object.fail("rules", "\"pairs\" in the compact style");
  }
  if (style == PromptStyle::compact && (options.numbers.first < 0 || options.numbers.second > 9)) {
    object.fail("numbers", "numbers from 0 to 9 in the compact style");
  }
  options.persona = users::persona_option(object);
  object.finish();
  return make_family(options, style);
}

Json options_schema() {
  return options_object(
      {{"rules", {{"enum", kRuleSets}, {"default", kRuleSets[1]}}},
       {"numbers", pair_schema(integer_schema(-kTestNumberMax, kTestNumberMax), {1, 9})},
       {"turns", with_default(integer_schema(3, kTurnsMax), 20)},
       {"answers", with_default(integer_schema(1, kTurnsMax), 20)},
       {"persona", users::persona_option_schema()}});
}

}  // namespace

EnvironmentEntry entry() {
  return {"function_gym",
          "a hidden rule of four numbers to probe, then to apply to a test",
          {"demonstrator", "expert", "random"},
          read_family,
          options_schema()};
}

}  // namespace turnhalle::user_gyms::function
