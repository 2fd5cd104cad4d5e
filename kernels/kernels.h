// Fused operators of the trainer on raw pointers: no torch, no worlds.
//
// Every operator is there as
//   * kernels::definition::NAME   straight loops with double accumulation: what it means,
//   * kernels::NAME               float32, blocked and vectorised, on any number of threads,
//   * kernels::cuda::NAME         for a GPU (cuda_kernels.h), the same source tested on the CPU.
// kernels/README.md has the formulas and the tolerances that tests/kernels holds them to.
//
// Arrays are dense and row-major; the shape stands beside each pointer. The caller owns all
// arrays, and outputs do not overlap inputs unless a comment says so. A wrong shape, index or
// temperature is a bug of the caller and stops the program (core/check.h).
#pragma once

#include <cstdint>
#include <functional>

namespace turnhalle::kernels {

/// Calls task(0) … task(count - 1), in any order and on any threads, and returns when all have
/// returned. The work is cut into tasks by shape alone, and partial results are added in a fixed
/// order, so that results do not depend on the number of threads.
using ParallelFor = std::function<void(std::int64_t count,
                                       const std::function<void(std::int64_t)>& task)>;

/// Instruction sets with a version of their own. Results of two sets differ by rounding.
enum class Isa : std::uint8_t { baseline, avx2, avx512 };

/// The widest set that this build has and this processor can run.
Isa best_isa();
/// Whether this build has `isa` and this processor can run it.
bool isa_available(Isa isa);

/// How a fast CPU version runs.
struct CpuRun {
  ParallelFor parallel_for;  ///< empty: one after the other on the calling thread
  Isa isa = best_isa();
};

// ---------------------------------------------------------------------------------------------
// Log-probability of a chosen token and entropy
//
//     z_j = (h · w_j + b_j) / T        L = log Σ_j exp z_j        p_j = exp(z_j − L)
//     log_prob = z_chosen − L          entropy = −Σ_j p_j log p_j
//     dz_j = g_log_prob (1[j = chosen] − p_j) − g_entropy p_j (log p_j + entropy)
//
// A logit of −inf has probability 0 and adds nothing. A row with a NaN or +inf logit, or with
// all logits −inf, gives NaN in all three outputs of its row. A row whose incoming gradients are
// both 0 (a masked token) gets the gradient 0 whatever its logits are. The backward pass takes
// log p_j ≤ 0 for granted: p_j stays at most 1 where z_j − L rounds up.

/// What a forward pass writes, [rows] each. log_normalizer is L; the backward pass reads it and
/// the entropy again.
struct LogProbOutput {
  float* log_prob = nullptr;
  float* entropy = nullptr;
  float* log_normalizer = nullptr;
};

/// Incoming gradients and saved outputs of the forward pass, [rows] each.
struct LogProbGradient {
  const float* d_log_prob = nullptr;
  const float* d_entropy = nullptr;
  const float* entropy = nullptr;
  const float* log_normalizer = nullptr;
};

/// Input of linear_log_prob. The logits [rows, vocab] exist only tile by tile.
struct LinearLogProb {
  std::int64_t rows = 0, width = 0, vocab = 0;
  const float* hidden = nullptr;         ///< [rows, width]
  const float* weight = nullptr;         ///< [vocab, width]
  const float* bias = nullptr;           ///< [vocab], or null for none
  const std::int32_t* chosen = nullptr;  ///< [rows], in 0 … vocab − 1
  float temperature = 1.0F;              ///< T > 0
};

/// Where linear_log_prob_backward writes; a null pointer is skipped.
struct LinearLogProbInputGradient {
  float* d_hidden = nullptr;  ///< [rows, width], overwritten
  float* d_weight = nullptr;  ///< [vocab, width], added to
  float* d_bias = nullptr;    ///< [vocab], added to
};

void linear_log_prob_forward(const LinearLogProb& input, const LogProbOutput& output,
                             const CpuRun& run = {});
void linear_log_prob_backward(const LinearLogProb& input, const LogProbGradient& gradient,
                              const LinearLogProbInputGradient& result, const CpuRun& run = {});

/// Rows of ready logits, e.g. one chunk of a batch: log_prob_from_logits_forward reads them,
/// log_prob_from_logits_backward overwrites them with their gradient.
struct LogitRows {
  std::int64_t rows = 0, vocab = 0;
  const std::int32_t* chosen = nullptr;  ///< [rows], in 0 … vocab − 1
  float temperature = 1.0F;              ///< T > 0
};

void log_prob_from_logits_forward(const LogitRows& shape, const float* logits,
                                  const LogProbOutput& output, const CpuRun& run = {});
void log_prob_from_logits_backward(const LogitRows& shape, const LogProbGradient& gradient,
                                   float* logits_to_gradient, const CpuRun& run = {});

// ---------------------------------------------------------------------------------------------
// Reversed discounted scan over ragged segments (returns, GAE)
//
//     y_t = x_t + gamma y_{t+1}    where mask_t counts, y past the end of a segment is 0
//     y_t = y_{t+1}                where it does not
//
// so that positions which do not count (observations between two turns) neither add nor discount.

struct SegmentScan {
  std::int64_t segments = 0;
  const std::int64_t* offsets = nullptr;  ///< [segments + 1], ascending; segment s is
                                          ///< offsets[s] … offsets[s+1] − 1
  const std::uint8_t* mask = nullptr;     ///< [total], non-zero counts; null: all count
  float gamma = 1.0F;
};

/// y [total] from x [total]; y may be x.
void segment_scan_forward(const SegmentScan& scan, const float* x, float* y,
                          const CpuRun& run = {});
/// d_x [total] from d_y [total]; d_x may be d_y.
void segment_scan_backward(const SegmentScan& scan, const float* d_y, float* d_x,
                           const CpuRun& run = {});

// ---------------------------------------------------------------------------------------------
// Attention of one new position per conversation over its own cache
//
//     out_{r,h} = Σ_t softmax_t(scale q_{r,h} · k_{r,t,g}) v_{r,t,g},   t < length_r,
//     g = h / (heads / kv_heads)     (grouped queries)

struct DecodeAttention {
  std::int64_t rows = 0, heads = 0, kv_heads = 0, dim = 0;  ///< heads is a multiple of kv_heads
  const float* query = nullptr;           ///< [rows, heads, dim]
  const float* const* keys = nullptr;     ///< [rows] pointers to [length, kv_heads, dim]
  const float* const* values = nullptr;   ///< [rows] pointers to [length, kv_heads, dim]
  const std::int64_t* lengths = nullptr;  ///< [rows], at least 1
  float scale = 1.0F;                     ///< usually 1 / sqrt(dim)
};

/// out [rows, heads, dim].
void decode_attention(const DecodeAttention& input, float* out, const CpuRun& run = {});

namespace definition {

void linear_log_prob_forward(const LinearLogProb& input, const LogProbOutput& output);
void linear_log_prob_backward(const LinearLogProb& input, const LogProbGradient& gradient,
                              const LinearLogProbInputGradient& result);
void log_prob_from_logits_forward(const LogitRows& shape, const float* logits,
                                  const LogProbOutput& output);
void log_prob_from_logits_backward(const LogitRows& shape, const LogProbGradient& gradient,
                                   float* logits_to_gradient);
void segment_scan_forward(const SegmentScan& scan, const float* x, float* y);
void segment_scan_backward(const SegmentScan& scan, const float* d_y, float* d_x);
void decode_attention(const DecodeAttention& input, float* out);

}  // namespace definition
}  // namespace turnhalle::kernels
