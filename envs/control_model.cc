#include "envs/control_model.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/check.h"

namespace turnhalle::control {
namespace {

using Pair = std::array<double, 2>;  // of position and velocity

constexpr Pair kWeights = {1.0, 2.0};

// The final state is base + Σ response[k]·u[k].
struct Responses {
  Pair base{};  // minus the target
  std::vector<Pair> response;
};

Responses responses_of(const Plant& plant, const ControlTask& task) {
  Responses all;
  const auto steps = static_cast<std::size_t>(task.horizon);
  const std::vector<double> zeros(steps, 0.0);
  const Rollout free = play_inputs(plant, task, zeros);
  all.base = {free.x - task.x_target, free.v - task.v_target};
  // An input at step k makes the velocity b, b·a, b·a², … and the position their sum.
  for (std::size_t k = 0; k < steps; ++k) {
    Pair effect = {0.0, 0.0};
    double velocity = plant.b;
    for (std::size_t i = k; i < steps; ++i) {
      effect = {effect[0] + velocity, velocity};
      velocity *= plant.a;
    }
    all.response.push_back(effect);
  }
  return all;
}

double dot(const Pair& one, const Pair& other) { return one[0] * other[0] + one[1] * other[1]; }

// For multipliers p of the final state: the inputs that minimise the Lagrangian.
double input_for(const Pair& response, const Pair& p, double weight) {
  return std::clamp(-dot(response, p) / weight, -1.0, 1.0);
}

// Half the dual function: concave, its maximum is half the least loss.
double dual(const Responses& all, const Pair& p, double weight) {
  double value = dot(all.base, p);
  for (std::size_t i = 0; i < 2; ++i) value -= 0.5 * p[i] * p[i] / kWeights[i];
  for (const Pair& response : all.response) {
    const double u = input_for(response, p, weight);
    value += 0.5 * weight * u * u + dot(response, p) * u;
  }
  return value;
}

struct Slope {
  Pair gradient{};
  Pair newton{};  // the step that Newton's method takes
};

Slope slope_of(const Responses& all, const Pair& p, double weight) {
  Slope slope;
  double curve_xx = 1.0 / kWeights[0];
  double curve_vv = 1.0 / kWeights[1];
  double curve_xv = 0.0;
  for (std::size_t i = 0; i < 2; ++i) slope.gradient[i] = all.base[i] - p[i] / kWeights[i];
  for (const Pair& response : all.response) {
    const double u = input_for(response, p, weight);
    for (std::size_t i = 0; i < 2; ++i) slope.gradient[i] += response[i] * u;
    if (u > -1.0 && u < 1.0) {
      curve_xx += response[0] * response[0] / weight;
      curve_xv += response[0] * response[1] / weight;
      curve_vv += response[1] * response[1] / weight;
    }
  }
  const double determinant = curve_xx * curve_vv - curve_xv * curve_xv;
  slope.newton = {(curve_vv * slope.gradient[0] - curve_xv * slope.gradient[1]) / determinant,
                  (curve_xx * slope.gradient[1] - curve_xv * slope.gradient[0]) / determinant};
  return slope;
}

}  // namespace

double loss_of(const ControlTask& task, const Rollout& rollout) {
  const double dx = rollout.x - task.x_target;
  const double dv = rollout.v - task.v_target;
  double effort = 0.0;
  for (const Sample& sample : rollout.samples) effort += sample.u * sample.u;
  return kWeights[0] * dx * dx + kWeights[1] * dv * dv + task.control_weight * effort;
}

Rollout play_inputs(const Plant& plant, const ControlTask& task, std::span<const double> inputs) {
  Rollout rollout;
  rollout.executable = true;
  rollout.x = task.x;
  rollout.v = task.v;
  for (const double input : inputs) {
    const double u = std::clamp(input, -1.0, 1.0);
    rollout.samples.push_back({rollout.x, rollout.v, u});
    rollout.v = plant.a * rollout.v + plant.b * u;
    rollout.x += rollout.v;
  }
  rollout.loss = loss_of(task, rollout);
  return rollout;
}

std::vector<double> optimal_inputs(const Plant& plant, const ControlTask& task) {
  const double weight = task.control_weight;
  check(weight > 0.0, "inputs have a price");
  const Responses all = responses_of(plant, task);
  Pair p = {0.0, 0.0};
  double value = dual(all, p, weight);
  for (int i = 0; i < 200; ++i) {
    const Slope slope = slope_of(all, p, weight);
    double step = 1.0;
    Pair next = p;
    double risen = value;
    // The function is smooth and piecewise quadratic: near the maximum a whole step ends there.
    for (int halving = 0; halving < 60; ++halving, step *= 0.5) {
      next = {p[0] + step * slope.newton[0], p[1] + step * slope.newton[1]};
      risen = dual(all, next, weight);
      if (risen >= value + 1e-4 * step * dot(slope.gradient, slope.newton)) break;
    }
    if (!(risen > value)) break;
    p = next;
    value = risen;
  }
  std::vector<double> inputs;
  for (const Pair& response : all.response) inputs.push_back(input_for(response, p, weight));
  return inputs;
}

bool identify(std::span<const Rollout> rollouts, Plant& plant) {
  double vv = 0.0;
  double vu = 0.0;
  double uu = 0.0;
  double vn = 0.0;
  double un = 0.0;
  for (const Rollout& rollout : rollouts) {
    for (std::size_t i = 0; i < rollout.samples.size(); ++i) {
      const Sample& now = rollout.samples[i];
      const bool last = i + 1 == rollout.samples.size();
      const double next = last ? rollout.v : rollout.samples[i + 1].v;
      vv += now.v * now.v;
      vu += now.v * now.u;
      uu += now.u * now.u;
      vn += now.v * next;
      un += now.u * next;
    }
  }
  const double determinant = vv * uu - vu * vu;
  if (!(determinant > 1e-9 * (vv * uu + 1e-9))) return false;
  plant = {(uu * vn - vu * un) / determinant, (vv * un - vu * vn) / determinant};
  return true;
}

}  // namespace turnhalle::control
