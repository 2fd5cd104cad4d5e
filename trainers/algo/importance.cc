// Truncated and masked importance weights: Dr. Kernel, arXiv 2602.05885, section 5.1, and
// IcePop, arXiv 2510.18855.
#include "trainers/algo/importance.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/check.h"

namespace turnhalle::algo {
namespace {

/// What one row's tokens have in common.
struct RowRatio {
  double log_ratio = 0;  ///< sum or mean over the row; unused on token level
  bool vetoed = false;
  std::set<std::int32_t> vetoed_turns;  // of a veto of turns
};

RowRatio row_ratio(const Correction& correction, const RatioInput& input, std::size_t row) {
  RowRatio result;
  double n = 0;
  const bool by_turn = correction.veto_turn && !input.turn.empty();
  const double log_veto = correction.veto > 0 ? std::log(correction.veto) : 0.0;
  for (std::size_t t = input.offset[row]; t < input.offset[row + 1]; ++t) {
    if (input.mask[t] == 0) {
      continue;
    }
    n += 1;
    result.log_ratio += input.log_ratio[t];
    if (correction.veto > 0 && input.log_ratio[t] < log_veto) {
      result.vetoed |= !by_turn;
      if (by_turn) {
        result.vetoed_turns.insert(input.turn[t]);
      }
    }
  }
  if (correction.level == CorrectionLevel::geometric && n > 0) {
    result.log_ratio /= n;
  }
  return result;
}

}  // namespace

CorrectionCounts importance_weights(const Correction& correction, const RatioInput& input,
                                    std::span<double> weight, std::span<std::uint8_t> keep) {
  check(weight.size() == input.mask.size() && keep.size() == input.mask.size(),
        "one weight and one mark per token");
  check(input.turn.empty() || input.turn.size() == input.mask.size(), "a turn per token");
  CorrectionCounts counts;
  for (std::size_t row = 0; row + 1 < input.offset.size(); ++row) {
    const RowRatio of_row = row_ratio(correction, input, row);
    for (std::size_t t = input.offset[row]; t < input.offset[row + 1]; ++t) {
      weight[t] = 0;
      keep[t] = 0;
      if (input.mask[t] == 0) {
        continue;
      }
      const double d = input.log_ratio[t];
      const double chosen = correction.level == CorrectionLevel::token ? d : of_row.log_ratio;
      const double limit = correction.log_ratio_max;
      const double ratio = std::exp(std::clamp(chosen, -limit, limit));
      const double inside = std::clamp(ratio, correction.low, correction.high);
      counts.tokens += 1;
      counts.abs_difference += std::abs(d);
      counts.abs_difference_max = std::max(counts.abs_difference_max, std::abs(d));
      const bool vetoed = of_row.vetoed || (!of_row.vetoed_turns.empty() &&
                                            of_row.vetoed_turns.contains(input.turn[t]));
      if (vetoed || (correction.mode == CorrectionMode::mask && inside != ratio)) {
        counts.rejected += 1;
        continue;
      }
      keep[t] = 1;
      weight[t] = correction.weight == CorrectionWeight::one ? 1.0 : inside;
      counts.weight_sum += weight[t];
      counts.truncated += inside != ratio ? 1 : 0;
    }
  }
  return counts;
}

}  // namespace turnhalle::algo
