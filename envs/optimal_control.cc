#include "envs/optimal_control.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "core/key_bytes.h"
#include "core/text.h"
#include "envs/control_expression.h"
#include "envs/control_model.h"
#include "envs/control_players.h"
#include "envs/number_text.h"
#include "envs/option_schema.h"
#include "envs/untimed_environment.h"

namespace turnhalle::control {
namespace {

constexpr std::int64_t kHorizonMax = 64;
constexpr double kUnreadableReward = -0.1;
constexpr int kDigits = 4;

constexpr std::string_view kRules =
    "You design a feedback law for a point that moves on a line.\n\n"
    "# Dynamics\n"
    "In every step the velocity becomes v' = a*v + b*u and then the position x' = x + v'. The "
    "input u is what your expression gives for the current state, cut to -1 ... 1.\n\n"
    "# What is hidden\n"
    "The constants a (between 0.55 and 1.20) and b (between -1.5 and 1.5, at least 0.35 away from "
    "0). They stay the same in later tasks of this kind; hints below may tell them. Do not take "
    "the sign of b for granted.\n\n"
    "# Rewards\n"
    "The loss is (x_T - x_target)^2 + 2*(v_T - v_target)^2 plus the control weight times the sum "
    "of u^2. The reward is 1/(1 + loss). An expression without a finite value at some step gives "
    "0, an unreadable reply -0.1.\n\n"
    "# Format\n"
    "Think freely, then end your reply with "
    "<answer><action_expression>EXPRESSION</action_expression></answer>, without code fences. The "
    "expression may use x, v, t, x_target, v_target, horizon, remaining_steps; numbers; + - * / "
    "**; comparisons; and, or, not; A if C else B; abs, min, max, pow, clip, ifelse, lt, le, gt, "
    "ge, eq, ne. It is evaluated in every step t = 0, 1, ... You submit once per task.\n\n"
    "# Also\n"
    "Be brief. What the table of this task shows may help in later tasks.";

// What all instances of one family share.
struct Fixed {
  Options options;
  PromptStyle style = PromptStyle::paper;
  EnvironmentSpec spec;
};

// The last expression of the lifecycle that ran.
struct PreviousPolicy {
  std::string expression;  ///< empty: there is none
  double x_error = 0.0;    ///< at the end of its task
  double v_error = 0.0;
};

std::string digits(double value) { return fixed_digits(value, kDigits); }

std::string task_text(const ControlTask& task, const PreviousPolicy* previous) {
  std::string text = "Start: x = " + digits(task.x) + ", v = " + digits(task.v);
  text += "\nTarget: x_target = " + digits(task.x_target) + ", v_target = " + digits(task.v_target);
  text += "\nHorizon: " + std::to_string(task.horizon) +
          " steps; control weight: " + shortest(task.control_weight);
  if (previous != nullptr && !previous->expression.empty()) {
    text += "\nThe last expression that ran: " + previous->expression + "\nIt ended at x_T - " +
            "x_target = " + digits(previous->x_error) +
            ", v_T - v_target = " + digits(previous->v_error);
  }
  return text + "\nSubmit your expression.";
}

std::string table_text(const ControlTask& task, const Rollout& rollout, double reward) {
  std::string text = "t, x, v, u\n";
  for (std::size_t t = 0; t < rollout.samples.size(); ++t) {
    const Sample& sample = rollout.samples[t];
    text += std::to_string(t) + ", " + digits(sample.x) + ", " + digits(sample.v) + ", " +
            digits(sample.u) + "\n";
  }
  if (!rollout.executable) {
    return text + "The expression has no finite value at the next step. The reward is 0.";
  }
  text += "Final state: x = " + digits(rollout.x) + ", v = " + digits(rollout.v);
  text += "\nx_T - x_target = " + digits(rollout.x - task.x_target) +
          ", v_T - v_target = " + digits(rollout.v - task.v_target);
  return text + "\nLoss: " + digits(rollout.loss) + "\nReward: " + digits(reward);
}

// The text between the tags, or false when the reply has another form.
bool find_expression(std::string_view reply, std::string_view& expression) {
  std::string_view inside;
  if (!trim(reply).ends_with("</answer>") || reply.find("```") != std::string_view::npos ||
      !between_tags(reply, "<answer>", "</answer>", inside)) {
    return false;
  }
  inside = trim(inside);
  return inside.starts_with("<action_expression>") && inside.ends_with("</action_expression>") &&
         between_tags(inside, "<action_expression>", "</action_expression>", expression);
}

class OptimalControl final : public UntimedEnvironment, public Observable {
 public:
  explicit OptimalControl(std::shared_ptr<const Fixed> fixed)
      : fixed_(std::move(fixed)), options_(fixed_->options) {}

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  const Seen& seen() const override { return seen_; }
  const Plant& hidden_plant() const override { return plant_; }

  Opening reset(const Task& task) override {
    if (task.position == 0 || !drawn_ || task.hidden != task_.hidden) previous_ = {};
    draw_task(task);
    outcome_ = Outcome::running;
    const std::string text =
        task_text(seen_.task, options_.previous_policy_shown ? &previous_ : nullptr);
    if (fixed_->style == PromptStyle::compact) return {"", std::string(kRules) + "\n\n" + text};
    return {std::string(kRules), text};
  }

  StepResult step(Seat, const AgentReply& reply, Scheduler&) override {
    StepResult result;
    result.outcome = outcome_;
    if (outcome_ != Outcome::running) return result;
    std::string_view text;
    if (!find_expression(reply.text, text)) {
      refuse("End it with <answer><action_expression>…</action_expression></answer>.", result);
      return result;
    }
    const Result<Expression> expression = Expression::parse(text);
    if (!expression) {
      refuse(shortened(expression.error().text(), 200) + ".", result);
      return result;
    }
    submitted_ = std::string(text);
    run(*expression);
    outcome_ = Outcome::done;
    result.outcome = outcome_;
    if (seen_.rollout.executable) {
      result.reward = 1.0 / (1.0 + seen_.rollout.loss);
      result.parts.push_back({"control", result.reward});
      previous_ = {std::string(trim(text)), seen_.rollout.x - seen_.task.x_target,
                   seen_.rollout.v - seen_.task.v_target};
    }
    result.observation = table_text(seen_.task, seen_.rollout, result.reward);
    return result;
  }

  // The keys and what was submitted: the rest follows.
  void snapshot(ByteWriter& out) const override {
    write_outcome(out);
    out.boolean(drawn_);
    write_key(out, task_.hidden);
    write_key(out, task_.task);
    out.string(submitted_);
    out.string(previous_.expression);
    out.f64(previous_.x_error);
    out.f64(previous_.v_error);
  }

  bool restore(ByteReader& in) override {
    Outcome outcome;
    const bool known = read_outcome(in, outcome);
    const bool drawn = in.boolean();
    Task task;
    task.hidden = read_key(in);
    task.task = read_key(in);
    const std::string submitted = in.string();
    previous_.expression = in.string();
    previous_.x_error = in.f64();
    previous_.v_error = in.f64();
    if (!in.ok() || !known) return false;
    seen_ = {};
    submitted_.clear();
    task_ = task;
    drawn_ = false;
    if (drawn) draw_task(task);
    outcome_ = outcome;
    seen_.over = outcome_ != Outcome::running;
    if (submitted.empty()) return true;
    const Result<Expression> expression = Expression::parse(submitted);
    if (!drawn || !expression || outcome_ != Outcome::done) return false;
    submitted_ = submitted;
    run(*expression);
    return true;
  }

  Json hidden_state() const override {
    return {{"a", plant_.a}, {"b", plant_.b}, {"submitted", submitted_}};
  }

 private:
  void draw_task(const Task& task) {
    task_ = task;
    drawn_ = true;
    submitted_.clear();
    Random hidden(task.hidden.split("plant"));
    plant_.a = hidden.uniform(0.55, 1.20);
    do {
      plant_.b = hidden.uniform(-1.5, 1.5);
    } while (std::abs(plant_.b) < 0.35);
    Random random(task.task.split("start"));
    seen_ = {};
    seen_.task.x = random.uniform(-options_.x_start, options_.x_start);
    seen_.task.v = random.uniform(-options_.v_start, options_.v_start);
    seen_.task.x_target = random.uniform(-options_.x_target, options_.x_target);
    seen_.task.horizon = options_.horizon;
    seen_.task.control_weight = options_.control_weight;
  }

  void run(const Expression& expression) {
    const ControlTask& task = seen_.task;
    Random noise(task_.task.split("noise"));
    Rollout rollout;
    rollout.executable = true;
    rollout.x = task.x;
    rollout.v = task.v;
    for (std::int64_t t = 0; t < task.horizon && rollout.executable; ++t) {
      const Variables variables = {rollout.x,
                                   rollout.v,
                                   static_cast<double>(t),
                                   task.x_target,
                                   task.v_target,
                                   static_cast<double>(task.horizon),
                                   static_cast<double>(task.horizon - t)};
      double value = 0.0;
      rollout.executable = expression.evaluate(variables, value);
      if (!rollout.executable) break;
      const double u = std::clamp(value, -1.0, 1.0);
      rollout.samples.push_back({rollout.x, rollout.v, u});
      rollout.v = plant_.a * rollout.v + plant_.b * u;
      if (options_.noise > 0.0) rollout.v += options_.noise * noise.normal();
      rollout.x += rollout.v;
    }
    rollout.loss = loss_of(task, rollout);
    seen_.rollout = std::move(rollout);
    seen_.over = true;
  }

  void refuse(const std::string& why, StepResult& result) {
    outcome_ = Outcome::agent_error;
    seen_.over = true;
    result.outcome = outcome_;
    result.reward = kUnreadableReward;
    result.parts.push_back({"unreadable", kUnreadableReward});
    result.observation = "The reply could not be read. " + why;
  }

  std::shared_ptr<const Fixed> fixed_;
  const Options& options_;
  Plant plant_;
  Seen seen_;
  Task task_;
  bool drawn_ = false;
  std::string submitted_;
  PreviousPolicy previous_;
};

class ControlFamily final : public EnvironmentFamily {
 public:
  ControlFamily(const Options& options, PromptStyle style) {
    auto fixed = std::make_shared<Fixed>();
    fixed->options = options;
    fixed->style = style;
    fixed->spec.name = "optimal_control";
    fixed->spec.action_grammar =
        "<answer><action_expression>expression</action_expression></answer> at the end";
    fixed->spec.reward_low = kUnreadableReward;
    fixed->spec.success_from = 0.9;
    fixed->spec.turns_max = 1;
    fixed_ = std::move(fixed);
  }

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  ContextWords context_words() const override {
    if (fixed_->style == PromptStyle::compact) return {" none", " none", {}, {}};
    return {"Hints: null", "Hints: no hint available.", {}, {}};
  }
  std::unique_ptr<Environment> make() const override {
    return std::make_unique<OptimalControl>(fixed_);
  }
  std::unique_ptr<Player> make_player(std::string_view role) const override {
    return control::make_player(role, fixed_->style);
  }

 private:
  std::shared_ptr<const Fixed> fixed_;
};

std::shared_ptr<const EnvironmentFamily> read_family(JsonObject object, PromptStyle style) {
  Options options;
  options.x_start = object.number("x_start", {0.0, 10.0}, options.x_start);
  options.v_start = object.number("v_start", {0.0, 10.0}, options.v_start);
  options.x_target = object.number("x_target", {0.0, 50.0}, options.x_target);
  options.horizon = object.integer("horizon", {2, kHorizonMax}, options.horizon);
  options.control_weight = object.number("control_weight", {0.0001, 10.0}, options.control_weight);
  options.noise = object.number("noise", {0.0, 1.0}, options.noise);
  options.previous_policy_shown =
      object.boolean("previous_policy_shown", options.previous_policy_shown);
  object.finish();
  return std::make_shared<ControlFamily>(options, style);
}

Json options_schema() {
  const auto number = [](double low, double high, double fallback) {
    return with_default(number_schema(low, high), fallback);
  };
  Json properties = {{"x_start", number(0.0, 10.0, 2.0)},
                     {"v_start", number(0.0, 10.0, 1.5)},
                     {"x_target", number(0.0, 50.0, 8.0)},
                     {"horizon", with_default(integer_schema(2, kHorizonMax), 12)},
                     {"control_weight", number(0.0001, 10.0, 0.03)},
                     {"noise", number(0.0, 1.0, 0.0)},
                     {"previous_policy_shown", boolean_schema(false)}};
  return options_object(std::move(properties));
}

}  // namespace

EnvironmentEntry entry() {
  return {"optimal_control",
          "one feedback law per task for a linear plant with hidden constants",
          {"expert", "fixed_law", "idle", "oracle", "random", "signed_law"},
          read_family,
          options_schema()};
}

}  // namespace turnhalle::control
