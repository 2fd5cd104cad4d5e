// Attention of decoder_cpu.h: softmax(q · Kᵀ) · V over tiles of kTile keys.
// Up to four queries are worked on at once, so that a tile is loaded once for all of them.
#pragma once

#include "agents/lm/decoder_cpu_impl.h"

namespace turnhalle::lm {
namespace {

constexpr std::int64_t kQueries = 4;

/// Up to kQueries queries against the same keys and values.
template <class T>
struct QueryGroup {
  const T* query[kQueries] = {};      ///< [head_dim] each, scaled
  std::int64_t visible[kQueries] = {};  ///< how many keys each attends to
  T* out[kQueries] = {};              ///< [head_dim] each
  T* log_sum[kQueries] = {};          ///< or null
};

/// Where the tiles of keys and values are, and room for scores.
template <class T, class Tiles>
struct AttentionTiles {
  Tiles keys;    ///< keys(t): [head_dim][kTile]
  Tiles values;  ///< values(t): [kTile][value_width]
  std::int64_t head_dim = 0, value_width = 0;
  T* scores = nullptr;  ///< [kQueries][row]
  std::int64_t row = 0;
};

// scores[q][j] = query q · key j for U tiles side by side.
template <class T, int Q, int U>
[[gnu::always_inline]] inline void score_tiles(const QueryGroup<T>& group,
                                               const T* const (&keys)[U], std::int64_t head_dim,
                                               T* scores, std::int64_t row) {
  Vec<T> sum[Q][U][kParts<T>] = {};
  for (std::int64_t d = 0; d < head_dim; ++d) {
    for (int u = 0; u < U; ++u) {
      for (std::int64_t part = 0; part < kParts<T>; ++part) {
        const Vec<T> key = load(keys[u] + d * kTile + part * kLanes<T>);
        for (int q = 0; q < Q; ++q) {
          sum[q][u][part] += key * group.query[q][d];
        }
      }
    }
  }
  for (int q = 0; q < Q; ++q) {
    for (int u = 0; u < U; ++u) {
      for (std::int64_t part = 0; part < kParts<T>; ++part) {
        store<T>(scores + q * row + u * kTile + part * kLanes<T>, sum[q][u][part]);
      }
    }
  }
}

// Turns a row of scores into probabilities (not yet divided by their sum) in place.
template <class T>
[[gnu::always_inline]] inline T soften(T* scores, std::int64_t visible, T* log_sum) {
  const std::int64_t end = round_up_to_tile(visible);
  for (std::int64_t j = visible; j < end; ++j) {
    scores[j] = -std::numeric_limits<T>::infinity();
  }
  Vec<T> maxima = load(scores);
  for (std::int64_t j = 0; j < end; j += kLanes<T>) {
    maxima = larger<T>(maxima, load(scores + j));
  }
  T maximum = maxima[0];
  for (std::int64_t i = 1; i < kLanes<T>; ++i) {
    maximum = std::max(maximum, maxima[i]);
  }
  Vec<T> sums{};
  for (std::int64_t j = 0; j < end; j += kLanes<T>) {
    const Vec<T> e = exponential(load(scores + j) - maximum);
    store<T>(scores + j, e);
    sums += e;
  }
  const T sum = sum_lanes<T>(sums);
  if (log_sum != nullptr) {
    *log_sum = maximum + std::log(sum);
  }
  return T{1} / sum;
}

// sum[q] += Σ_j scores[q][j] · values[j] over one tile, for W vectors of the head. Even and odd
// positions are summed apart, so that an addition need not wait for the one before.
template <class T, int Q, int W>
[[gnu::always_inline]] inline void mix_tile(const T* values, std::int64_t value_width,
                                            const T* scores, std::int64_t row,
                                            Vec<T> (&sum)[Q][W][2]) {
  for (std::int64_t j = 0; j < kTile; j += 2) {
    for (int w = 0; w < W; ++w) {
      const Vec<T> even = load(values + j * value_width + w * kLanes<T>);
      const Vec<T> odd = load(values + (j + 1) * value_width + w * kLanes<T>);
      for (int q = 0; q < Q; ++q) {
        sum[q][w][0] += even * scores[q * row + j];
        sum[q][w][1] += odd * scores[q * row + j + 1];
      }
    }
  }
}

// Scores of all tiles. A single query waits for memory: tiles that come next are fetched ahead.
template <class T, int Q, class Tiles>
[[gnu::always_inline]] inline void score_all(const QueryGroup<T>& group,
                                             const AttentionTiles<T, Tiles>& tiles,
                                             std::int64_t tile_count) {
  std::int64_t t = 0;
  if constexpr (Q <= 2) {
    for (; t + 1 < tile_count; t += 2) {
      for (std::int64_t ahead = t; ahead < t + 2; ++ahead) {
        const T* values = tiles.values(ahead);
        const T* keys = tiles.keys(std::min(ahead + 2, tile_count - 1));
        for (std::int64_t d = 0; d < tiles.head_dim; ++d) {
          __builtin_prefetch(values + d * kTile);
          __builtin_prefetch(keys + d * kTile);
        }
      }
      score_tiles<T, Q, 2>(group, {tiles.keys(t), tiles.keys(t + 1)}, tiles.head_dim,
                           tiles.scores + t * kTile, tiles.row);
    }
  }
  for (; t < tile_count; ++t) {
    score_tiles<T, Q, 1>(group, {tiles.keys(t)}, tiles.head_dim, tiles.scores + t * kTile,
                         tiles.row);
  }
}

template <class T, int Q, class Tiles>
[[gnu::always_inline]] inline void attend_group(const QueryGroup<T>& group,
                                                const AttentionTiles<T, Tiles>& tiles) {
  std::int64_t longest = 0;
  for (int q = 0; q < Q; ++q) {
    longest = std::max(longest, group.visible[q]);
  }
  const std::int64_t tile_count = round_up_to_tile(longest) / kTile;
  score_all<T, Q>(group, tiles, tile_count);
  T inverse[Q];
  for (int q = 0; q < Q; ++q) {
    T* scores = tiles.scores + q * tiles.row;
    inverse[q] = soften(scores, group.visible[q], group.log_sum[q]);
    for (std::int64_t j = round_up_to_tile(group.visible[q]); j < tile_count * kTile; ++j) {
      scores[j] = 0;
    }
  }
  constexpr int kWide = Q <= 2 && kParts<T> >= 2 ? 2 : 1;
  for (std::int64_t d = 0; d < tiles.value_width; d += kWide * kLanes<T>) {
    Vec<T> sum[Q][kWide][2] = {};
    for (std::int64_t t = 0; t < tile_count; ++t) {
      mix_tile<T, Q, kWide>(tiles.values(t) + d, tiles.value_width, tiles.scores + t * kTile,
                            tiles.row, sum);
    }
    for (int q = 0; q < Q; ++q) {
      T mixed[kWide * kLanes<T>];
      for (int w = 0; w < kWide; ++w) {
        store<T>(mixed + w * kLanes<T>, (sum[q][w][0] + sum[q][w][1]) * inverse[q]);
      }
      std::copy_n(mixed, std::min(kWide * kLanes<T>, tiles.head_dim - d), group.out[q] + d);
    }
  }
}

template <class T, class Tiles>
[[gnu::always_inline]] inline void attend_queries(const QueryGroup<T>& group, std::int64_t count,
                                                  const AttentionTiles<T, Tiles>& tiles) {
  switch (count) {
    case 1: return attend_group<T, 1>(group, tiles);
    case 2: return attend_group<T, 2>(group, tiles);
    case 3: return attend_group<T, 3>(group, tiles);
    default: return attend_group<T, 4>(group, tiles);
  }
}

}  // namespace
}  // namespace turnhalle::lm
