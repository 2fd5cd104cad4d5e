// The definition of attention over a cache: double accumulation, straight loops.
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/check.h"
#include "kernels/kernels.h"

namespace turnhalle::kernels::definition {
namespace {

void attend(const DecodeAttention& in, std::int64_t row, std::int64_t head, float* out) {
  const std::int64_t kv_head = head / (in.heads / in.kv_heads);
  const std::int64_t stride = in.kv_heads * in.dim;
  const float* query = in.query + (row * in.heads + head) * in.dim;
  const float* keys = in.keys[row] + kv_head * in.dim;
  const float* values = in.values[row] + kv_head * in.dim;
  std::vector<double> score(static_cast<std::size_t>(in.lengths[row]), 0.0);
  double max = -std::numeric_limits<double>::infinity();
  for (std::size_t t = 0; t < score.size(); ++t) {
    const float* key = keys + static_cast<std::int64_t>(t) * stride;
    for (std::int64_t c = 0; c < in.dim; ++c) {
      score[t] += static_cast<double>(query[c]) * static_cast<double>(key[c]);
    }
    score[t] *= static_cast<double>(in.scale);
    max = score[t] > max ? score[t] : max;
  }
  double sum = 0.0;
  for (double& value : score) {
    value = std::exp(value - max);
    sum += value;
  }
  for (std::int64_t c = 0; c < in.dim; ++c) {
    double mean = 0.0;
    for (std::size_t t = 0; t < score.size(); ++t) {
      const float value = values[static_cast<std::int64_t>(t) * stride + c];
      mean += score[t] / sum * static_cast<double>(value);
    }
    out[c] = static_cast<float>(mean);
  }
}

}  // namespace

void decode_attention(const DecodeAttention& input, float* out) {
  check(input.kv_heads > 0 && input.heads % input.kv_heads == 0,
        "heads are a multiple of kv_heads", input.heads, input.kv_heads);
  for (std::int64_t row = 0; row < input.rows; ++row) {
    check(input.lengths[row] > 0, "a row attends to at least one position", row);
    for (std::int64_t head = 0; head < input.heads; ++head) {
      attend(input, row, head, out + (row * input.heads + head) * input.dim);
    }
  }
}

}  // namespace turnhalle::kernels::definition
