// What a set of played lifecycles says about an agent: success and reward by position.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/statistics.h"
#include "trainers/rollout.h"

namespace turnhalle {

struct PositionScore {
  std::int64_t position = -1;  ///< −1: all solve episodes
  Interval success;            ///< Wilson
  Interval reward;             ///< cluster bootstrap by lifecycle
};

struct EvaluationReport {
  std::int64_t step = 0;
  std::int64_t lifecycles = 0;
  std::vector<PositionScore> positions;  ///< ascending; the last one is −1
  Interval update_readable;              ///< share of update episodes that could be read
  double turns_mean = 0.0;               ///< per solve episode
};
/// {"step","lifecycles","positions":[{"position","success","reward"}],"update_readable","turns"}.
Json to_json(const EvaluationReport& report);

/// Infrastructure outcomes are left out.
EvaluationReport summarise(std::int64_t step, std::span<const LifecycleRollout> rollouts);

}  // namespace turnhalle
