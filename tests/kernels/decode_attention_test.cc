// decode_attention: definition and fast version agree.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "tests/kernels/kernel_case.h"

namespace turnhalle::kernels {
namespace {

struct AttentionProblem {
  std::int64_t heads, kv_heads, dim;
  std::vector<std::int64_t> lengths;
  float range = 1.0F;
  float scale = 0.3F;
  /// Added to the first key of the first row.
  float disturbance = 0.0F;
};

/// One call's arrays between guards.
struct AttentionCall {
  explicit AttentionCall(const AttentionProblem& p) {
    const std::size_t rows = p.lengths.size();
    const auto queries = rows * static_cast<std::size_t>(p.heads * p.dim);
    for (std::size_t row = 0; row < rows; ++row) {
      const auto numbers = static_cast<std::size_t>(p.lengths[row] * p.kv_heads * p.dim);
      std::vector<float> key = uniform(numbers, -p.range, p.range, 10 + row);
      key[0] += row == 0 ? p.disturbance : 0.0F;
      keys.push_back(arrays.from(key));
      values.push_back(arrays.from(uniform(numbers, -1.0F, 1.0F, 100 + row)));
    }
    input = {.rows = static_cast<std::int64_t>(rows), .heads = p.heads, .kv_heads = p.kv_heads,
             .dim = p.dim, .query = arrays.from(uniform(queries, -p.range, p.range, 1)),
             .keys = keys.data(), .values = values.data(), .lengths = p.lengths.data(),
             .scale = p.scale};
    out = arrays.filled(queries, 7.0F);
  }
  Outputs outputs() const {
    arrays.expect_intact();
    return {{"out", arrays.values(out)}};
  }
  Arrays arrays;
  std::vector<const float*> keys, values;
  DecodeAttention input;
  float* out = nullptr;
};

void check_attention(const AttentionProblem& p, const Tolerance& tolerance) {
  check_kernel({.name = std::to_string(p.heads) + " heads of " + std::to_string(p.dim),
                .tolerance = tolerance,
                .definition = [&p] {
                  const AttentionCall call(p);
                  definition::decode_attention(call.input, call.out);
                  return call.outputs();
                },
                .fast = [&p](const CpuRun& run) {
                  const AttentionCall call(p);
                  decode_attention(call.input, call.out, run);
                  return call.outputs();
                },
                .cuda = {}});
}

const Tolerance kAttentionTolerance{1e-5, 1e-5, "float32 sums of dim products; values of size 1"};

TEST(DecodeAttention, VersionsAgreeForOddAndUnitShapes) {
  check_attention({.heads = 1, .kv_heads = 1, .dim = 1, .lengths = {1}}, kAttentionTolerance);
  check_attention({.heads = 3, .kv_heads = 1, .dim = 7, .lengths = {1, 5, 33}},
                  kAttentionTolerance);
  check_attention({.heads = 9, .kv_heads = 3, .dim = 64, .lengths = {31, 32, 64, 65, 257}},
                  kAttentionTolerance);
  check_attention({.heads = 4, .kv_heads = 4, .dim = 24, .lengths = {100}}, kAttentionTolerance);
}

TEST(DecodeAttention, VersionsAgreeForExtremeScores) {
  check_attention({.heads = 2, .kv_heads = 1, .dim = 16, .lengths = {90, 3}, .range = 100.0F,
                   .scale = 1.0F},
                  {2e-2, 1e-3, "scores of size 1e4 have float32 steps of 1e-3"});
}

TEST(DecodeAttention, NonFiniteKeysGiveWhatTheDefinitionGives) {
  for (const float disturbance : {kInfinity, -kInfinity, std::nanf("")}) {
    check_attention({.heads = 4, .kv_heads = 2, .dim = 8, .lengths = {40, 2},
                     .disturbance = disturbance},
                    kAttentionTolerance);
  }
}

TEST(DecodeAttention, OnePositionGivesItsValue) {
  const AttentionProblem p{.heads = 2, .kv_heads = 1, .dim = 5, .lengths = {1}};
  const AttentionCall call(p);
  decode_attention(call.input, call.out);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_FLOAT_EQ(call.out[i], call.values[0][i % 5]);
  }
}

TEST(DecodeAttentionDeathTest, AnEmptyCacheStopsTheProgram) {
  const AttentionProblem p{.heads = 1, .kv_heads = 1, .dim = 4, .lengths = {2}};
  AttentionCall call(p);
  const std::int64_t none = 0;
  call.input.lengths = &none;
  EXPECT_DEATH(decode_attention(call.input, call.out), "at least one position");
}

}  // namespace
}  // namespace turnhalle::kernels
