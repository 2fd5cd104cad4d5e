// Online softmax sums on the device, shared by the kernels that need log Σ exp and the entropy.
#pragma once

namespace turnhalle::kernels::cuda {

constexpr unsigned int kWholeWarp = 0xffffffffU;

/// The device's SoftmaxState (vector_ops.h), in float.
struct DeviceSoftmax {
  float max, sum, weighted;
};

__device__ inline float minus_infinity() { return -__builtin_huge_valf(); }

__device__ inline DeviceSoftmax empty_softmax() { return {minus_infinity(), 0.0F, 0.0F}; }

/// Adds one logit. A logit of +inf makes the sum NaN (z − z), as the definition has it.
__device__ inline void add_logit(DeviceSoftmax& state, float z) {
  if (z > state.max) {
    const float shift = state.max - z;
    const float factor = expf(shift);
    state.weighted = factor == 0.0F ? 0.0F : factor * (state.weighted + shift * state.sum);
    state.sum = state.sum * factor + (z - z + 1.0F);
    state.max = z;
    return;
  }
  const float base = state.max == minus_infinity() ? 0.0F : state.max;
  const float difference = z - base;
  const float e = expf(difference);
  state.sum += e;
  state.weighted += e == 0.0F ? 0.0F : e * difference;
}

__device__ inline DeviceSoftmax merge(const DeviceSoftmax& left, const DeviceSoftmax& right) {
  const float max = left.max > right.max ? left.max : right.max;
  const float base = max == minus_infinity() ? 0.0F : max;
  const float left_factor = expf(left.max - base);
  const float right_factor = expf(right.max - base);
  DeviceSoftmax result{max, 0.0F, 0.0F};
  // Where nothing was above −inf the sum is 0 or NaN; a NaN stays, 0 · NaN being NaN.
  result.sum = left.sum * left_factor + right.sum * right_factor;
  if (left_factor != 0.0F) {
    result.weighted += left_factor * (left.weighted + (left.max - base) * left.sum);
  }
  if (right_factor != 0.0F) {
    result.weighted += right_factor * (right.weighted + (right.max - base) * right.sum);
  }
  return result;
}

/// Merges the states of `lanes` neighbouring lanes (a power of two); all of them get the result.
/// The lower lane stands on the left on both sides, so that all lanes hold the same bits.
__device__ inline DeviceSoftmax merge_lanes(DeviceSoftmax state, int lanes) {
  for (int distance = 1; distance < lanes; distance *= 2) {
    DeviceSoftmax other{};
    other.max = __shfl_xor_sync(kWholeWarp, state.max, distance);
    other.sum = __shfl_xor_sync(kWholeWarp, state.sum, distance);
    other.weighted = __shfl_xor_sync(kWholeWarp, state.weighted, distance);
    const bool left = (static_cast<int>(threadIdx.x) & distance) == 0;
    state = left ? merge(state, other) : merge(other, state);
  }
  return state;
}

}  // namespace turnhalle::kernels::cuda
