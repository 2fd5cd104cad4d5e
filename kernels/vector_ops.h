// The inner loops of the fast CPU kernels, once per instruction set.
//
// vector_ops_impl.h holds the code; vector_ops_{baseline,avx2,avx512}.cc compile it with the
// flags of one instruction set each, so that one binary runs on any x86-64 processor.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"

namespace turnhalle::kernels {

/// C [m, n] = A [m, k] · B [k, n], or C += A · B.
///     A(i, p) = a[i a_row + p a_column]
///     B(p, j) = b[(j / tile) b_tile + p b_row + j % tile],  tile = VectorOps::tile_columns
/// A row-major B has b_tile = tile and b_row = its row stride; one packed by pack_transposed()
/// has b_tile = k tile and b_row = tile.
struct Gemm {
  std::int64_t m = 0, n = 0, k = 0;
  const float* a = nullptr;
  std::int64_t a_row = 0, a_column = 1;
  const float* b = nullptr;
  std::int64_t b_row = 0, b_tile = 0;
  float* c = nullptr;
  std::int64_t c_row = 0;
  bool accumulate = false;
};

/// Softmax sums of a part of a row, relative to the largest logit of that part:
/// sum = Σ exp(z − max), weighted = Σ (z − max) exp(z − max). Keeping the weighted sum relative
/// to max keeps the entropy exact for logits of any size.
struct SoftmaxState {
  float max = -__builtin_inff();
  double sum = 0.0;
  double weighted = 0.0;
};

/// One row of the gradient dz (kernels.h), times `scale` = 1 / T.
struct GradientRow {
  float scale = 1.0F;
  float log_normalizer = 0.0F, entropy = 0.0F;
  float d_log_prob = 0.0F, d_entropy = 0.0F;
};

struct VectorOps {
  std::int64_t tile_columns;
  void (*gemm)(const Gemm& gemm);
  /// Adds the n logits scale · z_j to the state.
  void (*softmax_add)(const float* z, std::int64_t n, float scale, SoftmaxState& state);
  /// Overwrites n logits with the part of their gradient that does not depend on the chosen one.
  void (*gradient_row)(float* z, std::int64_t n, const GradientRow& row);
  /// Scans one segment (kernels.h, SegmentScan); mask may be null, y may be x.
  void (*scan)(const float* x, const std::uint8_t* mask, std::int64_t n, float gamma, float* y);
  float (*dot)(const float* a, const float* b, std::int64_t n);
  /// y = y_scale y + x_scale x.
  void (*scale_add)(float* y, float y_scale, const float* x, float x_scale, std::int64_t n);
};

/// Checks that `isa` is available.
const VectorOps& vector_ops(Isa isa);

/// Merges `part` into `state`.
void softmax_merge(const SoftmaxState& part, SoftmaxState& state);
/// log Σ exp z; NaN if no logit was above −inf.
double softmax_log_normalizer(const SoftmaxState& state);
/// −Σ p log p.
double softmax_entropy(const SoftmaxState& state);

/// Packs rows [n, k] of a row-major matrix as the B = rowsᵀ of a Gemm: tiles of `tile` columns,
/// missing columns of the last tile 0. `packed` has room for k · (n rounded up to tile).
void pack_transposed(const float* rows, std::int64_t n, std::int64_t k, std::int64_t tile,
                     float* packed);

/// Runs tasks through run.parallel_for, or in order where that is empty.
void run_tasks(const CpuRun& run, std::int64_t count,
               const std::function<void(std::int64_t)>& task);

}  // namespace turnhalle::kernels
