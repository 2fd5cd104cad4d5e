// What credit.jsonl beside a run's store says of the training rollouts recorded in it
// (written by trainers/credit_log.h).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/json.h"

namespace turnhalle::app {

/// A rollout that was recorded while training: the run "rollout-STEP-TRIAL" of the store.
struct RolloutName {
  std::int64_t step = 0;
  std::int64_t trial = 0;
};
std::optional<RolloutName> rollout_of(std::string_view run_id);

class RolloutCredit {
 public:
  /// Of the store at `store`; empty where there is no credit.jsonl. Lines that cannot be read are
  /// left out: a training may be writing them.
  static RolloutCredit beside(const std::string& store);

  /// The line of a turn, or null. Stays valid as long as this object.
  const Json* find(const RolloutName& rollout, std::int64_t episode, std::int64_t turn) const;

 private:
  std::map<std::array<std::int64_t, 4>, Json> lines_;  // by step, rollout, episode, turn
};

}  // namespace turnhalle::app
