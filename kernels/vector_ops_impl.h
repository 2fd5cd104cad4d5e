// The code of vector_ops.h, included by one source file per instruction set.
//
// The including file defines TURNHALLE_LANES (floats in a vector) and TURNHALLE_ROWS (rows of C
// that a Gemm keeps in registers) and is compiled with the flags of its set. Everything here has
// internal linkage and no standard-library template is used: an inline function compiled for a
// wide set could otherwise replace the portable one at link time.
//
// A non-finite number goes through every loop as it would through the definition: comparisons
// are written so that NaN falls on the side that keeps it.
#pragma once

#include <cstdint>

#include "kernels/vector_ops.h"

namespace turnhalle::kernels {
namespace {

constexpr int kLanes = TURNHALLE_LANES;
constexpr int kRows = TURNHALLE_ROWS;
constexpr int kColumns = 2 * kLanes;

using Floats = float __attribute__((vector_size(4 * kLanes)));
using Ints = std::int32_t __attribute__((vector_size(4 * kLanes)));
using UnalignedFloats = float __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));

inline Floats load(const float* from) { return *reinterpret_cast<const UnalignedFloats*>(from); }
inline void store(float* to, Floats value) { *reinterpret_cast<UnalignedFloats*>(to) = value; }
inline Floats broadcast(float value) { return value - Floats{}; }

inline Floats load_part(const float* from, std::int64_t n, float fill) {
  Floats value = broadcast(fill);
  for (int lane = 0; lane < n; ++lane) {
    value[lane] = from[lane];
  }
  return value;
}

inline void store_part(float* to, Floats value, std::int64_t n) {
  for (int lane = 0; lane < n; ++lane) {
    to[lane] = value[lane];
  }
}

inline double sum_lanes(Floats value) {
  double sum = 0.0;
  for (int lane = 0; lane < kLanes; ++lane) {
    sum += static_cast<double>(value[lane]);
  }
  return sum;
}

/// e^x for x ≤ 88, relative error below 2e-7; 0 below the smallest normal number; NaN stays.
/// x = n ln 2 + r with |r| ≤ ln 2 / 2; e^r by its Taylor polynomial of degree 7.
inline Floats exponential(Floats x) {
  const Floats clamped = x < -87.0F ? broadcast(-87.0F) : x;
  const Floats shifted = clamped * 1.44269504F + 12582912.0F;  // 1.5 · 2^23 rounds to an integer
  const Floats n = shifted - 12582912.0F;
  const Floats r = (clamped - n * 0.693145752F) - n * 1.42860677e-6F;
  Floats p = broadcast(1.0F / 5040.0F);
  p = p * r + 1.0F / 720.0F;
  p = p * r + 1.0F / 120.0F;
  p = p * r + 1.0F / 24.0F;
  p = p * r + 1.0F / 6.0F;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const Ints exponent = (__builtin_convertvector(n, Ints) + 127) << 23;
  const Floats power = reinterpret_cast<Floats>(exponent);
  return x < -87.0F ? Floats{} : p * power;
}

/// `M` rows and kColumns columns of C, the sums in registers.
template <int M>
inline void gemm_tile(const Gemm& g, const float* a, const float* b, std::int64_t b_row,
                      Floats (&sum)[M][2]) {
  for (std::int64_t p = 0; p < g.k; ++p) {
    const Floats b0 = load(b + p * b_row);
    const Floats b1 = load(b + p * b_row + kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) {
      const Floats value = broadcast(a[i * g.a_row + p * g.a_column]);
      sum[i][0] += value * b0;
      sum[i][1] += value * b1;
    }
  }
}

inline void write_part(float* c, Floats sum, std::int64_t n, bool accumulate) {
  if (n >= kLanes) {
    store(c, accumulate ? load(c) + sum : sum);
  } else {
    store_part(c, accumulate ? load_part(c, n, 0.0F) + sum : sum, n);
  }
}

/// A column tile of B and the number of columns of C that it stands for.
struct ColumnTile {
  const float* b;
  std::int64_t b_row;
  std::int64_t column, count;
};

template <int M>
void gemm_rows(const Gemm& g, std::int64_t row, const ColumnTile& tile) {
  Floats sum[M][2] = {};
  gemm_tile<M>(g, g.a + row * g.a_row, tile.b, tile.b_row, sum);
  for (int i = 0; i < M; ++i) {
    float* c = g.c + (row + i) * g.c_row + tile.column;
    write_part(c, sum[i][0], tile.count, g.accumulate);
    if (tile.count > kLanes) {
      write_part(c + kLanes, sum[i][1], tile.count - kLanes, g.accumulate);
    }
  }
}

/// Rows that do not fill a tile: as many as are left.
template <int M>
void gemm_last_rows(const Gemm& g, std::int64_t row, const ColumnTile& tile) {
  if constexpr (M > 0) {
    if (g.m - row == M) {
      gemm_rows<M>(g, row, tile);
    } else {
      gemm_last_rows<M - 1>(g, row, tile);
    }
  }
}

void gemm_columns(const Gemm& g, const ColumnTile& tile) {
  std::int64_t row = 0;
  for (; row + kRows <= g.m; row += kRows) {
    gemm_rows<kRows>(g, row, tile);
  }
  gemm_last_rows<kRows - 1>(g, row, tile);
}

void gemm(const Gemm& g) {
  constexpr std::int64_t kDepth = 256;  // of the copy of a last, incomplete tile of B
  std::int64_t column = 0;
  for (; column + kColumns <= g.n; column += kColumns) {
    gemm_columns(g, {g.b + column / kColumns * g.b_tile, g.b_row, column, kColumns});
  }
  if (column == g.n) {
    return;
  }
  // The last tile of B is copied with zeros beside it, a stretch of k at a time.
  float padded[kDepth * kColumns];
  const float* b = g.b + column / kColumns * g.b_tile;
  for (std::int64_t start = 0; start < g.k; start += kDepth) {
    Gemm part = g;
    part.k = g.k - start < kDepth ? g.k - start : kDepth;
    part.a = g.a + start * g.a_column;
    part.accumulate = g.accumulate || start > 0;
    for (std::int64_t p = 0; p < part.k; ++p) {
      for (std::int64_t j = 0; j < kColumns; ++j) {
        const bool inside = column + j < g.n;
        padded[p * kColumns + j] = inside ? b[(start + p) * g.b_row + j] : 0.0F;
      }
    }
    gemm_columns(part, {padded, kColumns, column, g.n - column});
  }
}

inline float largest(const float* z, std::int64_t n) {
  constexpr float kMinusInfinity = -__builtin_inff();
  Floats max = broadcast(kMinusInfinity);
  std::int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes) {
    const Floats value = load(z + j);
    max = value > max ? value : max;
  }
  float result = kMinusInfinity;
  for (; j < n; ++j) {
    result = z[j] > result ? z[j] : result;
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    result = max[lane] > result ? max[lane] : result;
  }
  return result;
}

void softmax_add(const float* z, std::int64_t n, float scale, SoftmaxState& state) {
  constexpr float kMinusInfinity = -__builtin_inff();
  SoftmaxState part;
  const float max = largest(z, n);
  part.max = max * scale;
  // With nothing above −inf the sums are taken relative to 0, so that they stay 0 or NaN.
  const float base = max == kMinusInfinity ? 0.0F : max;
  Floats sum{};
  Floats weighted{};
  for (std::int64_t j = 0; j < n; j += kLanes) {
    const Floats raw = n - j >= kLanes ? load(z + j) : load_part(z + j, n - j, kMinusInfinity);
    // Scaled after the subtraction: the largest logit gives exactly 0, whatever its size.
    const Floats difference = (raw - base) * scale;
    const Floats e = exponential(difference);
    sum += e;
    weighted += e == 0.0F ? Floats{} : e * difference;
  }
  part.sum = sum_lanes(sum);
  part.weighted = sum_lanes(weighted);
  softmax_merge(part, state);
}

void gradient_row(float* z, std::int64_t n, const GradientRow& row) {
  const float probability_factor = -row.d_log_prob * row.scale;
  const float entropy_factor = -row.d_entropy * row.scale;
  for (std::int64_t j = 0; j < n; j += kLanes) {
    const bool whole = n - j >= kLanes;
    const Floats raw = whole ? load(z + j) : load_part(z + j, n - j, 0.0F);
    const Floats rounded = raw * row.scale - row.log_normalizer;
    const Floats log_p = rounded > 0.0F ? Floats{} : rounded;
    const Floats p = exponential(log_p);
    const Floats factor = probability_factor + entropy_factor * (log_p + row.entropy);
    const Floats d = p == 0.0F ? Floats{} : p * factor;
    if (whole) {
      store(z + j, d);
    } else {
      store_part(z + j, d, n - j);
    }
  }
}

/// Lane i takes lane i + distance; `fill` comes in at the end.
template <int Distance>
inline Floats shift_down(Floats value, float fill) {
  Floats result = broadcast(fill);
  for (int lane = 0; lane + Distance < kLanes; ++lane) {
    result[lane] = value[lane + Distance];
  }
  return result;
}

/// Composes y_i = b_i + a_i y_{i+1} over 2, 4, … kLanes neighbours, so that afterwards
/// y_i = b_i + a_i · (y right of the vector).
template <int Distance>
inline void compose(Floats& a, Floats& b) {
  if constexpr (Distance < kLanes) {
    b = b + a * shift_down<Distance>(b, 0.0F);
    a = a * shift_down<Distance>(a, 1.0F);
    compose<2 * Distance>(a, b);
  }
}

void scan(const float* x, const std::uint8_t* mask, std::int64_t n, float gamma, float* y) {
  float carry = 0.0F;
  std::int64_t t = n;
  for (; t >= kLanes; t -= kLanes) {
    Floats a = broadcast(gamma);
    Floats b = load(x + t - kLanes);
    if (mask != nullptr) {
      for (int lane = 0; lane < kLanes; ++lane) {
        const bool counts = mask[t - kLanes + lane] != 0;
        a[lane] = counts ? gamma : 1.0F;
        b[lane] = counts ? b[lane] : 0.0F;
      }
    }
    compose<1>(a, b);
    const Floats result = b + a * carry;
    store(y + t - kLanes, result);
    carry = result[0];
  }
  for (; t > 0; --t) {
    const bool counts = mask == nullptr || mask[t - 1] != 0;
    carry = counts ? x[t - 1] + gamma * carry : carry;
    y[t - 1] = carry;
  }
}

float dot(const float* a, const float* b, std::int64_t n) {
  Floats sum{};
  std::int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes) {
    sum += load(a + j) * load(b + j);
  }
  float result = static_cast<float>(sum_lanes(sum));
  for (; j < n; ++j) {
    result += a[j] * b[j];
  }
  return result;
}

void scale_add(float* y, float y_scale, const float* x, float x_scale, std::int64_t n) {
  std::int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes) {
    store(y + j, load(y + j) * y_scale + load(x + j) * x_scale);
  }
  for (; j < n; ++j) {
    y[j] = y[j] * y_scale + x[j] * x_scale;
  }
}

constexpr VectorOps kOps{kColumns, gemm, softmax_add, gradient_row, scan, dot, scale_add};

}  // namespace
}  // namespace turnhalle::kernels
