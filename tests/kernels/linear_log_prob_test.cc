// linear_log_prob: definition, fast version and GPU source agree, and the gradient is one.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/cuda_kernels.h"
#include "kernels/kernels.h"
#include "tests/kernels/kernel_case.h"

namespace turnhalle::kernels {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

/// Inputs of one call, as plain vectors.
struct LinearProblem {
  std::int64_t rows, width, vocab;
  float temperature = 1.0F;
  std::vector<float> hidden{}, weight{}, bias{}, d_log_prob{}, d_entropy{};
  std::vector<std::int32_t> chosen{};
};

struct Range {
  float hidden = 1.0F, weight = 1.0F;  ///< numbers are drawn from ± these
};

LinearProblem linear_problem(std::int64_t rows, std::int64_t width, std::int64_t vocab,
                             Range range) {
  LinearProblem p{.rows = rows, .width = width, .vocab = vocab};
  p.hidden = uniform(size(rows * width), -range.hidden, range.hidden, 1);
  p.weight = uniform(size(vocab * width), -range.weight, range.weight, 2);
  p.d_log_prob = uniform(size(rows), -1.0F, 1.0F, 3);
  p.d_entropy = uniform(size(rows), -0.5F, 0.5F, 4);
  p.chosen = indices(size(rows), vocab, 5);
  return p;
}

/// One call's arrays between guards, and the structs that point into them.
struct LinearCall {
  explicit LinearCall(const LinearProblem& p, const std::vector<float>* saved = nullptr)
      : chosen(p.chosen) {
    input = {.rows = p.rows, .width = p.width, .vocab = p.vocab,
             .hidden = arrays.from(p.hidden), .weight = arrays.from(p.weight),
             .bias = p.bias.empty() ? nullptr : arrays.from(p.bias), .chosen = chosen.data(),
             .temperature = p.temperature};
    output = {.log_prob = arrays.filled(size(p.rows), 7.0F),
              .entropy = arrays.filled(size(p.rows), 7.0F),
              .log_normalizer = arrays.filled(size(p.rows), 7.0F)};
    if (saved != nullptr) {
      gradient = {.d_log_prob = arrays.from(p.d_log_prob), .d_entropy = arrays.from(p.d_entropy),
                  .entropy = arrays.from(saved[0]), .log_normalizer = arrays.from(saved[1])};
    }
    result = {.d_hidden = arrays.filled(p.hidden.size(), 7.0F),
              .d_weight = arrays.filled(p.weight.size(), 0.25F),
              .d_bias = p.bias.empty() ? nullptr : arrays.filled(p.bias.size(), 0.25F)};
  }

  Outputs forward_outputs() const {
    arrays.expect_intact();
    return {{"log_prob", arrays.values(output.log_prob)},
            {"entropy", arrays.values(output.entropy)},
            {"log_normalizer", arrays.values(output.log_normalizer)}};
  }

  Outputs backward_outputs() const {
    arrays.expect_intact();
    Outputs outputs{{"d_hidden", arrays.values(result.d_hidden)},
                    {"d_weight", arrays.values(result.d_weight)}};
    if (result.d_bias != nullptr) {
      outputs.push_back({"d_bias", arrays.values(result.d_bias)});
    }
    return outputs;
  }

  Arrays arrays;
  GuardedBuffer<std::int32_t> chosen;
  LinearLogProb input;
  LogProbOutput output;
  LogProbGradient gradient;
  LinearLogProbInputGradient result;
};

GuardedBuffer<std::byte> workspace(const LinearProblem& p) {
  return GuardedBuffer<std::byte>(
      static_cast<std::size_t>(cuda::linear_log_prob_workspace_bytes(p.rows, p.vocab)));
}

KernelCase forward_case(const LinearProblem& p, Tolerance tolerance) {
  return {.name = "forward", .tolerance = std::move(tolerance),
          .definition = [&p] {
            const LinearCall call(p);
            definition::linear_log_prob_forward(call.input, call.output);
            return call.forward_outputs();
          },
          .fast = [&p](const CpuRun& run) {
            const LinearCall call(p);
            linear_log_prob_forward(call.input, call.output, run);
            return call.forward_outputs();
          },
          .cuda = [&p] {
            const LinearCall call(p);
            GuardedBuffer<std::byte> scratch = workspace(p);
            EXPECT_EQ(cuda::linear_log_prob_forward(call.input, call.output, scratch.data(),
                                                    nullptr), 0);
            EXPECT_TRUE(scratch.intact());
            return call.forward_outputs();
          }};
}

/// `saved` are the definition's entropy and log_normalizer, the same for all versions.
KernelCase backward_case(const LinearProblem& p, const std::vector<float>* saved,
                         Tolerance tolerance) {
  return {.name = "backward", .tolerance = std::move(tolerance),
          .definition = [&p, saved] {
            const LinearCall call(p, saved);
            definition::linear_log_prob_backward(call.input, call.gradient, call.result);
            return call.backward_outputs();
          },
          .fast = [&p, saved](const CpuRun& run) {
            const LinearCall call(p, saved);
            linear_log_prob_backward(call.input, call.gradient, call.result, run);
            return call.backward_outputs();
          },
          .cuda = [&p, saved] {
            const LinearCall call(p, saved);
            GuardedBuffer<std::byte> scratch = workspace(p);
            EXPECT_EQ(cuda::linear_log_prob_backward(call.input, call.gradient, call.result,
                                                     scratch.data(), nullptr), 0);
            EXPECT_TRUE(scratch.intact());
            return call.backward_outputs();
          }};
}

void check_linear(const LinearProblem& p, const Tolerance& forward, const Tolerance& backward) {
  SCOPED_TRACE(std::to_string(p.rows) + " x " + std::to_string(p.width) + " x " +
               std::to_string(p.vocab));
  check_kernel(forward_case(p, forward));
  const LinearCall call(p);
  definition::linear_log_prob_forward(call.input, call.output);
  const std::vector<float> saved[2] = {call.arrays.values(call.output.entropy),
                                       call.arrays.values(call.output.log_normalizer)};
  check_kernel(backward_case(p, saved, backward));
}

const Tolerance kForward{2e-5, 1e-5, "float32 sums of width products of size 1"};
const Tolerance kBackward{5e-5, 1e-4, "float32 sums of vocab or rows products of size 1"};

TEST(LinearLogProb, VersionsAgreeForOddAndUnitShapes) {
  const std::int64_t shapes[][3] = {{1, 1, 1},    {1, 1, 2},   {3, 5, 7},    {13, 17, 33},
                                    {64, 32, 64}, {65, 9, 65}, {97, 31, 129}, {2, 70, 600},
                                    {3, 2, 4200}};
  for (const auto& shape : shapes) {
    check_linear(linear_problem(shape[0], shape[1], shape[2], {}), kForward, kBackward);
  }
}

TEST(LinearLogProb, VersionsAgreeWithBiasAndTemperature) {
  LinearProblem p = linear_problem(37, 24, 143, {});
  p.bias = uniform(size(p.vocab), -2.0F, 2.0F, 6);
  p.temperature = 0.7F;
  check_linear(p, kForward, kBackward);
}

TEST(LinearLogProb, VersionsAgreeOverSeveralPanelsAndShards) {
  check_linear(linear_problem(1300, 8, 90, {}), kForward, {5e-4, 1e-4, "sums over 1 300 rows"});
}

TEST(LinearLogProb, VersionsAgreeForExtremeLogits) {
  // Logits of ± 10 000: all probability is on one token, and exp must not overflow.
  const LinearProblem p = linear_problem(40, 16, 100, {.hidden = 100.0F, .weight = 100.0F});
  const Tolerance forward{0.02, 1e-5, "logits of size 1e4 have float32 steps of 1e-3"};
  const Tolerance backward{0.3, 1e-2, "p = exp(z - L) inherits the absolute error of z, 1e-3, "
                                      "times hidden or weight of size 100"};
  check_linear(p, forward, backward);
}

TEST(LinearLogProb, MinusInfinityRemovesATokenAndNanStaysInItsRow) {
  LinearProblem p = linear_problem(20, 8, 70, {});
  p.bias.assign(size(p.vocab), 0.0F);
  for (std::size_t token = 1; token < p.bias.size(); token += 2) {
    p.bias[token] = -kInfinity;
  }
  p.chosen[3] = 1;  // log-prob −inf
  p.hidden[5 * 8 + 2] = std::numeric_limits<float>::quiet_NaN();
  check_kernel(forward_case(p, kForward));
  const LinearCall call(p);
  definition::linear_log_prob_forward(call.input, call.output);
  EXPECT_EQ(call.output.log_prob[3], -kInfinity);
  EXPECT_TRUE(std::isnan(call.output.log_prob[5]));
  EXPECT_TRUE(std::isnan(call.output.entropy[5]));
  EXPECT_TRUE(std::isfinite(call.output.entropy[3]));
  EXPECT_TRUE(std::isfinite(call.output.log_prob[6]) || p.chosen[6] % 2 == 1);
}

TEST(LinearLogProb, ARowWithoutIncomingGradientGetsNoneEvenIfItsOutputsAreNan) {
  LinearProblem p = linear_problem(6, 8, 70, {});
  p.hidden[2 * 8] = std::numeric_limits<float>::quiet_NaN();
  p.d_log_prob[2] = 0.0F;
  p.d_entropy[2] = 0.0F;
  const std::vector<float> saved[2] = {std::vector<float>(6, 1.0F), std::vector<float>(6, 4.0F)};
  const LinearCall call(p, saved);
  linear_log_prob_backward(call.input, call.gradient, call.result);
  for (std::size_t c = 0; c < 8; ++c) {
    EXPECT_EQ(call.result.d_hidden[2 * 8 + c], 0.0F);
  }
}

TEST(LinearLogProb, UniformLogitsGiveTheLogarithmOfTheVocabulary) {
  LinearProblem p = linear_problem(2, 4, 50, {.hidden = 0.0F, .weight = 1.0F});
  const LinearCall call(p);
  linear_log_prob_forward(call.input, call.output);
  EXPECT_NEAR(call.output.log_prob[0], -std::log(50.0), 1e-6);
  EXPECT_NEAR(call.output.entropy[1], std::log(50.0), 1e-6);
}

/// Σ_r d_log_prob log_prob + d_entropy entropy by the definition.
double objective(const LinearProblem& p) {
  const LinearCall call(p);
  definition::linear_log_prob_forward(call.input, call.output);
  double sum = 0.0;
  for (std::size_t row = 0; row < size(p.rows); ++row) {
    sum += static_cast<double>(p.d_log_prob[row]) * static_cast<double>(call.output.log_prob[row]);
    sum += static_cast<double>(p.d_entropy[row]) * static_cast<double>(call.output.entropy[row]);
  }
  return sum;
}

TEST(LinearLogProb, TheGradientOfTheDefinitionIsThatOfFiniteDifferences) {
  LinearProblem p = linear_problem(3, 4, 6, {});
  p.bias = uniform(6, -1.0F, 1.0F, 6);
  p.temperature = 0.8F;
  const LinearCall forward(p);
  definition::linear_log_prob_forward(forward.input, forward.output);
  const std::vector<float> saved[2] = {forward.arrays.values(forward.output.entropy),
                                       forward.arrays.values(forward.output.log_normalizer)};
  const LinearCall call(p, saved);
  definition::linear_log_prob_backward(call.input, call.gradient, call.result);
  const auto vary = [&p](std::vector<float> LinearProblem::*member) {
    return [&p, member](std::span<const float> values) {
      LinearProblem varied = p;
      (varied.*member).assign(values.begin(), values.end());
      return objective(varied);
    };
  };
  const auto added = [&call](const float* array) {  // without the 0.25 that was there before
    std::vector<float> values = call.arrays.values(array);
    for (float& value : values) {
      value -= 0.25F;
    }
    return values;
  };
  check_gradient({.function = vary(&LinearProblem::hidden), .point = p.hidden,
                  .gradient = call.arrays.values(call.result.d_hidden)});
  check_gradient({.function = vary(&LinearProblem::weight), .point = p.weight,
                  .gradient = added(call.result.d_weight)});
  check_gradient({.function = vary(&LinearProblem::bias), .point = p.bias,
                  .gradient = added(call.result.d_bias)});
}

TEST(LinearLogProb, ResultsThatAreNotWantedAreSkipped) {
  const LinearProblem p = linear_problem(5, 6, 70, {});
  const std::vector<float> saved[2] = {std::vector<float>(5, 4.0F), std::vector<float>(5, 4.5F)};
  const LinearCall all(p, saved);
  linear_log_prob_backward(all.input, all.gradient, all.result);
  LinearCall hidden_only(p, saved);
  hidden_only.result.d_weight = nullptr;
  linear_log_prob_backward(hidden_only.input, hidden_only.gradient, hidden_only.result);
  EXPECT_EQ(all.arrays.values(all.result.d_hidden),
            hidden_only.arrays.values(hidden_only.result.d_hidden));
  LinearCall weight_only(p, saved);
  weight_only.result.d_hidden = nullptr;
  linear_log_prob_backward(weight_only.input, weight_only.gradient, weight_only.result);
  EXPECT_EQ(all.arrays.values(all.result.d_weight),
            weight_only.arrays.values(weight_only.result.d_weight));
}

TEST(LinearLogProbDeathTest, AChosenTokenOutsideTheVocabularyStopsTheProgram) {
  LinearProblem p = linear_problem(2, 3, 4, {});
  p.chosen[1] = 4;
  const LinearCall call(p);
  EXPECT_DEATH(linear_log_prob_forward(call.input, call.output), "chosen token");
  EXPECT_DEATH(definition::linear_log_prob_forward(call.input, call.output), "chosen token");
}

}  // namespace
}  // namespace turnhalle::kernels
