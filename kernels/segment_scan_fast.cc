// The reversed discounted scan in float32.
//
// A step of the recurrence waits for the one before it (four cycles each). Neighbours are
// therefore composed first, y_i = b_i + a_i y_{i+2} and so on in log2(lanes) steps, and only one
// multiply-add per vector is left on the chain (vector_ops_impl.h). Segments are independent:
// they are dealt out in runs of about kNumbersPerTask numbers.
#include <cstdint>
#include <vector>

#include "core/check.h"
#include "kernels/kernels.h"
#include "kernels/vector_ops.h"

namespace turnhalle::kernels {
namespace {

constexpr std::int64_t kNumbersPerTask = 16384;

/// Calls visit(begin, end) for every segment.
template <class Visit>
void for_each_segment(const SegmentScan& scan, const CpuRun& run, const Visit& visit) {
  std::vector<std::int64_t> first{0};  // segment with which a task begins
  for (std::int64_t s = 0; s < scan.segments; ++s) {
    check(scan.offsets[s] <= scan.offsets[s + 1], "offsets ascend", s);
    if (scan.offsets[s + 1] - scan.offsets[first.back()] >= kNumbersPerTask) {
      first.push_back(s + 1);
    }
  }
  first.push_back(scan.segments);
  run_tasks(run, static_cast<std::int64_t>(first.size()) - 1, [&](std::int64_t task) {
    const auto index = static_cast<std::size_t>(task);
    for (std::int64_t s = first[index]; s < first[index + 1]; ++s) {
      visit(scan.offsets[s], scan.offsets[s + 1]);
    }
  });
}

}  // namespace

void segment_scan_forward(const SegmentScan& scan, const float* x, float* y, const CpuRun& run) {
  const VectorOps& ops = vector_ops(run.isa);
  for_each_segment(scan, run, [&](std::int64_t begin, std::int64_t end) {
    const std::uint8_t* mask = scan.mask == nullptr ? nullptr : scan.mask + begin;
    ops.scan(x + begin, mask, end - begin, scan.gamma, y + begin);
  });
}

void segment_scan_backward(const SegmentScan& scan, const float* d_y, float* d_x,
                           const CpuRun& run) {
  for_each_segment(scan, run, [&](std::int64_t begin, std::int64_t end) {
    float passed = 0.0F;
    for (std::int64_t t = begin; t < end; ++t) {
      const float received = d_y[t] + passed;
      const bool counts = scan.mask == nullptr || scan.mask[t] != 0;
      d_x[t] = counts ? received : 0.0F;
      passed = counts ? scan.gamma * received : received;
    }
  });
}

}  // namespace turnhalle::kernels
