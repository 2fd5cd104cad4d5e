// Why turns of training rollouts counted as they did: FOLDER/credit.jsonl.
//
// One line per turn of the rollouts that are recorded in the run's store:
//
//   {"step": 520, "rollout": 1, "episode": 0, "turn": 2, "reward": 0.0, "advantage": 0.31,
//    "information_gain": 0.52, "logp": -1.1, "logp_masked": -1.6, "format": "good"}
//
// `rollout` is the trial of the store's run "rollout-STEP-TRIAL". Gain and log-probs (means over
// the tokens of the turn's reply; the masked ones with the feedback before it overwritten) are
// there with recipes that have an information gain, `format` with those that mark structure.
#pragma once

#include <cstdint>
#include <vector>

#include "core/json.h"
#include "trainers/algo/compute.h"
#include "trainers/rollout.h"

namespace turnhalle {

/// The lines of rollouts 0 … count-1 of the batch's first group.
std::vector<Json> credit_lines(const RolloutBatch& batch, const algo::Advantages& advantages,
                               std::int64_t step, std::int64_t count);

}  // namespace turnhalle
