// Objectives: a loss per token and its gradient with respect to the tokens' log-probs.
//
// Every function writes, for the tokens whose mask is 1,
//     loss[t]       the token's loss before aggregation
//     grad_logp[u]  d (sum of loss[t] over the row of u) / d logp[u]
// and leaves 0 elsewhere. Aggregations are one factor per row (aggregate.h), so loss and gradient
// of the batch are these times that factor. A masked token's numbers are never looked at, not
// even by exp: a huge or missing log-prob there yields neither a loss nor a NaN gradient.
//
// ratio = exp(logp - anchor), where the anchor is the log-prob under the policy before the update
// (logp_old) or under the one that sampled (logp_rollout). `weight` is a detached factor per
// token (importance correction); all 1 when there is none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace turnhalle::algo {

/// Views of one (micro-)batch. All but `offset` have one entry per token.
struct ObjectiveInput {
  std::span<const std::size_t> offset;  ///< rows + 1
  std::span<const std::uint8_t> mask;
  std::span<const double> logp;
  std::span<const double> anchor;  ///< empty for objectives without a ratio
  std::span<const double> advantage;
  std::span<const double> weight;
};

struct ObjectiveOutput {
  std::span<double> loss;
  std::span<double> grad_logp;
};

/// Tokens on which a clip acted.
struct ClipCounts {
  double low = 0;   ///< ratio below the lower bound and A < 0
  double high = 0;  ///< ratio above the upper bound and A > 0
  double dual = 0;  ///< bound of the dual clip reached, A < 0
};

/// loss = -w A logp. REINFORCE, Williams 1992.
struct Reinforce {};
ClipCounts reinforce(const ObjectiveInput& input, const Reinforce& constants,
                     const ObjectiveOutput& output);

/// REINFORCE with a one-sided clip mask, with or without the ratio as a factor:
///     M = 1[A > 0 and ratio <= 1 + clip_high] + 1[A < 0 and ratio >= 1 - clip_low]
///     without:  loss = -w A logp M        with:  loss = -w A ratio M
/// Tokens outside get neither loss nor gradient; A = 0 gives 0. Connect the Dots,
/// arXiv 2606.20002, appendix A, equations 2 and 1; REC, arXiv 2509.24203.
struct RecOneSide {
  double clip_low;
  double clip_high;
  bool importance_weight;
};
ClipCounts rec_one_side(const ObjectiveInput& input, const RecOneSide& constants,
                        const ObjectiveOutput& output);

/// Proximal policy optimisation with asymmetric and dual clip:
///     loss = w max(-A ratio, -A clip(ratio, 1 - clip_low, 1 + clip_high))
///     A < 0:  loss = min(loss, -w A dual_clip)
/// The log-ratio is clamped to ± log_ratio_max before exp (verl: 20), with no gradient beyond.
/// Infinity switches off dual_clip or log_ratio_max. PPO, arXiv 1707.06347, equation 7; clip
/// higher: DAPO, arXiv 2503.14476, section 3.1; dual clip: arXiv 1912.09729, which
/// equals TRL's "delta" whenever dual_clip > 1 + clip_high.
struct PpoClip {
  double clip_low;
  double clip_high;
  double dual_clip;
  double log_ratio_max;
};
ClipCounts ppo_clip(const ObjectiveInput& input, const PpoClip& constants,
                    const ObjectiveOutput& output);

/// The ratio of a row is the geometric mean of its tokens' ratios, clipped as a whole:
///     s = exp((1/n) sum_t (logp_t - anchor_t))
///     loss_t = w_t max(-A_t s, -A_t clip(s, 1 - clip_low, 1 + clip_high))
/// The gradient flows through the mean into each of the row's n tokens. The mean log-ratio is
/// cut at log_ratio_max (verl: 10), with no gradient beyond. GSPO, arXiv 2507.18071, section 4.
struct Gspo {
  double clip_low;
  double clip_high;
  double log_ratio_max;
};
ClipCounts gspo(const ObjectiveInput& input, const Gspo& constants, const ObjectiveOutput& output);

/// REINFORCE weighted by a clipped, detached ratio; the bounds are absolute:
///     loss = -w clip(ratio, ratio_low, ratio_high) A logp
/// TRL: [0, 5]; verl: [0.8, 1.28]. The log-ratio is clamped to ± log_ratio_max. CISPO
/// (MiniMax-M1), arXiv 2506.13585, section 3.1.
struct Cispo {
  double ratio_low;
  double ratio_high;
  double log_ratio_max;
};
ClipCounts cispo(const ObjectiveInput& input, const Cispo& constants,
                 const ObjectiveOutput& output);

/// A soft gate instead of a clip; s is the logistic function, tau depends on the advantage's sign:
///     loss = -w A (4 / tau) s(tau (ratio - 1)),   tau = tau_positive if A > 0 else tau_negative
/// The log-ratio is clamped to ± log_ratio_max (verl: 20), with no gradient beyond. SAPO,
/// arXiv 2511.20347.
struct Sapo {
  double tau_positive;
  double tau_negative;
  double log_ratio_max;
};
ClipCounts sapo(const ObjectiveInput& input, const Sapo& constants, const ObjectiveOutput& output);

}  // namespace turnhalle::algo
