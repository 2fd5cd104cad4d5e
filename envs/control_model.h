// The plant of optimal_control: its simulation, the optimal inputs, identification from data, and
// what a player may see.
//
// Used by the environment (optimal_control.cc) and its players (control_players.cc).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace turnhalle::control {

/// v' = a·v + b·u,  x' = x + v',  u in [−1, 1].
struct Plant {
  double a = 1.0;
  double b = 1.0;
};

/// From (x, v) to (x_target, v_target) in `horizon` steps, at the loss
/// (x_T − x_target)² + 2·(v_T − v_target)² + control_weight·Σ u².
struct ControlTask {
  double x = 0.0;
  double v = 0.0;
  double x_target = 0.0;
  double v_target = 0.0;
  std::int64_t horizon = 12;
  double control_weight = 0.03;
};

/// The state before a step, and the input of that step.
struct Sample {
  double x = 0.0;
  double v = 0.0;
  double u = 0.0;
};

/// What a submission brought about: `samples` has one entry per step.
struct Rollout {
  std::vector<Sample> samples;
  double x = 0.0;  ///< at the end
  double v = 0.0;
  double loss = 0.0;
  bool executable = false;  ///< the expression had a finite value at every step
};

double loss_of(const ControlTask& task, const Rollout& rollout);

/// Applies given inputs without noise.
Rollout play_inputs(const Plant& plant, const ControlTask& task, std::span<const double> inputs);

/// The inputs of the least loss: a quadratic program over the box [−1, 1]^horizon, solved through
/// its dual, which has two unknowns (the multipliers of the final state), by Newton's method.
/// Exact up to rounding: the duality gap is below 1e-9 of the loss + 1.
std::vector<double> optimal_inputs(const Plant& plant, const ControlTask& task);

/// Least squares for a and b from consecutive samples; false when the data do not determine them.
bool identify(std::span<const Rollout> rollouts, Plant& plant);

/// What the agent has been shown.
struct Seen {
  ControlTask task;
  Rollout rollout;  ///< of this task's submission, once it is over
  bool over = false;
};

/// How players look at the environment. Only the oracle asks for the plant.
class Observable {
 public:
  virtual ~Observable() = default;
  virtual const Seen& seen() const = 0;
  virtual const Plant& hidden_plant() const = 0;
};

}  // namespace turnhalle::control
