// Attention over a cache in float32.
//
// A task is one row and one key head. Keys and values are read once, for all query heads of the
// group together, in blocks of kPositions: scores of the block, its maximum, then the weighted
// values; what was gathered before is rescaled when the maximum rises (online softmax). So each
// byte of the cache comes from memory once, and that is what limits decoding.
#include <cmath>
#include <cstdint>
#include <algorithm>
#include <limits>
#include <vector>

#include "core/check.h"
#include "kernels/kernels.h"
#include "kernels/vector_ops.h"

namespace turnhalle::kernels {
namespace {

constexpr std::int64_t kPositions = 32;
constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

/// Softmax of the scores that one query head has seen.
struct Head {
  const float* query;
  float* out;
  float max = kMinusInfinity;
  float sum = 0.0F;
};

/// A block of the cache of one key head.
struct CacheBlock {
  const float* keys;
  const float* values;
  std::int64_t count, stride;
};

void attend(const DecodeAttention& in, const VectorOps& ops, const CacheBlock& block,
            Head& head) {
  float score[kPositions];
  float max = head.max;
  for (std::int64_t t = 0; t < block.count; ++t) {
    score[t] = ops.dot(head.query, block.keys + t * block.stride, in.dim) * in.scale;
    max = score[t] > max ? score[t] : max;
  }
  const float base = max == kMinusInfinity ? 0.0F : max;
  float rescale = std::exp(head.max - base);
  head.sum *= rescale;
  for (std::int64_t t = 0; t < block.count; ++t) {
    const float e = std::exp(score[t] - base);
    head.sum += e;
    ops.scale_add(head.out, rescale, block.values + t * block.stride, e, in.dim);
    rescale = 1.0F;
  }
  head.max = max;
}

void attend_group(const DecodeAttention& in, const VectorOps& ops, std::int64_t task,
                  float* out) {
  const std::int64_t row = task / in.kv_heads;
  const std::int64_t kv_head = task % in.kv_heads;
  const std::int64_t group = in.heads / in.kv_heads;
  std::vector<Head> heads;
  for (std::int64_t h = 0; h < group; ++h) {
    const std::int64_t offset = (row * in.heads + kv_head * group + h) * in.dim;
    std::fill(out + offset, out + offset + in.dim, 0.0F);
    heads.push_back({.query = in.query + offset, .out = out + offset});
  }
  const std::int64_t stride = in.kv_heads * in.dim;
  for (std::int64_t start = 0; start < in.lengths[row]; start += kPositions) {
    const std::int64_t offset = start * stride + kv_head * in.dim;
    const std::int64_t count = std::min(kPositions, in.lengths[row] - start);
    for (Head& head : heads) {
      attend(in, ops, {in.keys[row] + offset, in.values[row] + offset, count, stride}, head);
    }
  }
  for (const Head& head : heads) {
    // With every score −inf the sum is 0, and 0/0 gives the NaN of the definition.
    const float factor = 1.0F / head.sum;
    for (std::int64_t c = 0; c < in.dim; ++c) {
      head.out[c] *= factor;
    }
  }
}

}  // namespace

void decode_attention(const DecodeAttention& input, float* out, const CpuRun& run) {
  check(input.kv_heads > 0 && input.heads % input.kv_heads == 0,
        "heads are a multiple of kv_heads", input.heads, input.kv_heads);
  for (std::int64_t row = 0; row < input.rows; ++row) {
    check(input.lengths[row] > 0, "a row attends to at least one position", row);
  }
  const VectorOps& ops = vector_ops(run.isa);
  run_tasks(run, input.rows * input.kv_heads, [&](std::int64_t task) {
    attend_group(input, ops, task, out);
  });
}

}  // namespace turnhalle::kernels
