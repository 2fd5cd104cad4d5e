// segment_scan: definition, fast version and GPU source agree, and the gradient is one.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/cuda_kernels.h"
#include "kernels/kernels.h"
#include "tests/kernels/kernel_case.h"

namespace turnhalle::kernels {
namespace {

struct ScanProblem {
  std::vector<std::int64_t> offsets;
  std::vector<std::uint8_t> mask;  ///< empty: none
  std::vector<float> x;
  float gamma = 0.97F;
};

ScanProblem scan_problem(const std::vector<std::int64_t>& lengths, bool masked) {
  ScanProblem p;
  p.offsets.push_back(0);
  for (const std::int64_t length : lengths) {
    p.offsets.push_back(p.offsets.back() + length);
  }
  const auto total = static_cast<std::size_t>(p.offsets.back());
  p.x = uniform(total, -1.0F, 1.0F, 1);
  for (const std::int32_t draw : indices(masked ? total : 0, 3, 2)) {
    p.mask.push_back(draw > 0 ? 1 : 0);
  }
  return p;
}

/// One call's arrays between guards.
struct ScanCall {
  explicit ScanCall(const ScanProblem& p) : offsets(p.offsets), mask(p.mask) {
    scan = {.segments = static_cast<std::int64_t>(p.offsets.size()) - 1,
            .offsets = offsets.data(), .mask = p.mask.empty() ? nullptr : mask.data(),
            .gamma = p.gamma};
    x = arrays.from(p.x);
    y = arrays.filled(p.x.size(), 7.0F);
    d_x = arrays.filled(p.x.size(), 7.0F);
  }
  Outputs outputs() const {
    arrays.expect_intact();
    return {{"y", arrays.values(y)}, {"d_x", arrays.values(d_x)}};
  }
  GuardedBuffer<std::int64_t> offsets;
  GuardedBuffer<std::uint8_t> mask;
  Arrays arrays;
  SegmentScan scan;
  float *x = nullptr, *y = nullptr, *d_x = nullptr;
};

/// Forward, and backward with x in the place of d_y.
KernelCase scan_case(const ScanProblem& p, Tolerance tolerance) {
  return {.name = std::to_string(p.x.size()) + " numbers in " +
                  std::to_string(p.offsets.size() - 1) + " segments",
          .tolerance = std::move(tolerance),
          .definition = [&p] {
            const ScanCall call(p);
            definition::segment_scan_forward(call.scan, call.x, call.y);
            definition::segment_scan_backward(call.scan, call.x, call.d_x);
            return call.outputs();
          },
          .fast = [&p](const CpuRun& run) {
            const ScanCall call(p);
            segment_scan_forward(call.scan, call.x, call.y, run);
            segment_scan_backward(call.scan, call.x, call.d_x, run);
            return call.outputs();
          },
          .cuda = [&p] {
            const ScanCall call(p);
            EXPECT_EQ(cuda::segment_scan_forward(call.scan, call.x, call.y, nullptr), 0);
            EXPECT_EQ(cuda::segment_scan_backward(call.scan, call.x, call.d_x, nullptr), 0);
            return call.outputs();
          }};
}

const Tolerance kScanTolerance{1e-5, 1e-5, "float32 sums of at most 1 / (1 - gamma) numbers"};

const std::vector<std::vector<std::int64_t>> kLengths = {
    {1}, {0}, {0, 1, 0}, {2, 3}, {7, 8, 9, 15, 16, 17}, {31, 32, 33, 0, 64, 65, 1}, {1000},
    {40000, 3, 17000, 1}};

TEST(SegmentScan, VersionsAgreeForRaggedSegments) {
  for (const auto& lengths : kLengths) {
    check_kernel(scan_case(scan_problem(lengths, false), kScanTolerance));
  }
}

TEST(SegmentScan, VersionsAgreeWithAMask) {
  for (const auto& lengths : kLengths) {
    check_kernel(scan_case(scan_problem(lengths, true), kScanTolerance));
  }
}

TEST(SegmentScan, GammaZeroAndOneAreTheNumberAndTheSum) {
  ScanProblem p = scan_problem({100, 33}, true);
  p.gamma = 0.0F;
  check_kernel(scan_case(p, kScanTolerance));
  p.gamma = 1.0F;
  check_kernel(scan_case(p, {1e-4, 1e-5, "float32 sums of 100 numbers"}));
}

TEST(SegmentScan, AHandCalculation) {
  const ScanProblem p{.offsets = {0, 4, 6}, .mask = {1, 0, 1, 1, 0, 1},
                      .x = {1.0F, 50.0F, 2.0F, 4.0F, 60.0F, 8.0F}, .gamma = 0.5F};
  const ScanCall call(p);
  segment_scan_forward(call.scan, call.x, call.y);
  // From the right: 4; 2 + 4/2; passed on; 1 + 4/2. Then 8; passed on.
  EXPECT_EQ(call.arrays.values(call.y), (std::vector<float>{3.0F, 4.0F, 4.0F, 4.0F, 8.0F, 8.0F}));
}

TEST(SegmentScan, OutputMayReplaceInput) {
  const ScanProblem p = scan_problem({100, 33, 8}, true);
  const ScanCall apart(p);
  segment_scan_forward(apart.scan, apart.x, apart.y);
  segment_scan_backward(apart.scan, apart.x, apart.d_x);
  const ScanCall forward(p);
  segment_scan_forward(forward.scan, forward.x, forward.x);
  EXPECT_EQ(apart.arrays.values(apart.y), forward.arrays.values(forward.x));
  const ScanCall backward(p);
  segment_scan_backward(backward.scan, backward.x, backward.x);
  EXPECT_EQ(apart.arrays.values(apart.d_x), backward.arrays.values(backward.x));
}

TEST(SegmentScan, NonFiniteNumbersSpreadAsInTheDefinition) {
  ScanProblem p = scan_problem({50, 20}, true);
  p.x[30] = std::numeric_limits<float>::infinity();
  p.mask[30] = 1;
  p.x[45] = std::numeric_limits<float>::quiet_NaN();
  p.mask[45] = 0;  // a number that does not count is not looked at
  p.x[60] = -std::numeric_limits<float>::infinity();
  p.mask[60] = 1;
  const ScanCall call(p);
  definition::segment_scan_forward(call.scan, call.x, call.y);
  EXPECT_TRUE(std::isfinite(call.y[40]));
  EXPECT_TRUE(std::isinf(call.y[0]));
  EXPECT_TRUE(std::isfinite(call.y[69]));
  const std::vector<float> expected = call.arrays.values(call.y);
  segment_scan_forward(call.scan, call.x, call.y);
  EXPECT_TRUE(close(expected, call.arrays.values(call.y), kScanTolerance));
  EXPECT_EQ(cuda::segment_scan_forward(call.scan, call.x, call.y, nullptr), 0);
  EXPECT_TRUE(close(expected, call.arrays.values(call.y), kScanTolerance));
}

TEST(SegmentScan, TheGradientOfTheDefinitionIsThatOfFiniteDifferences) {
  const ScanProblem p = scan_problem({5, 1, 9}, true);
  const std::vector<float> d_y = uniform(p.x.size(), -1.0F, 1.0F, 9);
  const auto objective = [&p, &d_y](std::span<const float> x) {
    ScanProblem varied = p;
    varied.x.assign(x.begin(), x.end());
    const ScanCall call(varied);
    definition::segment_scan_forward(call.scan, call.x, call.y);
    double sum = 0.0;
    for (std::size_t t = 0; t < d_y.size(); ++t) {
      sum += static_cast<double>(d_y[t]) * static_cast<double>(call.y[t]);
    }
    return sum;
  };
  ScanCall call(p);
  definition::segment_scan_backward(call.scan, call.arrays.from(d_y), call.d_x);
  check_gradient({.function = objective, .point = p.x,
                  .gradient = call.arrays.values(call.d_x)});
}

}  // namespace
}  // namespace turnhalle::kernels
