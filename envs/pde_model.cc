#include "envs/pde_model.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/check.h"
#include "core/text.h"

namespace turnhalle::pde {
namespace {

constexpr std::array<Template, 40> kTrain = {"+u",
                                             "-u",
                                             "-u2",
                                             "-u3",
                                             "+sin_u",
                                             "-sin_2u",
                                             "-exp_m1",
                                             "+tanh_u",
                                             "-log_1pu2",
                                             "+u_by_1pu2",
                                             "+u -u2",
                                             "+u -u3",
                                             "+u -u5",
                                             "+u -u7",
                                             "-u +u2",
                                             "-u +u3",
                                             "+u2 -u3",
                                             "-u2 +u3",
                                             "+u3 -u5",
                                             "-u3 +sin_u",
                                             "-u +sin_2u",
                                             "-u2 +sin_2u",
                                             "+u2 -sin_u",
                                             "-u3 +exp_m1",
                                             "+u -exp_m1",
                                             "+u2 -exp_m1",
                                             "-u +tanh_u",
                                             "-u3 +tanh_u",
                                             "+u2 -tanh_u",
                                             "-u +log_1pu2",
                                             "-u3 +log_1pu2",
                                             "+u -log_1pu2",
                                             "-u +u_by_1pu2",
                                             "-u2 +u_by_1pu2",
                                             "-u +u2_by_1pu2",
                                             "-u3 +u2_by_1pu2",
                                             "-u +u4_by_1pu4",
                                             "-u2 +u4_by_1pu4",
                                             "-u +u_by_1pupu2",
                                             "-u3 +u_by_1pupu2"};

constexpr std::array<Template, 25> kEval = {"+u -u4",
                                            "+u2 -u4",
                                            "+u2 -u5",
                                            "+u3 -u4",
                                            "+u3 -u7",
                                            "-u5 +sin_u",
                                            "-u3 +sin_2u",
                                            "+sin_u -exp_m1",
                                            "+sin_2u -tanh_u",
                                            "-u5 +exp_m1",
                                            "-u5 +tanh_u",
                                            "-u2 +log_1pu2",
                                            "+log_1pu2 -tanh_u",
                                            "-u3 +u_by_1pu2",
                                            "-u2 +u2_by_1pu2",
                                            "-u3 +u4_by_1pu4",
                                            "-u2 +u_by_1pupu2",
                                            "+u +u2 -u3",
                                            "+u -u2 -u3",
                                            "+u +u3 -u5",
                                            "+u2 -u3 +sin_u",
                                            "-u2 -u3 +exp_m1",
                                            "-u +u2 +tanh_u",
                                            "+u -u3 +log_1pu2",
                                            "+u2 -u3 +u_by_1pu2"};

constexpr Grid kCoarse = {33, 200};
constexpr int kBisections = 10;
constexpr int kRedrawsMax = 128;
constexpr int kShapePoints = 256;

double sine(std::int64_t mode, double x) {
  return std::sin(std::numbers::pi * static_cast<double>(mode) * x);
}

// The diffusion step's tridiagonal matrix has the same rows everywhere: its factors once.
class DiffusionStep {
 public:
  DiffusionStep(std::size_t inner_points, double ratio) : ratio_(ratio), upper_(inner_points) {
    double above = 0.0;
    for (double& factor : upper_) {
      above = 1.0 / (1.0 + 2.0 * ratio - ratio * above) * ratio;
      factor = above;
    }
  }

  // Solves in place; the ends are 0.
  void solve(std::vector<double>& inner) const {
    double before = 0.0;
    for (std::size_t i = 0; i < inner.size(); ++i) {
      before = (inner[i] + ratio_ * before) * (upper_[i] / ratio_);
      inner[i] = before;
    }
    for (std::size_t i = inner.size() - 1; i-- > 0;) inner[i] += upper_[i] * inner[i + 1];
  }

 private:
  double ratio_;
  std::vector<double> upper_;
};

void add_reaction(const Equation& reaction, double step, const std::vector<double>& from,
                  std::vector<double>& to) {
  to = from;
  for (const Equation::Part& part : reaction.parts) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      to[i] += step * part.coefficient * term_value(part.term, from[i]);
    }
  }
}

bool corners_stay_inside(const Equation& signs, double amplitude) {
  const std::size_t corners = std::size_t{1} << signs.parts.size();
  InitialState first;
  first.amplitude = amplitude;
  for (std::size_t corner = 0; corner < corners; ++corner) {
    Equation reaction = signs;
    for (std::size_t i = 0; i < reaction.parts.size(); ++i) {
      reaction.parts[i].coefficient *= (corner >> i & 1) != 0 ? 2.0 : 0.5;
    }
    if (!Solution(reaction, first, kCoarse).stayed_inside()) return false;
  }
  return true;
}

}  // namespace

std::span<const Template> train_templates() { return kTrain; }
std::span<const Template> eval_templates() { return kEval; }

Equation signs_of(Template name) {
  Equation signs;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find(' '), name.size());
    const auto place = std::find(kTermNames.begin(), kTermNames.end(), name.substr(1, end - 1));
    check(place != kTermNames.end(), "a template names terms", std::string(name));
    signs.parts.push_back(
        {static_cast<std::size_t>(place - kTermNames.begin()), name[0] == '-' ? -1.0 : 1.0});
    name = trim(name.substr(end));
  }
  return signs;
}

double InitialState::at(double x) const {
  if (weights[0] == 0.0 && weights[1] == 0.0) return amplitude * sine(1, x);
  const double sum = weights[0] * sine(modes[0], x) + weights[1] * sine(modes[1], x);
  return amplitude * scale * (sum + shift) * sine(1, x);
}

InitialState draw_shape(RandomKey key) {
  Random random(key.split("shape"));
  InitialState state;
  state.modes[0] = random.between(1, 4);
  state.weights[0] = random.uniform(0.5, 1.0) * (random.chance(1, 2) ? 1.0 : -1.0);
  if (random.chance(1, 2)) {
    state.modes[1] = 1 + (state.modes[0] - 1 + random.between(1, 3)) % 4;
    state.weights[1] = random.uniform(0.5, 1.0) * (random.chance(1, 2) ? 1.0 : -1.0);
  }
  double lowest = 0.0;
  for (int i = 0; i <= kShapePoints; ++i) {
    const double x = static_cast<double>(i) / kShapePoints;
    lowest = std::min(lowest, state.weights[0] * sine(state.modes[0], x) +
                                  state.weights[1] * sine(state.modes[1], x));
  }
  state.shift = -lowest;
  double highest = 0.0;
  for (int i = 0; i <= kShapePoints; ++i) {
    highest = std::max(highest, state.at(static_cast<double>(i) / kShapePoints));
  }
  state.scale = 1.0 / highest;
  return state;
}

Solution::Solution(const Equation& reaction, const InitialState& start, const Grid& grid)
    : space_(grid.space_points), time_(grid.time_steps) {
  const auto inner_points = static_cast<std::size_t>(space_ - 2);
  const double dx = 1.0 / static_cast<double>(space_ - 1);
  const double dt = 1.0 / static_cast<double>(time_);
  const DiffusionStep diffusion(inner_points, dt / (dx * dx));
  std::vector<double> now(inner_points);
  std::vector<double> next;
  for (std::size_t i = 0; i < inner_points; ++i) now[i] = start.at(dx * static_cast<double>(i + 1));
  values_.reserve(static_cast<std::size_t>(space_ * (time_ + 1)));
  for (std::int64_t step = 0;; ++step) {
    for (double& value : now) {
      const double cut = std::clamp(value, -kStateMax, kStateMax);
      inside_ = inside_ && cut == value;
      value = cut;
    }
    values_.push_back(0.0);
    values_.insert(values_.end(), now.begin(), now.end());
    values_.push_back(0.0);
    if (step == time_) break;
    add_reaction(reaction, dt, now, next);
    diffusion.solve(next);
    now.swap(next);
  }
}

double Solution::at(double x, double t) const {
  const auto locate = [](double place, std::int64_t intervals) {
    const double scaled = std::clamp(place, 0.0, 1.0) * static_cast<double>(intervals);
    const auto low = std::min(static_cast<std::int64_t>(scaled), intervals - 1);
    return std::pair(low, scaled - static_cast<double>(low));
  };
  const auto [column, right] = locate(x, space_ - 1);
  const auto [row, later] = locate(t, time_);
  const auto value = [&](std::int64_t i, std::int64_t j) {
    return values_[static_cast<std::size_t>(i * space_ + j)];
  };
  const double now = (1.0 - right) * value(row, column) + right * value(row, column + 1);
  const double then = (1.0 - right) * value(row + 1, column) + right * value(row + 1, column + 1);
  return (1.0 - later) * now + later * then;
}

double amplitude_max(Template name) {
  const Equation signs = signs_of(name);
  double low = 0.0;
  double high = kStateMax;
  for (int i = 0; i < kBisections; ++i) {
    const double middle = 0.5 * (low + high);
    (corners_stay_inside(signs, middle) ? low : high) = middle;
  }
  return low;
}

Equation draw_reaction(Template name, double amplitude_max, RandomKey key) {
  Random random(key.split("magnitudes"));
  InitialState first;
  first.amplitude = amplitude_max;
  Equation reaction;
  for (int i = 0; i < kRedrawsMax; ++i) {
    reaction = signs_of(name);
    for (Equation::Part& part : reaction.parts) {
      part.coefficient *= std::nearbyint(random.uniform(0.5, 2.0) * 100.0) / 100.0;
    }
    if (Solution(reaction, first, kCoarse).stayed_inside()) break;
  }
  return reaction;
}

}  // namespace turnhalle::pde
