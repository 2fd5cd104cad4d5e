// log_prob_from_logits: definition, fast version and GPU source agree, and agree with
// linear_log_prob on the same logits.
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

struct LogitsProblem {
  std::int64_t rows, vocab;
  float temperature;
  std::vector<float> logits, d_log_prob, d_entropy;
  std::vector<std::int32_t> chosen;
};

LogitsProblem logits_problem(std::int64_t rows, std::int64_t vocab, float range) {
  const auto count = static_cast<std::size_t>(rows);
  return {.rows = rows, .vocab = vocab, .temperature = 1.3F,
          .logits = uniform(count * static_cast<std::size_t>(vocab), -range, range, 1),
          .d_log_prob = uniform(count, -1.0F, 1.0F, 2),
          .d_entropy = uniform(count, -0.5F, 0.5F, 3), .chosen = indices(count, vocab, 4)};
}

/// One call's arrays between guards.
struct LogitsCall {
  explicit LogitsCall(const LogitsProblem& p) : chosen(p.chosen) {
    const auto rows = static_cast<std::size_t>(p.rows);
    shape = {.rows = p.rows, .vocab = p.vocab, .chosen = chosen.data(),
             .temperature = p.temperature};
    logits = arrays.from(p.logits);
    output = {.log_prob = arrays.filled(rows, 7.0F), .entropy = arrays.filled(rows, 7.0F),
              .log_normalizer = arrays.filled(rows, 7.0F)};
    gradient = {.d_log_prob = arrays.from(p.d_log_prob), .d_entropy = arrays.from(p.d_entropy),
                .entropy = output.entropy, .log_normalizer = output.log_normalizer};
  }
  Outputs outputs() const {
    arrays.expect_intact();
    return {{"log_prob", arrays.values(output.log_prob)},
            {"entropy", arrays.values(output.entropy)},
            {"log_normalizer", arrays.values(output.log_normalizer)},
            {"d_logits", arrays.values(logits)}};
  }
  Arrays arrays;
  GuardedBuffer<std::int32_t> chosen;
  LogitRows shape;
  float* logits = nullptr;
  LogProbOutput output;
  LogProbGradient gradient;
};

/// Forward and backward of each version.
KernelCase logits_case(const LogitsProblem& p, Tolerance tolerance) {
  return {.name = std::to_string(p.rows) + " x " + std::to_string(p.vocab),
          .tolerance = std::move(tolerance),
          .definition = [&p] {
            const LogitsCall call(p);
            definition::log_prob_from_logits_forward(call.shape, call.logits, call.output);
            definition::log_prob_from_logits_backward(call.shape, call.gradient, call.logits);
            return call.outputs();
          },
          .fast = [&p](const CpuRun& run) {
            const LogitsCall call(p);
            log_prob_from_logits_forward(call.shape, call.logits, call.output, run);
            log_prob_from_logits_backward(call.shape, call.gradient, call.logits, run);
            return call.outputs();
          },
          .cuda = [&p] {
            const LogitsCall call(p);
            EXPECT_EQ(cuda::log_prob_from_logits_forward(call.shape, call.logits, call.output,
                                                         nullptr), 0);
            EXPECT_EQ(cuda::log_prob_from_logits_backward(call.shape, call.gradient, call.logits,
                                                          nullptr), 0);
            return call.outputs();
          }};
}

const Tolerance kLogitsTolerance{3e-6, 3e-6, "a dozen float32 roundings of numbers of size 10"};

TEST(LogProbFromLogits, VersionsAgreeForOddAndUnitShapes) {
  const std::int64_t shapes[][2] = {{1, 1}, {1, 2}, {3, 7}, {17, 33}, {35, 256}, {2, 5001}};
  for (const auto& shape : shapes) {
    check_kernel(logits_case(logits_problem(shape[0], shape[1], 8.0F), kLogitsTolerance));
  }
}

TEST(LogProbFromLogits, VersionsAgreeForExtremeLogits) {
  const Tolerance tolerance{5e-3, 1e-6, "the saved float32 normaliser of size 1e4 has steps of "
                                        "1e-3, and p inherits them"};
  check_kernel(logits_case(logits_problem(9, 100, 1e4F), tolerance));
}

TEST(LogProbFromLogits, LogitsOfAnySizeGiveFiniteBoundedResults) {
  const LogitsProblem p = logits_problem(9, 100, 1e30F);
  const LogitsCall call(p);
  log_prob_from_logits_forward(call.shape, call.logits, call.output);
  log_prob_from_logits_backward(call.shape, call.gradient, call.logits);
  for (std::size_t row = 0; row < 9; ++row) {
    EXPECT_NEAR(call.output.entropy[row], 0.0, 1e-6);
    EXPECT_TRUE(std::isfinite(call.output.log_prob[row]));
  }
  for (const float d : call.arrays.values(call.logits)) {
    EXPECT_LE(std::fabs(d), 2.0F);
  }
}

TEST(LogProbFromLogits, NonFiniteLogitsGiveWhatTheDefinitionGives) {
  LogitsProblem p = logits_problem(7, 40, 3.0F);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto row = [&p](std::ptrdiff_t index) { return p.logits.begin() + 40 * index; };
  std::fill(row(0), row(0) + 39, -kInfinity);  // one token left
  std::fill(row(1), row(2), -kInfinity);       // none left
  row(2)[11] = kInfinity;
  row(3)[39] = nan;
  row(4)[static_cast<std::ptrdiff_t>(p.chosen[4])] = -kInfinity;
  row(5)[0] = nan;
  p.d_log_prob[5] = 0.0F;
  p.d_entropy[5] = 0.0F;
  check_kernel(logits_case(p, kLogitsTolerance));
  const LogitsCall call(p);
  log_prob_from_logits_forward(call.shape, call.logits, call.output);
  log_prob_from_logits_backward(call.shape, call.gradient, call.logits);
  EXPECT_EQ(call.output.entropy[0], 0.0F);
  EXPECT_TRUE(std::isnan(call.output.log_prob[1]));
  EXPECT_TRUE(std::isnan(call.output.entropy[2]));
  EXPECT_TRUE(std::isnan(call.output.entropy[3]));
  EXPECT_EQ(call.output.log_prob[4], -kInfinity);
  EXPECT_EQ(call.logits[5 * 40], 0.0F);
  EXPECT_TRUE(std::isfinite(call.output.log_prob[6]));
}

TEST(LogProbFromLogits, TheGradientOfTheDefinitionIsThatOfFiniteDifferences) {
  const LogitsProblem p = logits_problem(3, 5, 2.0F);
  const auto objective = [&p](std::span<const float> logits) {
    LogitsProblem varied = p;
    varied.logits.assign(logits.begin(), logits.end());
    const LogitsCall call(varied);
    definition::log_prob_from_logits_forward(call.shape, call.logits, call.output);
    double sum = 0.0;
    for (std::size_t row = 0; row < 3; ++row) {
      sum += static_cast<double>(p.d_log_prob[row] * call.output.log_prob[row]);
      sum += static_cast<double>(p.d_entropy[row] * call.output.entropy[row]);
    }
    return sum;
  };
  const LogitsCall call(p);
  definition::log_prob_from_logits_forward(call.shape, call.logits, call.output);
  definition::log_prob_from_logits_backward(call.shape, call.gradient, call.logits);
  check_gradient({.function = objective, .point = p.logits,
                  .gradient = call.arrays.values(call.logits)});
}

TEST(LogProbFromLogits, GradientsOfARowSumToZero) {
  const LogitsProblem p = logits_problem(11, 300, 6.0F);
  const LogitsCall call(p);
  log_prob_from_logits_forward(call.shape, call.logits, call.output);
  log_prob_from_logits_backward(call.shape, call.gradient, call.logits);
  for (std::size_t row = 0; row < 11; ++row) {
    double sum = 0.0;
    for (std::size_t token = 0; token < 300; ++token) {
      sum += static_cast<double>(call.logits[row * 300 + token]);
    }
    EXPECT_NEAR(sum, 0.0, 1e-5) << "row " << row;
  }
}

}  // namespace
}  // namespace turnhalle::kernels
