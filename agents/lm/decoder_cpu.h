// The CPU arithmetic of the decoder on raw pointers: what training fuses into few operators, and
// all that generation needs. Torch-free.
//
// Functions work on a range of rows, tasks or panels and never start threads: the caller splits
// the ranges. Results do not depend on how ranges are split: each output element is computed by
// the same operations in the same order, whoever its neighbours are.
//
// Matrices are row-major. "Tile" is a group of kTile positions; keys of a tile are stored
// transposed, [head_dim][kTile], so that scores of a tile are vector operations.
//
// The sources are compiled once per instruction set; training_kernels() and
// generation_kernels() choose when the program runs.
#pragma once

#include <cstdint>
#include <vector>

namespace turnhalle::lm {

inline constexpr std::int64_t kTile = 16;
/// n rounded up to whole tiles.
constexpr std::int64_t round_up_to_tile(std::int64_t n) { return (n + kTile - 1) / kTile * kTile; }

/// [begin, end) of rows, panels or tokens.
struct Range {
  std::int64_t begin = 0, end = 0;
};

/// sum = x + delta;  y = sum / sqrt(mean(sum²) + eps) · weight, per row.
template <class T>
struct AddNorm {
  const T* x = nullptr;       ///< [rows, width]
  const T* delta = nullptr;   ///< [rows, width], or null for zero
  const T* weight = nullptr;  ///< [width]
  T* sum = nullptr;           ///< [rows, width], or null when not wanted
  T* y = nullptr;             ///< [rows, width]
  T* inverse = nullptr;       ///< [rows]: 1 / sqrt(…), or null when not wanted
  std::int64_t width = 0;
  double eps = 0;
};

/// Gradient of AddNorm. x and delta share their gradient, d_sum_total.
template <class T>
struct AddNormGradient {
  const T* sum = nullptr;
  const T* weight = nullptr;
  const T* inverse = nullptr;
  const T* d_y = nullptr;
  const T* d_sum = nullptr;  ///< what reaches sum besides y; null for zero
  T* d_sum_total = nullptr;  ///< [rows, width], written
  T* d_weight = nullptr;     ///< [width], added to
  std::int64_t width = 0;
};

/// out = silu(gate) · up with gate_up = [gate | up] per row.
template <class T>
struct SwiGlu {
  const T* gate_up = nullptr;  ///< [rows, 2 width]
  T* out = nullptr;            ///< [rows, width]; forward
  const T* d_out = nullptr;    ///< [rows, width]; backward
  T* d_gate_up = nullptr;      ///< [rows, 2 width]; backward
  std::int64_t width = 0;
};

/// Where the tokens of packed sequences are (packed_batch.h): position p of sequence s is row
/// rows[offsets[s] + p]. Positions below shared[s] are rows that sequences before it brought.
/// Sequences trees[t] … trees[t+1]-1 have no row in common with any others.
struct SequencePlaces {
  const std::int64_t* rows = nullptr;
  const std::int64_t* offsets = nullptr;  ///< [sequences + 1]
  const std::int64_t* shared = nullptr;   ///< [sequences]
  const std::int64_t* trees = nullptr;    ///< [trees + 1]
};

/// Causal attention inside each sequence of a packed batch, with the rotary embedding applied to
/// queries and keys on the way. A row of qkv is [heads | kv_heads | kv_heads] × head_dim.
template <class T>
struct SegmentAttention {
  const T* qkv = nullptr;
  const T* cos = nullptr;  ///< [positions, head_dim / 2]
  const T* sin = nullptr;
  SequencePlaces places;
  std::int64_t heads = 0, kv_heads = 0, head_dim = 0;
  T* out = nullptr;          ///< [rows, heads · head_dim]; read by backward
  T* log_sum = nullptr;      ///< [rows, heads]: log of the sum of exponentials; read by backward
  const T* d_out = nullptr;  ///< backward
  T* d_qkv = nullptr;        ///< backward, written
};

template <class T>
struct TrainingKernels {
  void (*add_norm)(const AddNorm<T>&, Range rows);
  void (*add_norm_gradient)(const AddNormGradient<T>&, Range rows);
  void (*swiglu)(const SwiGlu<T>&, Range rows);
  void (*swiglu_gradient)(const SwiGlu<T>&, Range rows);
  /// Tasks are (tree, kv head) = (task / kv_heads, task % kv_heads).
  void (*attention)(const SegmentAttention<T>&, Range tasks, std::vector<T>& scratch);
  void (*attention_gradient)(const SegmentAttention<T>&, Range tasks, std::vector<T>& scratch);
};

/// A matrix [rows, columns] prepared for multiply(): panels of kTile rows, each stored
/// [columns][kTile] and padded with zeros.
struct PackedMatrix {
  std::int64_t rows = 0, columns = 0;
  std::vector<float> data;
  std::int64_t panels() const { return (rows + kTile - 1) / kTile; }
};
PackedMatrix pack_matrix(const float* matrix, std::int64_t rows, std::int64_t columns);

/// out = a · matrixᵀ + bias, or out += that.
struct Multiply {
  const float* a = nullptr;  ///< [n, matrix->columns]
  const PackedMatrix* matrix = nullptr;
  const float* bias = nullptr;  ///< [matrix->rows] or null
  float* out = nullptr;         ///< [n, matrix->rows]
  bool accumulate = false;
};

/// Rotates queries (scaled by 1/sqrt(head_dim)) and keys of new tokens and stores keys and values.
/// A page holds kTile positions of one layer: keys [kv_heads][head_dim][kTile], then values
/// [kv_heads][kTile][value_width], value_width = round_up_to_tile(head_dim).
struct PagedAttention {
  float* qkv = nullptr;  ///< [tokens, qkv width]; queries are rotated in place
  const float* cos = nullptr;
  const float* sin = nullptr;
  const float* q_norm = nullptr;  ///< [head_dim] or null
  const float* k_norm = nullptr;
  double eps = 0;
  std::int64_t heads = 0, kv_heads = 0, head_dim = 0;
  float* out = nullptr;  ///< [tokens, heads · head_dim]
  std::int64_t value_width() const { return round_up_to_tile(head_dim); }
  std::int64_t page_floats() const { return kv_heads * kTile * (head_dim + value_width()); }
};

/// Consecutive tokens of one conversation inside a forward.
struct TokenChunk {
  std::int64_t first = 0;     ///< row of the first token
  std::int64_t count = 0;     ///< tokens
  std::int64_t position = 0;  ///< of the first token in its conversation
  float* const* pages = nullptr;  ///< pages of the conversation, from position 0
  std::int64_t layer_offset = 0;  ///< floats from the start of a page to this layer
};

struct GenerationKernels {
  void (*multiply)(const Multiply&, Range rows, Range panels);
  void (*store_keys)(const PagedAttention&, const TokenChunk&);
  /// One kv head of one chunk, whose keys have been stored.
  void (*attend)(const PagedAttention&, const TokenChunk&, std::int64_t kv_head,
                 std::vector<float>& scratch);
  /// out[i] = exp(scale · (logits[i] − the maximum)); returns the maximum.
  float (*exponentials)(const float* logits, std::int64_t count, float scale, float* out);
};

template <class T>
const TrainingKernels<T>& training_kernels();
const GenerationKernels& generation_kernels();

}  // namespace turnhalle::lm
