#include "envs/terminal_sim.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "core/text.h"
#include "envs/terminal_players.h"

namespace turnhalle::terminal {
namespace {

constexpr std::int64_t kStepsMax = 64;
constexpr std::size_t kLineBytesMax = 2000;

constexpr std::string_view kRules =
    "You work at a terminal of a local machine; a remote machine can be reached from it.\n\n"
    "# Commands\n"
    "ls cd pwd cat mkdir chmod cp mv rm touch echo whoami ssh exit scp rsync tar zip unzip gzip "
    "gunzip, also dir type copy move del ren rename. Not all of them are available everywhere. A "
    "line may chain commands with && or ;. Pipes and redirections are not supported. ssh user@host "
    "connects, exit leaves again; scp and rsync copy with user@host:path.\n\n"
    "# Rewards\n"
    "The task ends with 1 as soon as what it asks for is done; otherwise it gives 0.\n\n"
    "# Format\n"
    "Think freely, then write one line exactly once as <answer>LINE</answer>. Anything else ends "
    "the task.\n\n"
    "# Also\n"
    "Be brief. What you learn about the commands may help in later tasks.\n\n";

// What all instances of one family share.
struct Fixed {
  Options options;
  PromptStyle style = PromptStyle::paper;
  EnvironmentSpec spec;
};

class Terminal final : public Environment, public Observable {
 public:
  explicit Terminal(std::shared_ptr<const Fixed> fixed)
      : fixed_(std::move(fixed)), options_(fixed_->options), shell_({}, {}) {}

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  const TerminalTask& task() const override { return task_; }
  const Shell& shell() const override { return shell_; }

  Opening reset(const Task& task) override {
    draw_task(task.task);
    outcome_ = Outcome::running;
    if (fixed_->style == PromptStyle::compact) return {"", system_text() + "\n\n" + turn_text("")};
    return {system_text(), turn_text("")};
  }

  StepResult step(Seat, const AgentReply& reply, Scheduler&) override {
    StepResult result;
    result.outcome = outcome_;
    if (outcome_ != Outcome::running) return result;
    std::string_view line;
    if (!between_tags(reply.text, "<answer>", "</answer>", line) || trim(line).empty() ||
        line.size() > kLineBytesMax) {
      outcome_ = Outcome::agent_error;
      result.outcome = outcome_;
      result.observation = "The answer could not be read. Write one line as <answer>LINE</answer>.";
      return result;
    }
    lines_.emplace_back(trim(line));
    const std::string said = to_utf8(shell_.run(lines_.back()));
    if (is_done()) {
      outcome_ = Outcome::done;
      result.reward = 1.0;
      result.parts.push_back({"goal", 1.0});
      result.observation = "Success: the task is done.";
    } else if (static_cast<std::int64_t>(lines_.size()) >= options_.steps) {
      outcome_ = Outcome::truncated;
      result.observation = "The steps are used up and what was asked for is not done.";
    } else {
      result.observation = turn_text(said);
    }
    result.outcome = outcome_;
    return result;
  }

  StepResult advance(const Event&, Scheduler&) override {
    StepResult result;
    result.outcome = outcome_;
    return result;
  }

  // The task's key and the lines: the machines follow.
  void snapshot(ByteWriter& out) const override {
    out.u8(static_cast<std::uint8_t>(outcome_));
    out.boolean(key_.has_value());
    const RandomKey key = key_.value_or(RandomKey{});
    out.u64(key.high);
    out.u64(key.low);
    out.u64(lines_.size());
    for (const std::string& line : lines_) out.string(line);
  }

  bool restore(ByteReader& in) override {
    const std::uint8_t outcome = in.u8();
    const bool drawn = in.boolean();
    RandomKey key;
    key.high = in.u64();
    key.low = in.u64();
    const std::size_t count = in.count(2);
    if (!in.ok() || outcome > static_cast<std::uint8_t>(Outcome::timeout) ||
        count > static_cast<std::size_t>(drawn ? options_.steps : 0)) {
      return false;
    }
    key_.reset();
    task_ = {};
    shell_ = Shell({}, {});
    lines_.clear();
    if (drawn) draw_task(key);
    for (std::size_t i = 0; i < count; ++i) {
      lines_.push_back(in.string());
      if (in.ok()) shell_.run(lines_.back());
    }
    outcome_ = static_cast<Outcome>(outcome);
    return in.ok();
  }

  Json hidden_state() const override {
    Json way = Json::array();
    for (const std::string& line : task_.way) way.push_back(line);
    return {{"kind", std::string(name_of(task_.kind))},
            {"way", way},
            {"steps", lines_.size()},
            {"connected", shell_.connected()}};
  }

 private:
  void draw_task(RandomKey key) {
    key_ = key;
    task_ = draw_terminal_task(options_.task, key);
    shell_ = Shell(task_.local, task_.remote);
    lines_.clear();
  }

  bool is_done() const {
    return std::all_of(task_.checks.begin(), task_.checks.end(),
                       [this](const Check& check) { return holds(check, shell_); });
  }

  std::string system_text() const {
    return std::string(kRules) + "# Machines\nLocal: " + std::string(name_of(task_.local.system)) +
           ", user " + task_.local.user + ". Remote: Linux, " + task_.remote.user + "@" +
           task_.remote.host + ".\n\n# Task\n" + task_.sentence + "\nYou have " +
           std::to_string(options_.steps) + " steps.";
  }

  std::string turn_text(const std::string& said) const {
    std::string text = "Step " + std::to_string(lines_.size() + 1) + "/" +
                       std::to_string(options_.steps) + "\n" + said;
    if (!said.empty() && said.back() != '\n') text += '\n';
    return text + shell_.prompt();
  }

  std::shared_ptr<const Fixed> fixed_;
  const Options& options_;
  std::optional<RandomKey> key_;
  TerminalTask task_;
  Shell shell_;
  std::vector<std::string> lines_;
  Outcome outcome_ = Outcome::truncated;  // until the first reset nothing can be done
};

class TerminalFamily final : public EnvironmentFamily {
 public:
  TerminalFamily(const Options& options, PromptStyle style) {
    auto fixed = std::make_shared<Fixed>();
    fixed->options = options;
    fixed->style = style;
    fixed->spec.name = "terminal_sim";
    fixed->spec.action_grammar = "<answer>a line of shell commands</answer>";
    fixed->spec.turns_max = options.steps;
    fixed_ = std::move(fixed);
  }

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  ContextWords context_words() const override {
    if (fixed_->style == PromptStyle::compact) return {" none", " none", {}, {}};
    return {"Hints: null", "Hints: no hint available.", {}, {}};
  }
  std::unique_ptr<Environment> make() const override { return std::make_unique<Terminal>(fixed_); }
  std::unique_ptr<Player> make_player(std::string_view role) const override {
    return terminal::make_player(role, fixed_->style);
  }

 private:
  std::shared_ptr<const Fixed> fixed_;
};

std::shared_ptr<const EnvironmentFamily> read_family(JsonObject object, PromptStyle style) {
  Options options;
  options.steps = object.integer("steps", {1, kStepsMax}, options.steps);
  options.task.composite_share =
      object.number("composite_share", {0.0, 1.0}, options.task.composite_share);
  object.finish();
  return std::make_shared<TerminalFamily>(options, style);
}

Json options_schema() {
  Json properties = {
      {"steps", {{"type", "integer"}, {"minimum", 1}, {"maximum", kStepsMax}, {"default", 12}}},
      {"composite_share",
       {{"type", "number"}, {"minimum", 0.0}, {"maximum", 1.0}, {"default", 0.5}}}};
  return {
      {"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
}

}  // namespace

EnvironmentEntry entry() {
  return {"terminal_sim",
          "shell tasks on a local and a remote machine, both simulated",
          {"expert", "random"},
          read_family,
          options_schema()};
}

}  // namespace turnhalle::terminal
