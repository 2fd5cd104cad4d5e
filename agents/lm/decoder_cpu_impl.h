// The inner loops of decoder_cpu.h, compiled once per instruction set: the including source
// defines TURNHALLE_VECTOR_BYTES. Everything is in an unnamed namespace, because the copies of
// one template differ.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "agents/lm/decoder_cpu.h"

namespace turnhalle::lm {
namespace {

template <class T>
struct VectorType {
  using type [[gnu::vector_size(TURNHALLE_VECTOR_BYTES)]] = T;
};
template <class T>
using Vec = typename VectorType<T>::type;
template <class T>
constexpr std::int64_t kLanes = TURNHALLE_VECTOR_BYTES / static_cast<std::int64_t>(sizeof(T));
/// Vectors per tile.
template <class T>
constexpr std::int64_t kParts = kTile / kLanes<T>;

template <class T>
[[gnu::always_inline]] inline Vec<T> load(const T* from) {
  Vec<T> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
template <class T>
[[gnu::always_inline]] inline void store(T* to, Vec<T> v) {
  std::memcpy(to, &v, sizeof v);
}
template <class T>
[[gnu::always_inline]] inline Vec<T> broadcast(T value) {
  return value - Vec<T>{};
}
template <class T>
[[gnu::always_inline]] inline Vec<T> larger(Vec<T> a, Vec<T> b) {
  return a > b ? a : b;
}
template <class T>
[[gnu::always_inline]] inline T sum_lanes(Vec<T> v) {
  T sum = 0;
  for (std::int64_t i = 0; i < kLanes<T>; ++i) {
    sum += v[i];
  }
  return sum;
}

// exp to about 1 ulp: 2^n · polynomial(r), n the nearest integer to x / log 2. Below -87 it is 0.
[[gnu::always_inline]] inline Vec<float> exponential(Vec<float> x) {
  constexpr float kShift = 12582912.0F;  // 1.5 · 2^23: adding it rounds to an integer
  const Vec<float> low = broadcast(-87.0F);
  const Vec<float> high = broadcast(88.0F);
  const auto vanished = x < low;
  x = x < low ? low : x;
  x = x > high ? high : x;
  const Vec<float> shifted = x * 1.44269504F + kShift;
  const Vec<float> n = shifted - kShift;
  const Vec<float> r = (x - n * 0.693359375F) - n * -2.12194440e-4F;
  Vec<float> p = r * 1.9875691500e-4F + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * (r * r) + r + 1.0F;
  using Bits [[gnu::vector_size(TURNHALLE_VECTOR_BYTES)]] = std::int32_t;
  const Bits scale = std::bit_cast<Bits>(shifted) << 23;
  const auto result = std::bit_cast<Vec<float>>(std::bit_cast<Bits>(p) + scale);
  return vanished ? Vec<float>{} : result;
}
[[gnu::always_inline]] inline Vec<double> exponential(Vec<double> x) {
  for (std::int64_t i = 0; i < kLanes<double>; ++i) {
    x[i] = std::exp(x[i]);
  }
  return x;
}

// f(i) for whole vectors of a row, then g(i) for the elements left over.
template <class T, class Whole, class Rest>
[[gnu::always_inline]] inline void over_row(std::int64_t width, Whole whole, Rest rest) {
  std::int64_t i = 0;
  for (; i + kLanes<T> <= width; i += kLanes<T>) {
    whole(i);
  }
  for (; i < width; ++i) {
    rest(i);
  }
}

template <class T>
void add_norm(const AddNorm<T>& a, Range rows) {
  for (std::int64_t r = rows.begin; r < rows.end; ++r) {
    const std::int64_t base = r * a.width;
    const T* x = a.x + base;
    Vec<T> squares{};
    T rest = 0;
    if (a.delta != nullptr) {
      const T* delta = a.delta + base;
      T* sum = a.sum + base;
      over_row<T>(
          a.width,
          [&](std::int64_t i) {
            const Vec<T> s = load(x + i) + load(delta + i);
            store(sum + i, s);
            squares += s * s;
          },
          [&](std::int64_t i) {
            sum[i] = x[i] + delta[i];
            rest += sum[i] * sum[i];
          });
      x = sum;
    } else {
      over_row<T>(
          a.width, [&](std::int64_t i) { squares += load(x + i) * load(x + i); },
          [&](std::int64_t i) { rest += x[i] * x[i]; });
    }
    const T mean = (sum_lanes<T>(squares) + rest) / static_cast<T>(a.width);
    const T inverse = T{1} / std::sqrt(mean + static_cast<T>(a.eps));
    T* y = a.y + base;
    over_row<T>(
        a.width,
        [&](std::int64_t i) { store<T>(y + i, load(x + i) * inverse * load(a.weight + i)); },
        [&](std::int64_t i) { y[i] = x[i] * inverse * a.weight[i]; });
    if (a.inverse != nullptr) {
      a.inverse[r] = inverse;
    }
  }
}

// With n = sum · inverse and g = d_y · weight:  d_sum = inverse · (g − n · mean(g · n)).
template <class T>
void add_norm_gradient(const AddNormGradient<T>& a, Range rows) {
  for (std::int64_t r = rows.begin; r < rows.end; ++r) {
    const std::int64_t base = r * a.width;
    const T* sum = a.sum + base;
    const T* d_y = a.d_y + base;
    const T inverse = a.inverse[r];
    Vec<T> dots{};
    T rest = 0;
    over_row<T>(
        a.width,
        [&](std::int64_t i) {
          const Vec<T> product = load(d_y + i) * load(sum + i) * inverse;
          store<T>(a.d_weight + i, load(a.d_weight + i) + product);
          dots += product * load(a.weight + i);
        },
        [&](std::int64_t i) {
          const T product = d_y[i] * sum[i] * inverse;
          a.d_weight[i] += product;
          rest += product * a.weight[i];
        });
    const T mean = (sum_lanes<T>(dots) + rest) / static_cast<T>(a.width) * inverse;
    T* out = a.d_sum_total + base;
    const T* residual = a.d_sum == nullptr ? nullptr : a.d_sum + base;
    over_row<T>(
        a.width,
        [&](std::int64_t i) {
          Vec<T> g = (load(d_y + i) * load(a.weight + i) - load(sum + i) * mean) * inverse;
          if (residual != nullptr) {
            g += load(residual + i);
          }
          store<T>(out + i, g);
        },
        [&](std::int64_t i) {
          out[i] = (d_y[i] * a.weight[i] - sum[i] * mean) * inverse +
                   (residual == nullptr ? T{0} : residual[i]);
        });
  }
}

template <class T>
void swiglu(const SwiGlu<T>& a, Range rows) {
  for (std::int64_t r = rows.begin; r < rows.end; ++r) {
    const T* gate = a.gate_up + r * 2 * a.width;
    const T* up = gate + a.width;
    T* out = a.out + r * a.width;
    over_row<T>(
        a.width,
        [&](std::int64_t i) {
          const Vec<T> g = load(gate + i);
          store<T>(out + i, g / (exponential(-g) + T{1}) * load(up + i));
        },
        [&](std::int64_t i) { out[i] = gate[i] / (T{1} + std::exp(-gate[i])) * up[i]; });
  }
}

// With s = sigmoid(gate): d_up = d · gate · s,  d_gate = d · up · s · (1 + gate · (1 − s)).
template <class T>
void swiglu_gradient(const SwiGlu<T>& a, Range rows) {
  for (std::int64_t r = rows.begin; r < rows.end; ++r) {
    const T* gate = a.gate_up + r * 2 * a.width;
    const T* up = gate + a.width;
    const T* d_out = a.d_out + r * a.width;
    T* d_gate = a.d_gate_up + r * 2 * a.width;
    T* d_up = d_gate + a.width;
    over_row<T>(
        a.width,
        [&](std::int64_t i) {
          const Vec<T> g = load(gate + i);
          const Vec<T> s = T{1} / (exponential(-g) + T{1});
          const Vec<T> d = load(d_out + i);
          store<T>(d_up + i, d * g * s);
          store<T>(d_gate + i, d * load(up + i) * s * (g * (T{1} - s) + T{1}));
        },
        [&](std::int64_t i) {
          const T s = T{1} / (T{1} + std::exp(-gate[i]));
          d_up[i] = d_out[i] * gate[i] * s;
          d_gate[i] = d_out[i] * up[i] * s * (T{1} + gate[i] * (T{1} - s));
        });
  }
}

// Rotates one head: pairs (i, i + half). sign is +1 forward, -1 for the inverse.
template <class T>
[[gnu::always_inline]] inline void rotate(const T* from, const T* cos, const T* sin,
                                          std::int64_t half, T sign, T scale, T* to) {
  for (std::int64_t i = 0; i < half; ++i) {
    const T a = from[i];
    const T b = from[i + half];
    const T s = sin[i] * sign;
    to[i] = (a * cos[i] - b * s) * scale;
    to[i + half] = (b * cos[i] + a * s) * scale;
  }
}

}  // namespace
}  // namespace turnhalle::lm
