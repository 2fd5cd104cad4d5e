// Correction for tokens that were sampled by another policy than the one that is trained:
// weights, and what is thrown away. Detached: no gradient flows through them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace turnhalle::algo {

/// Over what the log-ratios d_t = logp_old - logp_rollout are collected before exp:
/// one token, the sum over the row's tokens, or their mean (the geometric mean of ratios).
enum class CorrectionLevel { token, sequence, geometric };

/// Outside [low, high] a weight is moved to the bound, or its tokens are thrown away.
enum class CorrectionMode { truncate, mask };

/// Whether kept tokens carry the ratio or a plain 1 (pure rejection).
enum class CorrectionWeight { ratio, one };

struct Correction {
  CorrectionLevel level;
  CorrectionMode mode;
  CorrectionWeight weight;
  double low;              ///< smallest ratio, 0 for none
  double high;             ///< largest ratio, infinity for none
  double log_ratio_max;    ///< log-ratios are clamped to ± this before exp; infinity for none
  double veto;             ///< a row with any single ratio below is thrown away; 0 for never
  bool veto_turn = false;  ///< throws away the turn of that token instead of its row
};

/// Rows of tokens and their log-ratios d_t.
struct RatioInput {
  std::span<const std::size_t> offset;      ///< rows + 1
  std::span<const std::uint8_t> mask;       ///< one per token
  std::span<const double> log_ratio;        ///< one per token, read only where the mask is 1
  std::span<const std::int32_t> turn = {};  ///< one per token; empty: a row is one turn
};

/// What happened, as counts over the tokens that the mask lets count.
struct CorrectionCounts {
  double tokens = 0;
  double rejected = 0;        ///< tokens thrown away
  double truncated = 0;       ///< tokens whose weight was moved to a bound
  double weight_sum = 0;      ///< of kept tokens
  double abs_difference = 0;  ///< sum of |d_t|
  double abs_difference_max = 0;
};

/// Weights and keep marks per token. With r the ratio of the token or of its row:
///     truncate: w = clamp(r, low, high)      mask: w = r inside [low, high], else thrown away
/// Tokens with mask 0 get weight 0 and keep 0; their log-probs are never looked at.
/// `weight` and `keep` have one entry per token. Truncation: Yao et al. 2025, "Your efficient RL
/// framework secretly brings you off-policy RL training". Masks: IcePop, arXiv 2510.18855.
/// Geometric rejection with veto: Dr. Kernel, arXiv 2602.05885, section 5.1.
CorrectionCounts importance_weights(const Correction& correction, const RatioInput& input,
                                    std::span<double> weight, std::span<std::uint8_t> keep);

}  // namespace turnhalle::algo
