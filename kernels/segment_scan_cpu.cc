// The definition of the reversed discounted scan: double accumulation, straight loops.
#include <cstdint>

#include "core/check.h"
#include "kernels/kernels.h"

namespace turnhalle::kernels::definition {

void segment_scan_forward(const SegmentScan& scan, const float* x, float* y) {
  for (std::int64_t s = 0; s < scan.segments; ++s) {
    check(scan.offsets[s] <= scan.offsets[s + 1], "offsets ascend", s);
    double running = 0.0;
    for (std::int64_t t = scan.offsets[s + 1] - 1; t >= scan.offsets[s]; --t) {
      if (scan.mask == nullptr || scan.mask[t] != 0) {
        running = static_cast<double>(x[t]) + static_cast<double>(scan.gamma) * running;
      }
      y[t] = static_cast<float>(running);
    }
  }
}

/// y_t is a sum over later x, so that d_x_t is the same sum over earlier d_y: a position passes
/// what it received, plus its own d_y, on to its right neighbour, times gamma if it counts.
void segment_scan_backward(const SegmentScan& scan, const float* d_y, float* d_x) {
  for (std::int64_t s = 0; s < scan.segments; ++s) {
    check(scan.offsets[s] <= scan.offsets[s + 1], "offsets ascend", s);
    double passed = 0.0;
    for (std::int64_t t = scan.offsets[s]; t < scan.offsets[s + 1]; ++t) {
      const double received = static_cast<double>(d_y[t]) + passed;
      const bool counts = scan.mask == nullptr || scan.mask[t] != 0;
      d_x[t] = counts ? static_cast<float>(received) : 0.0F;
      passed = counts ? static_cast<double>(scan.gamma) * received : received;
    }
  }
}

}  // namespace turnhalle::kernels::definition
