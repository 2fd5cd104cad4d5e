// The reversed discounted scan over ragged segments on a GPU (kernels.h has the formulas).
//
// The ideas, in order:
//   1. A warp owns a segment, so that segments of any lengths need no barrier of the block.
//   2. The warp takes 32 positions at a time in the direction of the recurrence and composes the
//      steps value = b + a · (value before) over neighbours in five shuffles.
//   3. Only the last lane's value is carried to the next 32.
#include <cstdint>

#include "kernels/cuda_kernels.h"
#include "kernels/cuda_launch.h"

namespace turnhalle::kernels::cuda {
namespace {

constexpr unsigned int kWarp = 0xffffffffU;
constexpr int kLanes = 32;
constexpr int kThreads = 128;
constexpr int kWarps = kThreads / kLanes;

/// value_i = b_i + a_i value_{i-1} for the lanes of a warp; `carry` is the value before lane 0.
__device__ float compose(float a, float b, float carry) {
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  for (int distance = 1; distance < kLanes; distance *= 2) {
    const float before_a = __shfl_up_sync(kWarp, a, static_cast<unsigned int>(distance));
    const float before_b = __shfl_up_sync(kWarp, b, static_cast<unsigned int>(distance));
    if (lane >= distance) {
      b += a * before_b;
      a *= before_a;
    }
  }
  return b + a * carry;
}

__device__ std::int64_t own_segment() {
  return std::int64_t{blockIdx.x} * kWarps + static_cast<int>(threadIdx.x) / kLanes;
}

__device__ bool position_counts(const SegmentScan& scan, std::int64_t t) {
  return scan.mask == nullptr || scan.mask[t] != 0;
}

__global__ void scan_forward(SegmentScan scan, const float* x, float* y) {
  const std::int64_t segment = own_segment();
  if (segment >= scan.segments) {
    return;
  }
  const std::int64_t begin = scan.offsets[segment];
  float carry = 0.0F;
  for (std::int64_t right = scan.offsets[segment + 1]; right > begin; right -= kLanes) {
    const std::int64_t t = right - 1 - static_cast<int>(threadIdx.x) % kLanes;
    const bool inside = t >= begin;
    const bool counts = inside && position_counts(scan, t);
    const float value = compose(counts ? scan.gamma : 1.0F, counts ? x[t] : 0.0F, carry);
    if (inside) {
      y[t] = value;
    }
    carry = __shfl_sync(kWarp, value, kLanes - 1);
  }
}

__global__ void scan_backward(SegmentScan scan, const float* d_y, float* d_x) {
  const std::int64_t segment = own_segment();
  if (segment >= scan.segments) {
    return;
  }
  const std::int64_t begin = scan.offsets[segment];
  const std::int64_t end = scan.offsets[segment + 1];
  float carry = 0.0F;
  for (std::int64_t left = begin; left < end; left += kLanes) {
    const std::int64_t t = left + static_cast<int>(threadIdx.x) % kLanes;
    const bool inside = t < end;
    // What a position receives is discounted by the position before it.
    const bool discounted = inside && t > begin && position_counts(scan, t - 1);
    const float received =
        compose(discounted ? scan.gamma : 1.0F, inside ? d_y[t] : 0.0F, carry);
    carry = __shfl_sync(kWarp, received, kLanes - 1);
    if (inside) {
      d_x[t] = position_counts(scan, t) ? received : 0.0F;
    }
  }
}

LaunchShape shape_of(const SegmentScan& scan) {
  return {static_cast<unsigned int>((scan.segments + kWarps - 1) / kWarps), 1, kThreads};
}

}  // namespace

int segment_scan_forward(const SegmentScan& scan, const float* x, float* y, void* stream) {
  return scan.segments == 0 ? 0 : launch(scan_forward, shape_of(scan), stream, scan, x, y);
}

int segment_scan_backward(const SegmentScan& scan, const float* d_y, float* d_x, void* stream) {
  return scan.segments == 0 ? 0 : launch(scan_backward, shape_of(scan), stream, scan, d_y, d_x);
}

}  // namespace turnhalle::kernels::cuda
