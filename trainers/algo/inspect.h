// The functions behind `turnhalle inspect advantages | loss | weights`: a recipe and a batch as
// JSON in, numbers as JSON out, all in double. Errors name the place in the batch's document.
#pragma once

#include "core/json.h"
#include "core/result.h"
#include "trainers/algo/recipe.h"

namespace turnhalle::algo {

/// {"advantage": [[per token]], "per_turn": [[…]], "per_rollout": […], "groups": [{"group",
/// "mean", "std", "degenerate", "n", and where they apply "position", "kind", "turn"}],
/// "metrics": {…}, "warnings": […]}. Tokens outside the loss and rows without a reward have 0.
Result<Json> inspect_advantages(const Recipe& recipe, const JsonDocument& batch);

/// {"loss", "grad_logp": [[…]], "grad_entropy": [[…]], "grad_value": [[…]], "metrics": {…},
/// "warnings": […]}. The batch is taken as the whole step. Advantages are those of the batch if
/// it gives any, else the recipe's.
Result<Json> inspect_loss(const Recipe& recipe, const JsonDocument& batch);

/// {"weight": [[…]], "keep": [[0|1]], "metrics": {…}, "warnings": […]}.
Result<Json> inspect_weights(const Recipe& recipe, const JsonDocument& batch);

}  // namespace turnhalle::algo
