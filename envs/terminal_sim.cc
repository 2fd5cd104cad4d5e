#include "envs/terminal_sim.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/key_bytes.h"
#include "core/text.h"
#include "envs/option_schema.h"
#include "envs/terminal_line.h"
#include "envs/terminal_players.h"
#include "envs/untimed_environment.h"

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

class Terminal final : public UntimedEnvironment, public Observable {
 public:
  explicit Terminal(std::shared_ptr<const Fixed> fixed)
      : fixed_(std::move(fixed)), options_(fixed_->options), shell_({}, {}) {}

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  const TerminalTask& task() const override { return task_; }
  const Shell& shell() const override { return shell_; }
  const std::vector<std::string>& lines() const override { return lines_; }

  Opening reset(const Task& task) override {
    draw_task(task.task);
    outcome_ = Outcome::running;
    if (fixed_->style == PromptStyle::compact) return {"", system_text() + "\n\n" + turn_text("")};
    return {system_text(), turn_text("")};
  }

  StepResult step(Seat, const AgentReply& reply, Scheduler&) override { return act(reply, false); }
  /// Only the first command of the line is run.
  StepResult step_in_part(Seat, const AgentReply& reply, Scheduler&) override {
    return act(reply, true);
  }

  std::unique_ptr<Environment> fork() const override { return std::make_unique<Terminal>(*this); }

  // The task's key and the lines: the machines follow.
  void snapshot(ByteWriter& out) const override {
    write_outcome(out);
    out.boolean(drawn_);
    write_key(out, key_);
    out.u64(lines_.size());
    for (const std::string& line : lines_) out.string(line);
  }

  bool restore(ByteReader& in) override;

  Json hidden_state() const override {
    Json way = Json::array();
    for (const std::string& line : task_.way) way.push_back(line);
    Json held = Json::array();
    for (const Check& check : task_.checks) held.push_back(holds(check, shell_));
    return {{"kind", std::string(name_of(task_.kind))},
            {"way", way},
            {"holds", held},
            {"steps", lines_.size()},
            {"connected", shell_.connected()}};
  }

 private:
  static bool is_line(std::string_view text) {
    return !text.empty() && text.size() <= kLineBytesMax;
  }

  StepResult act(const AgentReply& reply, bool in_part) {
    StepResult result;
    result.outcome = outcome_;
    if (outcome_ != Outcome::running) return result;
    std::string_view line;
    if (!between_tags(reply.text, "<answer>", "</answer>", line) || !is_line(trim(line))) {
      outcome_ = Outcome::agent_error;
      result.outcome = outcome_;
      result.observation = "The answer could not be read. Write one line as <answer>LINE</answer>.";
      return result;
    }
    line = trim(line);
    if (in_part) line = trim(first_command(shell_.here(), line));
    const std::string said = to_utf8(run(std::string(line)));
    outcome_ = outcome_of_lines();
    if (outcome_ == Outcome::done) {
      result.reward = 1.0;
      result.parts.push_back({"goal", 1.0});
      result.observation = "Success: the task is done.";
    } else if (outcome_ == Outcome::truncated) {
      result.observation = "The steps are used up and what was asked for is not done.";
    } else {
      result.observation = turn_text(said);
    }
    result.outcome = outcome_;
    return result;
  }

  void draw_task(RandomKey key) {
    key_ = key;
    drawn_ = true;
    task_ = draw_terminal_task(options_.task, key);
    shell_ = Shell(task_.local, task_.remote);
    lines_.clear();
  }

  // The goal is looked at after every command of the line.
  std::string run(std::string line) {
    lines_.push_back(std::move(line));
    return shell_.run(lines_.back(), [this] { return is_done(); });
  }

  Outcome outcome_of_lines() const {
    if (is_done()) return Outcome::done;
    const bool used_up = static_cast<std::int64_t>(lines_.size()) >= options_.steps;
    return used_up ? Outcome::truncated : Outcome::running;
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
  RandomKey key_;
  bool drawn_ = false;
  TerminalTask task_;
  Shell shell_;
  std::vector<std::string> lines_;
};

bool Terminal::restore(ByteReader& in) {
  Outcome outcome;
  const bool known = read_outcome(in, outcome);
  const bool drawn = in.boolean();
  const RandomKey key = read_key(in);
  const std::size_t count = in.count(2);
  const auto count_max = static_cast<std::size_t>(drawn ? options_.steps : 0);
  if (!in.ok() || !known || count > count_max) return false;
  key_ = key;
  drawn_ = false;
  task_ = {};
  shell_ = Shell({}, {});
  lines_.clear();
  if (drawn) draw_task(key);
  Outcome follows = drawn ? Outcome::running : Outcome::truncated;
  for (std::size_t i = 0; i < count; ++i) {
    std::string line = in.string();
    if (!in.ok() || follows != Outcome::running || line != trim(line) || !is_line(line)) {
      return false;
    }
    run(std::move(line));
    follows = outcome_of_lines();
  }
  // An unreadable answer can end what still runs.
  const bool ended = follows == Outcome::running && drawn && outcome == Outcome::agent_error;
  outcome_ = outcome;
  return outcome == follows || ended;
}

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
  return options_object({{"steps", with_default(integer_schema(1, kStepsMax), 12)},
                         {"composite_share", with_default(number_schema(0.0, 1.0), 0.5)}});
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
