// The training loop: imitation, then reinforcement, with evaluation and checkpoints in between.
//
//   step < warm_start.steps   play the demonstrator, predict its replies, update
//   after that                play groups with the policy, credit, objective, update
//
// Everything a step does depends on the experiment and the step's number alone, so a run that is
// killed and resumed from its last checkpoint ends with the same weights bit for bit.
//
// A run's folder: experiment.json, policy/ (tokenizer), store.sqlite, metrics.jsonl, tb/,
// evaluations.json, step_000120/{hf/, optimizer.safetensors, trainer.json}, latest.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "agents/lm/device.h"
#include "core/json.h"
#include "core/result.h"
#include "trainers/experiment.h"

namespace turnhalle {

struct TrainProgress {
  std::string phase;  ///< "imitate", "reinforce", "evaluate"
  std::int64_t step = 0;   ///< completed in this phase
  std::int64_t steps = 0;  ///< of this phase
  std::string text;  ///< one line about the last step
};

struct TrainOptions {
  std::string folder;
  bool resume = false;
  int threads = 1;
  lm::Device device = lm::Device::cpu;
  std::string program;  ///< version, for the store
  const std::atomic<bool>* stop = nullptr;
  std::function<void(const TrainProgress&)> progress;  ///< may be empty
  /// Called once all input was read and checked: an error after it is one of the run. May be empty.
  std::function<void()> began;
};

struct TrainReport {
  std::int64_t steps = 0;       ///< completed
  bool interrupted = false;     ///< stopped from outside; resume goes on
  std::string checkpoint;       ///< folder of the last one
  std::vector<Json> evaluations;
};

/// Runs or resumes an experiment. An error leaves the folder resumable.
Result<TrainReport> train(const Experiment& experiment, const TrainOptions& options);

/// Checks an experiment without training: makes the policy, plays a lifecycle of each phase,
/// takes a gradient; one layer stands in for a large model, whose weights are read all the same.
/// Writes to `scratch` only. Returns sizes for people: parameters, tokens of a
/// lifecycle, memory of weights and optimiser.
Result<Json> dry_run(const Experiment& experiment, const std::string& scratch, int threads);

}  // namespace turnhalle
