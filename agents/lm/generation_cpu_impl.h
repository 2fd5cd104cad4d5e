// Generation's part of decoder_cpu.h: products with packed matrices and attention over pages.
#pragma once

#include "agents/lm/attention_cpu_impl.h"
#include "agents/lm/segment_attention_cpu_impl.h"

namespace turnhalle::lm {
namespace {

/// Rows worked on at once: as many as the vector registers hold sums for.
constexpr std::int64_t kRowsAtOnce = 12 / kParts<float>;
/// Rows that pass over the whole matrix together, so that they stay in the cache.
constexpr std::int64_t kRowBlock = 96;

// R rows times one panel. Every sum runs over the columns in order, whatever R is.
template <std::int64_t R>
[[gnu::always_inline]] inline void multiply_rows(const Multiply& m, std::int64_t row,
                                                 std::int64_t panel) {
  constexpr std::int64_t kParts_ = kParts<float>;
  const std::int64_t columns = m.matrix->columns;
  const float* weights = m.matrix->data.data() + panel * columns * kTile;
  const float* a = m.a + row * columns;
  Vec<float> sum[R][kParts_] = {};
  for (std::int64_t k = 0; k < columns; ++k) {
    Vec<float> weight[kParts_];
#pragma GCC unroll 4
    for (std::int64_t part = 0; part < kParts_; ++part) {
      weight[part] = load(weights + k * kTile + part * kLanes<float>);
    }
#pragma GCC unroll 12
    for (std::int64_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (std::int64_t part = 0; part < kParts_; ++part) {
        sum[r][part] += weight[part] * a[r * columns + k];
      }
    }
  }
  const std::int64_t first = panel * kTile;
  const std::int64_t used = std::min(kTile, m.matrix->rows - first);
  for (std::int64_t r = 0; r < R; ++r) {
    float result[kTile];
    for (std::int64_t part = 0; part < kParts_; ++part) {
      store<float>(result + part * kLanes<float>, sum[r][part]);
    }
    float* out = m.out + (row + r) * m.matrix->rows + first;
    for (std::int64_t i = 0; i < used; ++i) {
      const float value = m.bias == nullptr ? result[i] : result[i] + m.bias[first + i];
      out[i] = m.accumulate ? out[i] + value : value;
    }
  }
}

template <std::int64_t R>
[[gnu::always_inline]] inline void multiply_rest(const Multiply& m, std::int64_t row,
                                                 std::int64_t count, std::int64_t panel) {
  if constexpr (R > 0) {
    if (count == R) {
      multiply_rows<R>(m, row, panel);
    } else {
      multiply_rest<R - 1>(m, row, count, panel);
    }
  }
}

void multiply(const Multiply& m, Range rows, Range panels) {
  for (std::int64_t block = rows.begin; block < rows.end; block += kRowBlock) {
    const std::int64_t end = std::min(block + kRowBlock, rows.end);
    for (std::int64_t panel = panels.begin; panel < panels.end; ++panel) {
      std::int64_t row = block;
      for (; row + kRowsAtOnce <= end; row += kRowsAtOnce) {
        multiply_rows<kRowsAtOnce>(m, row, panel);
      }
      multiply_rest<kRowsAtOnce - 1>(m, row, end - row, panel);
    }
  }
}

void normalise_head(float* head, const float* weight, std::int64_t head_dim, double eps) {
  if (weight != nullptr) {
    add_norm<float>({head, nullptr, weight, nullptr, head, nullptr, head_dim, eps}, {0, 1});
  }
}

void store_keys(const PagedAttention& p, const TokenChunk& chunk) {
  const std::int64_t half = p.head_dim / 2;
  const std::int64_t width = (p.heads + 2 * p.kv_heads) * p.head_dim;
  const float scale = 1.0F / std::sqrt(static_cast<float>(p.head_dim));
  for (std::int64_t i = 0; i < chunk.count; ++i) {
    const std::int64_t position = chunk.position + i;
    const float* cos = p.cos + position * half;
    const float* sin = p.sin + position * half;
    float* row = p.qkv + (chunk.first + i) * width;
    for (std::int64_t h = 0; h < p.heads; ++h, row += p.head_dim) {
      normalise_head(row, p.q_norm, p.head_dim, p.eps);
      rotate(row, cos, sin, half, 1.0F, scale, row);
    }
    float* keys = chunk.pages[position / kTile] + chunk.layer_offset + position % kTile;
    for (std::int64_t h = 0; h < p.kv_heads; ++h, row += p.head_dim) {
      normalise_head(row, p.k_norm, p.head_dim, p.eps);
      rotate(row, cos, sin, half, 1.0F, 1.0F, row);
      for (std::int64_t d = 0; d < p.head_dim; ++d) {
        keys[(h * p.head_dim + d) * kTile] = row[d];
      }
    }
    float* values = chunk.pages[position / kTile] + chunk.layer_offset +
                    p.kv_heads * p.head_dim * kTile + position % kTile * p.value_width();
    for (std::int64_t h = 0; h < p.kv_heads; ++h, row += p.head_dim) {
      std::copy_n(row, p.head_dim, values + h * kTile * p.value_width());
    }
  }
}

/// Tiles that are pages.
struct PageTiles {
  float* const* pages;
  std::int64_t offset;
  const float* operator()(std::int64_t t) const { return pages[t] + offset; }
};

// The queries of the heads that share the kv head, token by token, up to kQueries at once.
void attend_pages(const PagedAttention& p, const TokenChunk& chunk, std::int64_t kv_head,
                  std::vector<float>& scratch) {
  const std::int64_t row = round_up_to_tile(chunk.position + chunk.count);
  if (static_cast<std::int64_t>(scratch.size()) < row * kQueries) {
    scratch.resize(static_cast<std::size_t>(row * kQueries));
  }
  const std::int64_t key_offset = chunk.layer_offset + kv_head * p.head_dim * kTile;
  const std::int64_t value_offset = chunk.layer_offset + p.kv_heads * p.head_dim * kTile +
                                    kv_head * kTile * p.value_width();
  const AttentionTiles<float, PageTiles> tiles{{chunk.pages, key_offset},
                                               {chunk.pages, value_offset},
                                               p.head_dim,
                                               p.value_width(),
                                               scratch.data(),
                                               row};
  const std::int64_t group_heads = p.heads / p.kv_heads;
  const std::int64_t width = (p.heads + 2 * p.kv_heads) * p.head_dim;
  const std::int64_t queries = chunk.count * group_heads;
  for (std::int64_t n = 0; n < queries; n += kQueries) {
    const std::int64_t count = std::min(kQueries, queries - n);
    QueryGroup<float> group;
    for (std::int64_t q = 0; q < count; ++q) {
      const std::int64_t token = (n + q) / group_heads;
      const std::int64_t head = kv_head * group_heads + (n + q) % group_heads;
      group.query[q] = p.qkv + (chunk.first + token) * width + head * p.head_dim;
      group.visible[q] = chunk.position + token + 1;
      group.out[q] = p.out + ((chunk.first + token) * p.heads + head) * p.head_dim;
    }
    attend_queries(group, count, tiles);
  }
}

float exponentials(const float* logits, std::int64_t count, float scale, float* out) {
  float maximum = -std::numeric_limits<float>::infinity();
  for (std::int64_t i = 0; i < count; ++i) {
    maximum = std::max(maximum, logits[i]);
  }
  over_row<float>(
      count,
      [&](std::int64_t i) {
        store<float>(out + i, exponential((load(logits + i) - maximum) * scale));
      },
      [&](std::int64_t i) { out[i] = std::exp((logits[i] - maximum) * scale); });
  return maximum;
}

const TrainingKernels<float> kTrainingFloat{
    add_norm<float>,       add_norm_gradient<float>,  swiglu<float>,
    swiglu_gradient<float>, segment_attention<float>, segment_attention_gradient<float>};
const TrainingKernels<double> kTrainingDouble{
    add_norm<double>,       add_norm_gradient<double>,  swiglu<double>,
    swiglu_gradient<double>, segment_attention<double>, segment_attention_gradient<double>};
const GenerationKernels kGeneration{multiply, store_keys, attend_pages, exponentials};

}  // namespace
}  // namespace turnhalle::lm
