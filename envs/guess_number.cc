#include "envs/guess_number.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "core/check.h"
#include "core/text.h"
#include "envs/option_schema.h"
#include "envs/untimed_environment.h"

namespace turnhalle::guess_number {
namespace {

constexpr std::int64_t kLowMax = 999;
constexpr std::int64_t kHighMax = 1000;
constexpr std::int64_t kGuessesMax = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The only number of a reply, as the header defines it.
std::optional<std::int64_t> parse_guess(std::string_view reply) {
  const auto begin = std::find_if(reply.begin(), reply.end(), is_digit);
  const auto end = std::find_if_not(begin, reply.end(), is_digit);
  if (begin == reply.end() || std::any_of(end, reply.end(), is_digit) ||
      (begin != reply.begin() && *(begin - 1) == '-')) {
    return std::nullopt;
  }
  std::int64_t value = 0;
  if (!parse_integer(std::string_view(begin, end), value)) {
    return std::nullopt;
  }
  return value;
}

// What the agent has been shown.
struct Seen {
  std::int64_t lowest = 0;  ///< of the numbers that the answers allow
  std::int64_t highest = 0;
};

// What all instances of one family share.
struct Fixed {
  Options options;
  PromptStyle style = PromptStyle::paper;
  EnvironmentSpec spec;
};

class GuessNumber final : public UntimedEnvironment {
 public:
  explicit GuessNumber(std::shared_ptr<const Fixed> fixed)
      : fixed_(std::move(fixed)), options_(fixed_->options) {}

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  const Options& options() const { return options_; }
  const Seen& seen() const { return seen_; }

  Opening reset(const Task& task) override {
    secret_ = Random(task.task.split("secret")).between(options_.low, options_.high);
    seen_ = {options_.low, options_.high};
    guesses_ = 0;
    outcome_ = Outcome::running;
    return {"", opening()};
  }

  StepResult step(Seat, const AgentReply& reply, Scheduler&) override {
    StepResult result;
    if (outcome_ == Outcome::running) {
      apply(reply.text, result);
    }
    result.outcome = outcome_;
    return result;
  }

  void snapshot(ByteWriter& out) const override {
    write_outcome(out);
    out.i64(secret_);
    out.i64(seen_.lowest);
    out.i64(seen_.highest);
    out.i64(guesses_);
  }

  bool restore(ByteReader& in) override {
    Outcome outcome;
    const bool known = read_outcome(in, outcome);
    secret_ = in.i64();
    seen_.lowest = in.i64();
    seen_.highest = in.i64();
    guesses_ = in.i64();
    if (!in.ok() || !known || guesses_ < 0 || guesses_ > options_.guesses) {
      return false;
    }
    outcome_ = outcome;
    return true;
  }

  Json hidden_state() const override { return {{"secret", secret_}, {"guesses", guesses_}}; }

 private:
  bool compact() const { return fixed_->style == PromptStyle::compact; }

  std::string opening() const {
    std::string text = compact() ? "Number " : "Guess a number from ";
    append_number(text, options_.low);
    text += compact() ? ".." : " to ";
    append_number(text, options_.high);
    text += compact() ? ":" : ". Reply with the number only.";
    return text;
  }

  void apply(std::string_view reply, StepResult& result) {
    const std::optional<std::int64_t> guess = parse_guess(reply);
    if (!guess || *guess < options_.low || *guess > options_.high) {
      outcome_ = Outcome::agent_error;
      result.observation = compact() ? "\nUnreadable. " : "That was not one number in the range.";
      return;
    }
    ++guesses_;
    if (*guess == secret_) {
      outcome_ = Outcome::done;
      result.reward = 1.0;
      result.parts.push_back({"found", 1.0});
      result.observation = compact() ? "\nRight. " : "Right!";
      return;
    }
    const bool higher = secret_ > *guess;
    if (higher) {
      seen_.lowest = std::max(seen_.lowest, *guess + 1);
    } else {
      seen_.highest = std::min(seen_.highest, *guess - 1);
    }
    if (guesses_ >= options_.guesses) {
      outcome_ = Outcome::truncated;
      result.observation = compact() ? "\nOut of guesses. " : "No guesses are left.";
      return;
    }
    const std::string_view word = higher ? "Higher" : "Lower";
    result.observation = compact() ? "\n" + std::string(word) + ":" : std::string(word);
  }

  std::shared_ptr<const Fixed> fixed_;
  const Options& options_;
  std::int64_t secret_ = 0;
  Seen seen_;
  std::int64_t guesses_ = 0;
};

// The pieces of all text of the compact style.
std::vector<std::string> compact_vocabulary() {
  std::vector<std::string> pieces = {"Hint:",
                                     " none",
                                     "</hint>\n",
                                     " <hint>",
                                     "</hint>",
                                     "Number ",
                                     "..",
                                     ":",
                                     " ",
                                     ".",
                                     "\nHigher:",
                                     "\nLower:",
                                     "\nRight. ",
                                     "\nOut of guesses. ",
                                     "\nUnreadable. ",
                                     "Reward 0\nNew hint:",
                                     "Reward 1\nNew hint:"};
  for (char digit = '0'; digit <= '9'; ++digit) {
    pieces.emplace_back(1, digit);
  }
  return pieces;
}

enum class Strategy : std::uint8_t { bisect, uniform, consistent, mixed };

class Guesser final : public Player {
 public:
  Guesser(Strategy strategy, PromptStyle style) : strategy_(strategy), style_(style) {}

  std::string play(const PlayerView& view, RandomKey key) override {
    const bool compact = style_ == PromptStyle::compact;
    if (view.kind == EpisodeKind::update_context) {
      return compact ? " <hint> none</hint>"
                     : "--- Start of updated hints ---\nHalve the range with every guess.\n"
                       "--- End of updated hints ---";
    }
    const auto* world = dynamic_cast<const GuessNumber*>(&view.environment);
    check(world != nullptr, "a player of guess_number plays guess_number");
    const std::string guess = std::to_string(choose(*world, key));
    return compact ? " " + guess + "." : guess;
  }

 private:
  std::int64_t choose(const GuessNumber& world, RandomKey key) const {
    Random random(key);
    const Seen& seen = world.seen();
    if (strategy_ == Strategy::bisect) {
      return (seen.lowest + seen.highest) / 2;
    }
    const bool blind =
        strategy_ == Strategy::uniform || (strategy_ == Strategy::mixed && random.chance(1, 2));
    return blind ? random.between(world.options().low, world.options().high)
                 : random.between(seen.lowest, seen.highest);
  }

  Strategy strategy_;
  PromptStyle style_;
};

class GuessFamily final : public EnvironmentFamily {
 public:
  GuessFamily(const Options& options, PromptStyle style) {
    auto fixed = std::make_shared<Fixed>();
    fixed->options = options;
    fixed->style = style;
    fixed->spec.name = "guess_number";
    fixed->spec.action_grammar = "one whole number between the bounds, and no other digits";
    fixed->spec.turns_max = options.guesses;
    fixed_ = std::move(fixed);
  }

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  ContextWords context_words() const override {
    if (fixed_->style == PromptStyle::compact) {
      return {" none", " none", compact_vocabulary(), {".", "</hint>"}};
    }
    return {"Hints: null", "Hints: no hint available.", {}, {}};
  }
  std::unique_ptr<Environment> make() const override {
    return std::make_unique<GuessNumber>(fixed_);
  }
  std::unique_ptr<Player> make_player(std::string_view role) const override {
    const PromptStyle style = fixed_->style;
    if (role == "expert") return std::make_unique<Guesser>(Strategy::bisect, style);
    if (role == "random") return std::make_unique<Guesser>(Strategy::uniform, style);
    if (role == "consistent") return std::make_unique<Guesser>(Strategy::consistent, style);
    if (role == "demonstrator") return std::make_unique<Guesser>(Strategy::mixed, style);
    return nullptr;
  }

 private:
  std::shared_ptr<const Fixed> fixed_;
};

std::shared_ptr<const EnvironmentFamily> read_family(JsonObject object, PromptStyle style) {
  Options options;
  options.low = object.integer("low", {0, kLowMax}, options.low);
  options.high = object.integer("high", {1, kHighMax}, options.high);
  options.guesses = object.integer("guesses", {1, kGuessesMax}, options.guesses);
  if (options.high <= options.low) {
    object.fail("high", "a number above low");
  }
  object.finish();
  return std::make_shared<GuessFamily>(options, style);
}

Json options_schema() {
  const auto integer = [](std::int64_t low, std::int64_t high, std::int64_t fallback) {
    return with_default(integer_schema(low, high), fallback);
  };
  return options_object({{"low", integer(0, kLowMax, 1)},
                         {"high", integer(1, kHighMax, 9)},
                         {"guesses", integer(1, kGuessesMax, 3)}});
}

}  // namespace

EnvironmentEntry entry() {
  return {"guess_number",
          "a secret number, a few guesses, higher or lower",
          {"consistent", "demonstrator", "expert", "random"},
          read_family,
          options_schema()};
}

}  // namespace turnhalle::guess_number
