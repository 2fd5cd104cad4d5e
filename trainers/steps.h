// One step of each phase of training (internal to the trainer).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "agents/lm/policy.h"
#include "trainers/experiment.h"
#include "trainers/learner.h"
#include "trainers/metrics.h"

namespace turnhalle {

/// What both phases work with. Nothing is owned.
struct StepContext {
  const Experiment& experiment;
  lm::Policy& policy;
  Learner& learner;
  Learner* reference = nullptr;  ///< scores under the reference policy, where a recipe needs it
  const std::atomic<bool>* stop = nullptr;
  /// A recorder for rollout `trial` of the step's first group, which plays lifecycle `index`; null
  /// when it is not recorded. May be empty.
  std::function<std::unique_ptr<Recorder>(std::int64_t trial, LifecycleIndex index)> recorder = {};
};

/// What a step did; `skipped` when a gradient was not finite and nothing was changed.
struct StepReport {
  StepMetrics metrics;
  bool skipped = false;
  std::string bad_tensor;
  bool interrupted = false;  ///< stopped while playing: nothing was changed
  std::vector<Json> credit;  ///< lines of credit.jsonl (credit_log.h), of the recorded rollouts
};

/// Imitation: step 0 … warm_start.steps-1.
Result<StepReport> imitation_step(const StepContext& context, std::int64_t step);

/// Reinforcement: step 0 … reinforcement.steps-1 of its phase.
Result<StepReport> reinforcement_step(const StepContext& context, std::int64_t step);

}  // namespace turnhalle
