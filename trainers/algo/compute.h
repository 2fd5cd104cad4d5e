// What a trainer calls: a recipe applied to plain arrays.
//
//   once a step      advantages   = compute_advantages(recipe, batch)
//                    denominators = global_denominators(batch, advantages)
//   per micro-batch  part         = select_rows(batch, rows), with logp and entropy filled in
//                    result       = compute_objective(recipe, part,
//                                     select_rows(advantages, batch, rows), denominators)
//                    backward with result.grad_logp and result.grad_entropy
//
// Losses, gradients and metrics of micro-batches add up to those of the step (merge()).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "trainers/algo/batch.h"
#include "trainers/algo/groups.h"
#include "trainers/algo/recipe.h"

namespace turnhalle::algo {

/// Statistics of the returns that were compared with each other.
struct GroupReport {
  std::int64_t group = 0;      ///< as in the batch
  std::int64_t position = -1;  ///< of lifecycle credit, else -1
  bool is_update = false;      ///< of lifecycle credit
  std::int64_t turn = -1;      ///< of turn credit, else -1
  Statistics returns;          ///< std of the estimator's kind, population where it has none
  bool degenerate = false;     ///< all returns equal
};

struct Advantages {
  std::vector<double> per_token;         ///< 0 where `mask` is 0
  std::vector<double> per_row;           ///< of the row, or the mean over its tokens in the loss
  std::vector<std::size_t> turn_offset;  ///< rows + 1
  std::vector<double> per_turn;
  std::vector<std::uint8_t> mask;        ///< token is in the loss
  std::vector<std::uint8_t> row_counts;  ///< row is in the loss: it has a reward, no filter took it
  std::vector<GroupReport> groups;
  std::map<std::string, double> metrics;
};

/// Advantages of a whole step. An error names an array that the recipe needs and the batch lacks.
Result<Advantages> compute_advantages(const Recipe& recipe, const Batch& batch);

/// Advantages that come from elsewhere: one per row, or one per token. Rows without a reward are
/// left out of the loss.
Advantages given_advantages(const Batch& batch, std::span<const double> values);

/// The rows named, for a micro-batch. Only what the objective reads is carried over.
Advantages select_rows(const Advantages& advantages, const Batch& batch,
                       std::span<const std::size_t> rows);

/// Counts over the whole step.
Denominators global_denominators(const Batch& batch, const Advantages& advantages);

struct ObjectiveResult {
  double loss = 0;
  std::vector<double> grad_logp;     ///< d loss / d logp, 0 where masked
  std::vector<double> grad_entropy;  ///< d loss / d entropy
  std::vector<double> grad_value;    ///< d loss / d value
  /// Shares and means over the step's tokens, so that those of micro-batches add up; names that
  /// end in _max are maxima.
  std::map<std::string, double> metrics;
};

/// Loss and gradients of one (micro-)batch. An error names an array that is missing.
Result<ObjectiveResult> compute_objective(const Recipe& recipe, const Batch& batch,
                                          const Advantages& advantages,
                                          const Denominators& denominators);

/// Adds a micro-batch's loss and metrics to those of the step; gradients are left alone.
void merge(ObjectiveResult& total, const ObjectiveResult& part);

/// Importance correction alone.
struct Weights {
  std::vector<double> weight;  ///< 0 where masked or thrown away
  std::vector<std::uint8_t> keep;
  std::map<std::string, double> metrics;
};

/// All ones where the recipe has no correction. `mask` says which tokens are in the loss.
Result<Weights> compute_weights(const Recipe& recipe, const Batch& batch,
                                std::span<const std::uint8_t> mask);

}  // namespace turnhalle::algo
