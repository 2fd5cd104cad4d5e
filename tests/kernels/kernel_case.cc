#include "tests/kernels/kernel_case.h"

#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <thread>
#include <vector>

#include "core/check.h"
#include "tests/kernels/device.h"
#include "tests/kernels/splitmix64.h"

namespace turnhalle::kernels {
namespace {

bool same_kind(float expected, float got) {
  if (std::isnan(expected) || std::isnan(got)) {
    return std::isnan(expected) && std::isnan(got);
  }
  return expected == got;
}

bool close_number(float expected, float got, const Tolerance& tolerance) {
  if (!std::isfinite(expected) || !std::isfinite(got)) {
    return same_kind(expected, got);
  }
  const double wanted = static_cast<double>(expected);
  const double difference = std::fabs(static_cast<double>(got) - wanted);
  return difference <= tolerance.absolute + tolerance.relative * std::fabs(wanted);
}

void expect_close(const Outputs& expected, const Outputs& got, const Tolerance& tolerance) {
  ASSERT_EQ(expected.size(), got.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(expected[i].name, got[i].name);
    EXPECT_TRUE(close(expected[i].values, got[i].values, tolerance)) << expected[i].name;
  }
}

void expect_same_bits(const Outputs& first, const Outputs& second) {
  ASSERT_EQ(first.size(), second.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    ASSERT_EQ(first[i].values.size(), second[i].values.size());
    for (std::size_t j = 0; j < first[i].values.size(); ++j) {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(first[i].values[j]),
                std::bit_cast<std::uint32_t>(second[i].values[j]))
          << first[i].name << "[" << j << "]: " << first[i].values[j] << " and "
          << second[i].values[j];
    }
  }
}

void check_fast(const KernelCase& kernel, const Outputs& expected, Isa isa) {
  SCOPED_TRACE("fast version, instruction set " + std::to_string(static_cast<int>(isa)));
  const Outputs serial = kernel.fast({.parallel_for = {}, .isa = isa});
  expect_close(expected, serial, kernel.tolerance);
  expect_same_bits(serial, kernel.fast({.parallel_for = {}, .isa = isa}));
  for (const int threads : {1, 2, 4}) {
    SCOPED_TRACE(std::to_string(threads) + " threads");
    expect_same_bits(serial, kernel.fast({.parallel_for = parallel(threads), .isa = isa}));
  }
  const ParallelFor reversed = [](std::int64_t count,
                                  const std::function<void(std::int64_t)>& task) {
    for (std::int64_t i = count; i > 0; --i) {
      task(i - 1);
    }
  };
  SCOPED_TRACE("reverse order");
  expect_same_bits(serial, kernel.fast({.parallel_for = reversed, .isa = isa}));
}

void check_cuda(const KernelCase& kernel, const Outputs& expected) {
  Outputs first;
  for (const std::uint64_t seed : {0U, 1U, 2U}) {
    SCOPED_TRACE("GPU version, order of threads " + std::to_string(seed));
    set_thread_order(seed);
    const Outputs got = kernel.cuda();
    for (const std::string& fault : take_faults()) {
      ADD_FAILURE() << fault;
    }
    if (seed == 0) {
      first = got;
      expect_close(expected, got, kernel.tolerance);
    }
    expect_same_bits(first, got);
  }
  set_thread_order(0);
}

}  // namespace

void check_kernel(const KernelCase& kernel) {
  SCOPED_TRACE(kernel.name);
  const Outputs expected = kernel.definition();
  for (const Isa isa : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    if (isa_available(isa)) {
      check_fast(kernel, expected, isa);
    }
  }
  if (kernel.cuda) {
    check_cuda(kernel, expected);
  }
}

::testing::AssertionResult close(std::span<const float> expected, std::span<const float> got,
                                 const Tolerance& tolerance) {
  if (expected.size() != got.size()) {
    return ::testing::AssertionFailure() << expected.size() << " numbers, got " << got.size();
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!close_number(expected[i], got[i], tolerance)) {
      return ::testing::AssertionFailure()
             << "[" << i << "]: expected " << expected[i] << ", got " << got[i]
             << "; tolerance " << tolerance.absolute << " + " << tolerance.relative
             << " |expected|: " << tolerance.reason;
    }
  }
  return ::testing::AssertionSuccess();
}

void check_gradient(const GradientCase& gradient) {
  ASSERT_EQ(gradient.point.size(), gradient.gradient.size());
  std::vector<float> point = gradient.point;
  for (std::size_t i = 0; i < point.size(); ++i) {
    const float step = static_cast<float>(gradient.step);
    point[i] = gradient.point[i] + step;
    const double width = static_cast<double>(point[i]);
    const double above = gradient.function(point);
    point[i] = gradient.point[i] - step;
    const double below = gradient.function(point);
    const double difference = (above - below) / (width - static_cast<double>(point[i]));
    point[i] = gradient.point[i];
    EXPECT_NEAR(difference, static_cast<double>(gradient.gradient[i]), gradient.tolerance)
        << "number " << i;
  }
}

std::vector<float> uniform(std::size_t n, float low, float high, std::uint64_t seed) {
  std::vector<float> values(n);
  for (float& value : values) {
    const auto fraction = static_cast<float>(next_random(seed) >> 40U) / 16777216.0F;
    value = low + (high - low) * fraction;
  }
  return values;
}

std::vector<std::int32_t> indices(std::size_t n, std::int64_t bound, std::uint64_t seed) {
  std::vector<std::int32_t> values(n);
  for (std::int32_t& value : values) {
    value = static_cast<std::int32_t>(next_random(seed) % static_cast<std::uint64_t>(bound));
  }
  return values;
}

ParallelFor parallel(int threads) {
  return [threads](std::int64_t count, const std::function<void(std::int64_t)>& task) {
    std::atomic<std::int64_t> next{0};
    std::vector<std::jthread> workers;
    for (int i = 0; i < threads; ++i) {
      workers.emplace_back([&] {
        for (std::int64_t index = next++; index < count; index = next++) {
          task(index);
        }
      });
    }
  };
}

float* Arrays::from(const std::vector<float>& values) {
  buffers_.push_back(std::make_unique<GuardedBuffer<float>>(values));
  return buffers_.back()->data();
}

float* Arrays::filled(std::size_t n, float value) { return from(std::vector<float>(n, value)); }

void Arrays::expect_intact() const {
  for (const auto& buffer : buffers_) {
    EXPECT_TRUE(buffer->intact()) << "a kernel wrote before the start of an array";
  }
}

std::vector<float> Arrays::values(const float* array) const {
  for (const auto& buffer : buffers_) {
    if (buffer->span().data() == array) {
      return buffer->copy();
    }
  }
  check(false, "the array is one of these");
  return {};
}

}  // namespace turnhalle::kernels
