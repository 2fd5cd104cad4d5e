// Aggregation: from losses of tokens to the loss of a step, as one factor per row.
//
// The denominators are counts of the whole step, taken once before the first micro-batch. So the
// step's loss is the sum of its micro-batches' losses however it was split, and tokens that a
// correction throws away do not raise the weight of the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace turnhalle::algo {

enum class AggregationKind {
  token_mean,           ///< sum of m L / N                     DAPO, arXiv 2503.14476, eq. 8
  seq_mean_token_mean,  ///< mean over rows of (sum m L / n_i)  GRPO, arXiv 2402.03300, eq. 3
  seq_mean_token_sum,   ///< mean over rows of (sum m L)
  turn_mean_token_sum,  ///< mean over turns of (sum m L), / C  TRLOO, arXiv 2602.05885
  constant,             ///< sum of m L / (rows C)              Dr.GRPO, arXiv 2503.20783
  token_sum             ///< sum of m L
};

/// Whether rows without a single counted token are in the number of rows (TRL) or not (verl).
enum class EmptyRows { count, skip };

struct Aggregation {
  AggregationKind kind;
  EmptyRows empty_rows;
  double constant;  ///< C of `constant` (a length) and of `turn_mean_token_sum` (a scale)
};

/// Counts over a whole step. Add those of several processes before use.
struct Denominators {
  double tokens = 0;       ///< tokens in the loss
  double rows = 0;         ///< rows, with or without tokens in the loss
  double rows_filled = 0;  ///< rows with at least one
  double turns = 0;        ///< turns with at least one; 0 where turns are not known
};

Denominators& operator+=(Denominators& total, const Denominators& part);

/// One factor per row: loss of the step = sum over rows of factor * (sum of the row's losses).
/// A row without counted tokens gets 0; so does every row when its denominator is 0. `offset`
/// has rows + 1 entries, `mask` one per token and means "in the loss before any rejection".
void row_factors(const Aggregation& aggregation, const Denominators& denominators,
                 std::span<const std::size_t> offset, std::span<const std::uint8_t> mask,
                 std::span<double> factor);

/// 1 / denominator, and 0 where there is nothing to divide.
inline double inverse_or_zero(double denominator) {
  return denominator > 0 ? 1 / denominator : 0.0;
}

}  // namespace turnhalle::algo
