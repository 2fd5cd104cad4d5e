// Batches as JSON, for `turnhalle inspect advantages | loss | weights`.
#pragma once

#include <vector>

#include "core/json.h"
#include "core/result.h"
#include "trainers/algo/batch.h"

namespace turnhalle::algo {

struct BatchFile {
  Batch batch;
  /// "advantage" as given: one per row, or one per token; empty when absent.
  std::vector<double> advantage;
  bool has_advantage = false;
};

/// Reads a batch: one object of ragged arrays, rows in order. Keys: group, reward (null: an
/// infrastructure outcome), turn_reward, turn_mask, turn (-1: environment), mask, logp, logp_old,
/// logp_rollout, logp_ref, entropy, value, lifecycle, position, kind, truncated, advantage,
/// info_gain and anchor (per turn), logp_masked and structure (per token). A log-prob may be null
/// where the mask is 0, logp_masked and info_gain also where there is no feedback. Without "mask",
/// tokens of a turn count. Errors point at the row and token.
Result<BatchFile> read_batch(const JsonDocument& document);

}  // namespace turnhalle::algo
