// Training's attention of decoder_cpu.h: inside the sequences of a packed batch, and its gradient.
#pragma once

#include <utility>

#include "agents/lm/attention_cpu_impl.h"

namespace turnhalle::lm {
namespace {

/// Tiles that lie one after the other.
template <class T>
struct EvenTiles {
  const T* base;
  std::int64_t stride;
  const T* operator()(std::int64_t t) const { return base + t * stride; }
};

/// What one sequence of a (tree, kv head) task works in; all of it in the caller's scratch, zeroed.
template <class T>
struct SegmentScratch {
  std::int64_t length = 0, padded = 0, width = 0;  ///< width: head_dim in whole tiles
  T* keys = nullptr;               ///< [padded][width], rotated
  T* keys_transposed = nullptr;    ///< tiles of [head_dim][kTile]
  T* values = nullptr;             ///< [padded][width]
  T* values_transposed = nullptr;  ///< like keys_transposed; backward
  T* d_keys = nullptr;             ///< [padded][width]; backward
  T* d_values = nullptr;           ///< [padded][width]; backward
  T* scores = nullptr;             ///< [kQueries][padded]
  T* d_scores = nullptr;           ///< [kQueries][padded]; backward
  T* rows = nullptr;               ///< [3][kQueries][width]: queries, d_out, d_queries
};

template <class T>
SegmentScratch<T> make_scratch(std::vector<T>& buffer, std::int64_t length,
                               std::int64_t head_dim, bool backward) {
  SegmentScratch<T> s;
  s.length = length;
  s.padded = round_up_to_tile(length);
  s.width = round_up_to_tile(head_dim);
  const std::int64_t matrix = s.padded * s.width;
  const std::int64_t small = kQueries * s.padded;
  const std::int64_t need =
      matrix * (backward ? 6 : 3) + small * (backward ? 2 : 1) + 3 * kQueries * s.width;
  buffer.assign(static_cast<std::size_t>(need), T{0});
  T* next = buffer.data();
  const auto take = [&next](std::int64_t count) { return std::exchange(next, next + count); };
  s.keys = take(matrix);
  s.keys_transposed = take(matrix);
  s.values = take(matrix);
  s.scores = take(small);
  s.rows = take(3 * kQueries * s.width);
  if (backward) {
    s.values_transposed = take(matrix);
    s.d_keys = take(matrix);
    s.d_values = take(matrix);
    s.d_scores = take(small);
  }
  return s;
}

template <class T>
void transpose_tiles(const T* rows, std::int64_t length, std::int64_t width,
                     std::int64_t head_dim, T* tiles) {
  for (std::int64_t j = 0; j < length; ++j) {
    T* tile = tiles + j / kTile * head_dim * kTile + j % kTile;
    for (std::int64_t d = 0; d < head_dim; ++d) {
      tile[d * kTile] = rows[j * width + d];
    }
  }
}

/// Places inside the rows of a packed batch.
struct SegmentPlace {
  const std::int64_t* row = nullptr;  ///< of each position of the sequence
  std::int64_t shared = 0;            ///< positions whose rows an earlier sequence brought
  std::int64_t length = 0;
  std::int64_t row_width = 0;  ///< of qkv
  std::int64_t key_column = 0, value_column = 0, half = 0;
};

template <class T>
SegmentPlace place_of(const SegmentAttention<T>& a, std::int64_t sequence, std::int64_t kv_head) {
  SegmentPlace place;
  place.row = a.places.rows + a.places.offsets[sequence];
  place.shared = a.places.shared[sequence];
  place.length = a.places.offsets[sequence + 1] - a.places.offsets[sequence];
  place.row_width = (a.heads + 2 * a.kv_heads) * a.head_dim;
  place.key_column = (a.heads + kv_head) * a.head_dim;
  place.value_column = (a.heads + a.kv_heads + kv_head) * a.head_dim;
  place.half = a.head_dim / 2;
  return place;
}

template <class T>
void fill_keys(const SegmentAttention<T>& a, const SegmentPlace& place,
               const SegmentScratch<T>& s) {
  for (std::int64_t j = 0; j < s.length; ++j) {
    const T* row = a.qkv + place.row[j] * place.row_width;
    rotate(row + place.key_column, a.cos + j * place.half, a.sin + j * place.half, place.half,
           T{1}, T{1}, s.keys + j * s.width);
    std::copy_n(row + place.value_column, a.head_dim, s.values + j * s.width);
  }
  transpose_tiles(s.keys, s.length, s.width, a.head_dim, s.keys_transposed);
}

template <class T>
T query_scale(const SegmentAttention<T>& a) {
  return T{1} / std::sqrt(static_cast<T>(a.head_dim));
}

/// The sequences of a task, in order.
template <class T>
Range sequences_of(const SegmentAttention<T>& a, std::int64_t task) {
  const std::int64_t tree = task / a.kv_heads;
  return {a.places.trees[tree], a.places.trees[tree + 1]};
}

// Attention of one head's queries that the sequence brought itself.
template <class T>
void attend_head(const SegmentAttention<T>& a, const SegmentPlace& place,
                 const SegmentScratch<T>& s, std::int64_t head) {
  const AttentionTiles<T, EvenTiles<T>> tiles{{s.keys_transposed, a.head_dim * kTile},
                                              {s.values, s.width * kTile},
                                              a.head_dim, s.width, s.scores, s.padded};
  for (std::int64_t i = place.shared; i < place.length; i += kQueries) {
    const std::int64_t count = std::min(kQueries, place.length - i);
    QueryGroup<T> group;
    for (std::int64_t q = 0; q < count; ++q) {
      const std::int64_t row = place.row[i + q];
      T* query = s.rows + q * s.width;
      rotate(a.qkv + row * place.row_width + head * a.head_dim, a.cos + (i + q) * place.half,
             a.sin + (i + q) * place.half, place.half, T{1}, query_scale(a), query);
      group.query[q] = query;
      group.visible[q] = i + q + 1;
      group.out[q] = a.out + (row * a.heads + head) * a.head_dim;
      group.log_sum[q] = a.log_sum + row * a.heads + head;
    }
    attend_queries(group, count, tiles);
  }
}

template <class T>
void segment_attention(const SegmentAttention<T>& a, Range tasks, std::vector<T>& buffer) {
  const std::int64_t group_heads = a.heads / a.kv_heads;
  for (std::int64_t task = tasks.begin; task < tasks.end; ++task) {
    const std::int64_t kv_head = task % a.kv_heads;
    const Range sequences = sequences_of(a, task);
    for (std::int64_t sequence = sequences.begin; sequence < sequences.end; ++sequence) {
      const SegmentPlace place = place_of(a, sequence, kv_head);
      const SegmentScratch<T> s = make_scratch(buffer, place.length, a.head_dim, false);
      fill_keys(a, place, s);
      for (std::int64_t head = kv_head * group_heads; head < (kv_head + 1) * group_heads; ++head) {
        attend_head(a, place, s, head);
      }
    }
  }
}

// For a group of Q queries: p = exp(score − log_sum) and d_score = p · (d_out · value − delta),
// delta = d_out · out, over the visible keys.
template <class T, int Q>
[[gnu::always_inline]] inline void score_gradients(const SegmentScratch<T>& s,
                                                   const QueryGroup<T>& queries,
                                                   const QueryGroup<T>& d_out,
                                                   const T (&delta)[kQueries],
                                                   std::int64_t head_dim) {
  const std::int64_t end = round_up_to_tile(queries.visible[Q - 1]);
  for (std::int64_t j = 0; j < end; j += kTile) {
    score_tiles<T, Q, 1>(queries, {s.keys_transposed + j * head_dim}, head_dim, s.scores + j,
                         s.padded);
    score_tiles<T, Q, 1>(d_out, {s.values_transposed + j * head_dim}, head_dim, s.d_scores + j,
                         s.padded);
  }
  for (int q = 0; q < Q; ++q) {
    T* scores = s.scores + q * s.padded;
    T* d_scores = s.d_scores + q * s.padded;
    for (std::int64_t j = queries.visible[q]; j < end; ++j) {
      scores[j] = -std::numeric_limits<T>::infinity();
    }
    for (std::int64_t j = 0; j < end; j += kLanes<T>) {
      const Vec<T> p = exponential(load(scores + j) - *queries.log_sum[q]);
      store<T>(scores + j, p);
      store<T>(d_scores + j, p * (load(d_scores + j) - delta[q]));
    }
  }
}

// d_query += d_score · key, d_key += d_score · query, d_value += p · d_out.
template <class T, int Q>
[[gnu::always_inline]] inline void spread_gradients(const SegmentScratch<T>& s,
                                                    std::int64_t visible) {
  const T* queries = s.rows;
  const T* d_out = s.rows + kQueries * s.width;
  T* d_queries = s.rows + 2 * kQueries * s.width;
  for (std::int64_t d = 0; d < s.width; d += kLanes<T>) {
    Vec<T> query[Q];
    Vec<T> out[Q];
    Vec<T> sum[Q] = {};
    for (int q = 0; q < Q; ++q) {
      query[q] = load(queries + q * s.width + d);
      out[q] = load(d_out + q * s.width + d);
    }
    for (std::int64_t j = 0; j < visible; ++j) {
      const Vec<T> key = load(s.keys + j * s.width + d);
      Vec<T> d_key = load(s.d_keys + j * s.width + d);
      Vec<T> d_value = load(s.d_values + j * s.width + d);
      for (int q = 0; q < Q; ++q) {
        const T d_score = s.d_scores[q * s.padded + j];
        sum[q] += key * d_score;
        d_key += query[q] * d_score;
        d_value += out[q] * s.scores[q * s.padded + j];
      }
      store<T>(s.d_keys + j * s.width + d, d_key);
      store<T>(s.d_values + j * s.width + d, d_value);
    }
    for (int q = 0; q < Q; ++q) {
      store<T>(d_queries + q * s.width + d, sum[q]);
    }
  }
}

template <class T, int Q>
void query_gradients(const SegmentAttention<T>& a, const SegmentPlace& place,
                     const SegmentScratch<T>& s, std::int64_t head, std::int64_t first) {
  QueryGroup<T> queries;
  QueryGroup<T> d_out;
  T delta[kQueries] = {};
  for (int q = 0; q < Q; ++q) {
    const std::int64_t i = first + q;
    const std::int64_t row = place.row[i];
    T* query = s.rows + q * s.width;
    T* gradient = s.rows + (kQueries + q) * s.width;
    rotate(a.qkv + row * place.row_width + head * a.head_dim, a.cos + i * place.half,
           a.sin + i * place.half, place.half, T{1}, query_scale(a), query);
    const std::int64_t at = (row * a.heads + head) * a.head_dim;
    std::copy_n(a.d_out + at, a.head_dim, gradient);
    for (std::int64_t d = 0; d < a.head_dim; ++d) {
      delta[q] += a.out[at + d] * gradient[d];
    }
    queries.query[q] = query;
    queries.visible[q] = i + 1;
    queries.log_sum[q] = a.log_sum + row * a.heads + head;
    d_out.query[q] = gradient;
  }
  score_gradients<T, Q>(s, queries, d_out, delta, a.head_dim);
  spread_gradients<T, Q>(s, first + Q);
  for (int q = 0; q < Q; ++q) {
    const std::int64_t i = first + q;
    rotate(s.rows + (2 * kQueries + q) * s.width, a.cos + i * place.half,
           a.sin + i * place.half, place.half, T{-1}, query_scale(a),
           a.d_qkv + place.row[i] * place.row_width + head * a.head_dim);
  }
}

// Gradients of keys and values: written where the sequence brought the row, which happens before
// others of its tree use it, and added where it shares the row.
template <class T>
void store_key_gradients(const SegmentAttention<T>& a, const SegmentPlace& place,
                         const SegmentScratch<T>& s) {
  for (std::int64_t j = 0; j < place.length; ++j) {
    T* row = a.d_qkv + place.row[j] * place.row_width;
    T* d_key = s.keys + j * s.width;  // the keys themselves are not needed any more
    rotate(s.d_keys + j * s.width, a.cos + j * place.half, a.sin + j * place.half, place.half,
           T{-1}, T{1}, d_key);
    const T* d_value = s.d_values + j * s.width;
    if (j >= place.shared) {
      std::copy_n(d_key, a.head_dim, row + place.key_column);
      std::copy_n(d_value, a.head_dim, row + place.value_column);
      continue;
    }
    for (std::int64_t d = 0; d < a.head_dim; ++d) {
      row[place.key_column + d] += d_key[d];
      row[place.value_column + d] += d_value[d];
    }
  }
}

template <class T>
void sequence_gradient(const SegmentAttention<T>& a, const SegmentPlace& place, Range heads,
                       std::vector<T>& buffer) {
  const SegmentScratch<T> s = make_scratch(buffer, place.length, a.head_dim, true);
  fill_keys(a, place, s);
  transpose_tiles(s.values, s.length, s.width, a.head_dim, s.values_transposed);
  for (std::int64_t head = heads.begin; head < heads.end; ++head) {
    for (std::int64_t i = place.shared; i < place.length; i += kQueries) {
      switch (std::min(kQueries, place.length - i)) {
        case 1: query_gradients<T, 1>(a, place, s, head, i); break;
        case 2: query_gradients<T, 2>(a, place, s, head, i); break;
        case 3: query_gradients<T, 3>(a, place, s, head, i); break;
        default: query_gradients<T, 4>(a, place, s, head, i); break;
      }
    }
  }
  store_key_gradients(a, place, s);
}

template <class T>
void segment_attention_gradient(const SegmentAttention<T>& a, Range tasks,
                                std::vector<T>& buffer) {
  const std::int64_t group_heads = a.heads / a.kv_heads;
  for (std::int64_t task = tasks.begin; task < tasks.end; ++task) {
    const std::int64_t kv_head = task % a.kv_heads;
    const Range sequences = sequences_of(a, task);
    for (std::int64_t sequence = sequences.begin; sequence < sequences.end; ++sequence) {
      sequence_gradient(a, place_of(a, sequence, kv_head),
                        {kv_head * group_heads, (kv_head + 1) * group_heads}, buffer);
    }
  }
}

}  // namespace
}  // namespace turnhalle::lm
