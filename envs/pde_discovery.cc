#include "envs/pde_discovery.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <utility>

#include "core/key_bytes.h"
#include "core/text.h"
#include "envs/number_text.h"
#include "envs/option_schema.h"
#include "envs/pde_actions.h"
#include "envs/pde_players.h"
#include "envs/untimed_environment.h"

namespace turnhalle::pde {
namespace {

const std::array<std::string, 2> kEquationSets = {"train", "eval"};
constexpr std::size_t kFitsShown = 5;

// The amplitudes of a family's templates, each computed when it is first needed.
class Amplitudes {
 public:
  explicit Amplitudes(std::span<const Template> templates)
      : templates_(templates), computed_(templates.size()), values_(templates.size()) {}

  double of(std::size_t number) const {
    std::call_once(computed_[number], [&] { values_[number] = amplitude_max(templates_[number]); });
    return values_[number];
  }
  std::span<const Template> templates() const { return templates_; }

 private:
  std::span<const Template> templates_;
  mutable std::vector<std::once_flag> computed_;
  mutable std::vector<double> values_;
};

// What all instances of one family share.
struct Fixed {
  Options options;
  PromptStyle style = PromptStyle::paper;
  std::string rules;
  std::unique_ptr<const Amplitudes> amplitudes;
  EnvironmentSpec spec;
};

std::string rules_of(const Options& options) {
  std::string text =
      "You look for the reaction term of an equation from few noisy measurements.\n\n"
      "# Equation\n"
      "u_t = u_xx + f(u) for x in 0..1 and t in 0..1, with u = 0 at both ends. f is a sum of one "
      "to " +
      std::to_string(options.terms_max()) +
      " terms, each a coefficient times one of these functions:\n";
  for (std::size_t i = 0; i < kTerms; ++i) {
    text += "- " + std::string(kTermNames[i]) + ": " + std::string(kTermFormulas[i]) + "\n";
  }
  text +=
      "\n# What is hidden\n"
      "The terms of f and their coefficients. They stay the same in later tasks, which start from "
      "other states u(x, 0); hints below may tell them.\n\n"
      "# Actions\n"
      "Think freely, then write exactly one action per turn:\n"
      "<answer><sample>x,t; x,t</sample></answer> measures u and y = u_t - u_xx at these points, "
      "with noise of standard deviation " +
      shortest(options.noise_u) + " and " + shortest(options.noise_y) + ". You can sample " +
      std::to_string(options.points) +
      " points in a task.\n"
      "<answer><summary></summary></answer> lists the points of all tasks.\n"
      "<answer><regress>terms=u,u3; max_terms=2; tasks=0,1</regress></answer> fits all sums of at "
      "most max_terms of the terms to the points of these tasks; what is left out means all terms, "
      "two, all tasks.\n"
      "<answer><score>1.25*u2 - 0.5*tanh_u; 0.9*u3</score></answer> scores up to eight equations "
      "on "
      "all points.\n"
      "<answer><finalise>1.25*u2 - 0.5*tanh_u</finalise></answer> ends the task with an equation "
      "that the latest fit or score has shown.\n\n"
      "# Rewards\n"
      "The nearer the coefficients are to the true ones the better, and additional terms cost. "
      "Without an equation, or after an unreadable answer, the reward is 0. You are not told "
      "it.\n\n"
      "# Also\n"
      "Be brief. You have " +
      std::to_string(options.steps) +
      " steps. What you find out stays true in later tasks of this kind.";
  return text;
}

std::string digits(double value) { return fixed_digits(value, 4); }

std::string scored_text(const Scored& scored) {
  return text_of(scored.equation) + " | largest error " + digits(scored.error) + " | condition " +
         fixed_digits(std::min(scored.condition, 1e12), 1) + "\n";
}

std::string points_text(std::span<const Point> points) {
  std::string text = "task, x, t, u, y\n";
  for (const Point& point : points) {
    text += std::to_string(point.task) + ", " + digits(point.x) + ", " + digits(point.t) + ", " +
            digits(point.u) + ", " + digits(point.y) + "\n";
  }
  return text;
}

std::string start_text(const InitialState& start) {
  std::string text = "u(x, 0) at x = 0.1, 0.2, ..., 0.9:";
  for (int i = 1; i < 10; ++i) text += (i > 1 ? ", " : " ") + digits(start.at(0.1 * i));
  return text + "\n";
}

class Discovery final : public UntimedEnvironment, public Observable {
 public:
  explicit Discovery(std::shared_ptr<const Fixed> fixed)
      : fixed_(std::move(fixed)), options_(fixed_->options) {}

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  const Seen& seen() const override { return seen_; }
  const Equation& hidden_equation() const override { return equation_; }

  Opening reset(const Task& task) override {
    const bool same = drawn_ && task.position > 0 && task.hidden == task_.hidden;
    if (!same) seen_.points.clear();
    draw_task(task);
    outcome_ = Outcome::running;
    const std::string user = start_text(seen_.start) + state_text();
    if (fixed_->style == PromptStyle::compact) return {"", fixed_->rules + "\n\n" + user};
    return {fixed_->rules, user};
  }

  StepResult step(Seat, const AgentReply& reply, Scheduler&) override {
    StepResult result;
    result.outcome = outcome_;
    if (outcome_ != Outcome::running) return result;
    const Result<Action> action = parse_action(reply.text);
    if (!action) {
      outcome_ = Outcome::agent_error;
      result.outcome = outcome_;
      result.observation =
          "The answer could not be read: " + shortened(action.error().text(), 200) + ".";
      return result;
    }
    ++seen_.steps_used;
    result.observation = act(*action, result);
    if (outcome_ == Outcome::running && seen_.steps_used >= options_.steps) {
      outcome_ = Outcome::truncated;
      result.observation += "You ran out of steps without an equation.";
    } else if (outcome_ == Outcome::running) {
      result.observation += state_text();
    }
    result.outcome = outcome_;
    return result;
  }

  void snapshot(ByteWriter& out) const override;
  bool restore(ByteReader& in) override;

  Json hidden_state() const override {
    return {{"equation", text_of(equation_)},
            {"amplitude", seen_.start.amplitude},
            {"points", seen_.points.size()},
            {"steps", seen_.steps_used}};
  }

 private:
  void draw_task(const Task& task) {
    if (!drawn_ || task.hidden != task_.hidden) draw_hidden(task.hidden);
    task_ = task;
    drawn_ = true;
    solution_.reset();
    seen_.start = draw_shape(task.task);
    seen_.start.amplitude = amplitude_of(task);
    seen_.shown.clear();
    seen_.points_left = options_.points;
    seen_.steps_used = 0;
    seen_.terms_max = options_.terms_max();
    seen_.noise_u = options_.noise_u;
    seen_.noise_y = options_.noise_y;
  }

  void draw_hidden(RandomKey hidden) {
    const std::span<const Template> templates = fixed_->amplitudes->templates();
    const std::size_t number = Random(hidden.split("template")).below(templates.size());
    amplitude_max_ = fixed_->amplitudes->of(number);
    equation_ = draw_reaction(templates[number], amplitude_max_, hidden);
  }

  // Task j starts in its stratum of the amplitudes; the strata are shuffled.
  double amplitude_of(const Task& task) const {
    std::vector<std::int64_t> strata(static_cast<std::size_t>(options_.strata));
    std::iota(strata.begin(), strata.end(), std::int64_t{0});
    Random(task.hidden.split("strata")).shuffle(std::span<std::int64_t>(strata));
    const auto stratum = strata[static_cast<std::size_t>(task.number % options_.strata)];
    const double share = 1.0 - Random(task.task.split("amplitude")).uniform();  // above 0
    return amplitude_max_ * (static_cast<double>(stratum) + share) /
           static_cast<double>(options_.strata);
  }

  std::string state_text() const {
    return "Step " + std::to_string(seen_.steps_used + 1) + " of " +
           std::to_string(options_.steps) +
           ". Points left to sample: " + std::to_string(seen_.points_left) +
           "; points known: " + std::to_string(seen_.points.size()) + ". What do you do?";
  }

  std::string act(const Action& action, StepResult& result) {
    switch (action.kind) {
      case ActionKind::sample:
        return sample(action);
      case ActionKind::summary:
        return points_text(seen_.points);
      case ActionKind::regress:
        return regress(action);
      case ActionKind::score:
        break;
      case ActionKind::finalise:
        return finalise(action.equations.front(), result);
    }
    std::string text;
    seen_.shown.clear();
    for (const Equation& equation : action.equations) {
      seen_.shown.push_back(score(seen_.points, equation));
      text += scored_text(seen_.shown.back());
    }
    return text;
  }

  std::string sample(const Action& action) {
    if (static_cast<std::int64_t>(action.places.size()) > seen_.points_left) {
      return "Nothing was sampled: these are more points than are left.\n";
    }
    if (!solution_) solution_.emplace(equation_, seen_.start, options_.grid);
    const std::size_t before = seen_.points.size();
    for (const auto& [x, t] : action.places) {
      const auto number = static_cast<std::uint64_t>(options_.points - seen_.points_left);
      Random noise(task_.task.split("noise").split(number));
      const double u = solution_->at(x, t);
      const double seen_u = u + options_.noise_u * noise.normal();
      const double seen_y = equation_.value(u) + options_.noise_y * noise.normal();
      seen_.points.push_back({task_.position, x, t, seen_u, seen_y});
      --seen_.points_left;
    }
    return points_text(std::span(seen_.points).subspan(before));
  }

  std::string regress(const Action& action) {
    std::vector<Point> chosen;
    for (const Point& point : seen_.points) {
      const bool wanted =
          action.tasks.empty() ||
          std::find(action.tasks.begin(), action.tasks.end(), point.task) != action.tasks.end();
      if (wanted) chosen.push_back(point);
    }
    std::vector<std::size_t> terms = action.terms;
    if (terms.empty()) {
      terms.resize(kTerms);
      std::iota(terms.begin(), terms.end(), std::size_t{0});
    }
    const std::vector<Scored> all = fit_all(chosen, terms, action.terms_max);
    seen_.shown.clear();
    if (all.empty()) return "The points do not determine any of these equations.\n";
    std::string text = "Fits to " + std::to_string(chosen.size()) + " points, best first:\n";
    for (std::size_t i = 0; i < std::min(all.size(), kFitsShown); ++i) {
      seen_.shown.push_back(all[i]);
      text += scored_text(all[i]);
    }
    for (std::size_t size = 1; static_cast<std::int64_t>(size) <= action.terms_max; ++size) {
      const auto best = std::find_if(all.begin(), all.end(), [size](const Scored& scored) {
        return scored.equation.parts.size() == size;
      });
      if (best == all.end()) continue;
      seen_.shown.push_back(*best);
      text += "Best of " + std::to_string(size) + ": " + scored_text(*best);
    }
    return text;
  }

  std::string finalise(const Equation& equation, StepResult& result) {
    const bool known =
        std::any_of(seen_.shown.begin(), seen_.shown.end(),
                    [&equation](const Scored& scored) { return scored.equation == equation; });
    if (!known) return "The latest fit or score has not shown this equation.\n";
    outcome_ = Outcome::done;
    result.reward = score_against(equation, equation_);
    result.parts.push_back({"equation", result.reward});
    return "Finalised: f(u) = " + text_of(equation);
  }

  std::shared_ptr<const Fixed> fixed_;
  const Options& options_;
  Task task_;
  bool drawn_ = false;
  Equation equation_;
  double amplitude_max_ = 0.0;
  std::optional<Solution> solution_;  // when first sampled
  Seen seen_;
};

void Discovery::snapshot(ByteWriter& out) const {
  write_outcome(out);
  out.boolean(drawn_);
  write_key(out, task_.hidden);
  write_key(out, task_.task);
  out.i64(task_.position);
  out.i64(task_.number);
  out.i64(seen_.points_left);
  out.i64(seen_.steps_used);
  out.u64(seen_.points.size());
  for (const Point& point : seen_.points) {
    out.i64(point.task);
    for (const double value : {point.x, point.t, point.u, point.y}) out.f64(value);
  }
  out.u64(seen_.shown.size());
  for (const Scored& scored : seen_.shown) {
    out.string(text_of(scored.equation));
    out.f64(scored.error);
    out.f64(scored.condition);
  }
}

bool Discovery::restore(ByteReader& in) {
  Outcome outcome;
  const bool known = read_outcome(in, outcome);
  const bool drawn = in.boolean();
  Task task;
  task.hidden = read_key(in);
  task.task = read_key(in);
  task.position = in.i64();
  task.number = in.i64();
  const std::int64_t points_left = in.i64();
  const std::int64_t steps_used = in.i64();
  if (!in.ok() || !known || task.number < 0 || points_left < 0 || points_left > options_.points ||
      steps_used < 0 || steps_used > options_.steps) {
    return false;
  }
  drawn_ = false;
  equation_ = {};
  seen_ = {};
  task_ = task;
  if (drawn) draw_task(task);
  seen_.points_left = points_left;
  seen_.steps_used = steps_used;
  seen_.points.resize(in.count(33));
  for (Point& point : seen_.points) {
    point.task = in.i64();
    for (double* value : {&point.x, &point.t, &point.u, &point.y}) *value = in.f64();
  }
  const std::size_t shown = in.count(17);
  for (std::size_t i = 0; i < shown; ++i) {
    const Result<Equation> equation = parse_equation(in.view());
    if (!equation) return false;
    Scored scored{*equation, in.f64(), 0.0};
    scored.condition = in.f64();
    seen_.shown.push_back(std::move(scored));
  }
  outcome_ = outcome;
  return in.ok();
}

class DiscoveryFamily final : public EnvironmentFamily {
 public:
  DiscoveryFamily(const Options& options, PromptStyle style) {
    auto fixed = std::make_shared<Fixed>();
    fixed->options = options;
    fixed->style = style;
    fixed->rules = rules_of(options);
    fixed->amplitudes =
        std::make_unique<Amplitudes>(options.held_out ? eval_templates() : train_templates());
    fixed->spec.name = "pde_discovery";
    fixed->spec.action_grammar = "<answer><ACTION>…</ACTION></answer>, see the header";
    fixed->spec.success_from = 0.9;
    fixed->spec.turns_max = options.steps;
    fixed->spec.tells_reward = false;
    fixed_ = std::move(fixed);
  }

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  ContextWords context_words() const override {
    if (fixed_->style == PromptStyle::compact) return {" none", " none", {}, {}};
    return {"Hints: null", "Hints: no hint available.", {}, {}};
  }
  std::unique_ptr<Environment> make() const override { return std::make_unique<Discovery>(fixed_); }
  std::unique_ptr<Player> make_player(std::string_view role) const override {
    return pde::make_player(role, fixed_->style);
  }

 private:
  std::shared_ptr<const Fixed> fixed_;
};

std::shared_ptr<const EnvironmentFamily> read_family(JsonObject object, PromptStyle style) {
  Options options;
  options.held_out =
      object.one_of("equations", kEquationSets, kEquationSets[0]) == kEquationSets[1];
  options.steps = object.integer("steps", {2, 20}, options.steps);
  options.points = object.integer("points", {1, 30}, options.points);
  options.strata = object.integer("strata", {1, 64}, options.strata);
  options.noise_u = object.number("noise_u", {0.0, 0.1}, options.noise_u);
  options.noise_y = object.number("noise_y", {0.0, 0.1}, options.noise_y);
  options.grid.space_points = object.integer("space_points", {9, 513}, options.grid.space_points);
  options.grid.time_steps = object.integer("time_steps", {50, 4000}, options.grid.time_steps);
  object.finish();
  return std::make_shared<DiscoveryFamily>(options, style);
}

Json options_schema() {
  const auto integer = [](std::int64_t low, std::int64_t high, std::int64_t fallback) {
    return with_default(integer_schema(low, high), fallback);
  };
  const auto noise = [](double fallback) {
    return with_default(number_schema(0.0, 0.1), fallback);
  };
  Json properties = {{"equations", {{"enum", kEquationSets}, {"default", kEquationSets[0]}}},
                     {"steps", integer(2, 20, 6)},
                     {"points", integer(1, 30, 6)},
                     {"strata", integer(1, 64, 4)},
                     {"noise_u", noise(0.002)},
                     {"noise_y", noise(0.0005)},
                     {"space_points", integer(9, 513, 257)},
                     {"time_steps", integer(50, 4000, 2000)}};
  return options_object(std::move(properties));
}

}  // namespace

EnvironmentEntry entry() {
  return {"pde_discovery",
          "find the reaction term of a differential equation from few noisy points",
          {"expert", "oracle", "random"},
          read_family,
          options_schema()};
}

}  // namespace turnhalle::pde
