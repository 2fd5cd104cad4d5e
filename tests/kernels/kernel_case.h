// The list of checks that every kernel passes.
//
// A KernelCase says how to run one kernel on one set of inputs in each of its versions.
// check_kernel() then compares, with the tolerance that the case gives a reason for:
//   * the fast CPU version under every instruction set of this processor with the definition,
//   * the GPU version with the definition, and bit for bit with itself: under several orders of
//     its threads in kernels_test, which emulates the GPU (cuda_on_cpu.h), and three times over
//     in kernels_gpu_test, which needs one (device.h),
//   * the fast version bit for bit with itself: again, on 1, 2 and 4 threads, and with its tasks
//     in reverse order.
// Every array that a case hands out lies between guards (guarded_buffer.h). A non-finite number
// must be met by one of the same kind.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "tests/kernels/guarded_buffer.h"

namespace turnhalle::kernels {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// |got − expected| ≤ absolute + relative · |expected|.
struct Tolerance {
  double absolute = 0.0, relative = 0.0;
  std::string reason;
};

/// One output array of a kernel.
struct Output {
  std::string name;
  std::vector<float> values;
};
using Outputs = std::vector<Output>;

struct KernelCase {
  std::string name;
  Tolerance tolerance;
  std::function<Outputs()> definition;
  std::function<Outputs(const CpuRun&)> fast;
  std::function<Outputs()> cuda;  ///< empty: the kernel has no GPU version
};

void check_kernel(const KernelCase& kernel);

/// Compares two arrays; the message names the first number that differs and the reason of the
/// tolerance.
::testing::AssertionResult close(std::span<const float> expected, std::span<const float> got,
                                 const Tolerance& tolerance);

/// Central differences of a scalar function of an array against its gradient.
struct GradientCase {
  std::function<double(std::span<const float>)> function;
  std::vector<float> point, gradient;
  double step = 0.01;
  double tolerance = 1e-3;  ///< absolute: rounding / step + step² · third derivative
};

void check_gradient(const GradientCase& gradient);

/// n numbers, uniform in [low, high), a function of the seed alone.
std::vector<float> uniform(std::size_t n, float low, float high, std::uint64_t seed);
/// n indices in 0 … bound − 1.
std::vector<std::int32_t> indices(std::size_t n, std::int64_t bound, std::uint64_t seed);

/// A ParallelFor on `threads` threads of its own.
ParallelFor parallel(int threads);

/// Arrays between guards that live as long as this object; expect_intact() looks at all of them.
class Arrays {
 public:
  float* from(const std::vector<float>& values);
  float* filled(std::size_t n, float value);
  void expect_intact() const;
  std::vector<float> values(const float* array) const;

 private:
  std::vector<std::unique_ptr<GuardedBuffer<float>>> buffers_;
};

}  // namespace turnhalle::kernels
