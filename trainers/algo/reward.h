// Reward transforms: what is added to or done with rewards before credit is assigned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trainers/algo/kl.h"

namespace turnhalle::algo {

/// `bounded` stops at -1 (the paper, TRL); `unbounded` goes on falling beyond length_max (verl,
/// AReaL).
enum class OverlongForm { bounded, unbounded };

/// Soft punishment of long replies. With L the row's tokens and start = length_max - buffer:
///     L <= start: 0      else: -factor * (L - start) / buffer,  bounded: not below -factor
/// DAPO, arXiv 2503.14476, section 3.4.
struct Overlong {
  OverlongForm form;
  double length_max;  ///< tokens
  double buffer;      ///< tokens
  double factor;
};
void add_overlong_penalty(std::span<const double> length, const Overlong& constants,
                          std::span<double> reward);

/// reward <- clamp(scale * reward + shift, low, high); ParaVT, arXiv 2605.20342, uses 10, -0.2.
struct RewardScale {
  double scale;
  double shift;
  double low;   ///< minus infinity for none
  double high;  ///< infinity for none
};
void scale_reward(const RewardScale& constants, std::span<double> reward);

/// Divergence from the reference as a negative reward of each counted token:
///     penalty_t = -coefficient * k(logp_t - logp_ref_t)
/// and 0 for masked tokens. InstructGPT, arXiv 2203.02155.
struct KlPenalty {
  KlEstimator estimator;
  double coefficient;
  KlLimits limits;
};
struct KlPenaltyInput {
  std::span<const std::uint8_t> mask;
  std::span<const double> logp;
  std::span<const double> logp_ref;
};
void add_kl_penalty(const KlPenaltyInput& input, const KlPenalty& constants,
                    std::span<double> token_reward);

}  // namespace turnhalle::algo
