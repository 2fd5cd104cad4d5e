// Information gain of feedback: how much more likely the policy's own next reply became by it.
// InfoPO, arXiv 2603.00656; the formulas stand with their switches for paper and released code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace turnhalle::algo {

/// The tokens of a sequence with those of one observation overwritten: positions begin … end-1
/// hold the placeholder, padded by its last token or cut to the span, so that no later token
/// moves. Nothing else changes. An empty placeholder or span outside is a bug of the caller.
struct Span {
  std::size_t begin;
  std::size_t end;
};
std::vector<std::int32_t> overwrite_span(std::span<const std::int32_t> tokens, Span observation,
                                         std::span<const std::int32_t> placeholder);

/// Log-probs of sampled tokens, teacher forced: with the feedback before their turn as it was, and
/// with that feedback overwritten. All but the offsets have one entry per token.
struct FeedbackLogProbs {
  std::span<const std::size_t> offset;       ///< of rows, rows + 1
  std::span<const std::size_t> turn_offset;  ///< turns of row i: turn_offset[i] …
  std::span<const std::uint8_t> mask;        ///< the policy's tokens
  std::span<const std::int32_t> turn;        ///< turn inside the row, -1 for the environment's
  std::span<const double> real;
  std::span<const double> masked;  ///< NaN where there is no feedback
};

/// Gain of turn t, over the n counted tokens y of turn t + 1:
///     r_t = (1/n) sum_k (real_k - masked_k)
/// It is credited to turn t, which called for the feedback. NaN for the last turn, for a next turn
/// without tokens, and where any of its masked log-probs is not finite. One entry per turn.
std::vector<double> information_gain(const FeedbackLogProbs& log_probs);

/// `as_is` keeps gains below 0 (feedback that made the reply less likely).
enum class GainSign { as_is, positive, absolute };
double signed_gain(GainSign sign, double gain);

/// Closes when the outcomes of a group differ, so that they lead:
///     sigmoid: 1 / (1 + exp(std / temperature)), at most 1/2      none: 1
///     exponential: exp(-std / temperature)  (the CoPE replication)
enum class VarianceGate { none, sigmoid, exponential };
double variance_gate(VarianceGate gate, double std, double temperature);

}  // namespace turnhalle::algo
