// Log-probability and entropy of chosen tokens on a GPU (kernels.h has the formulas).
//
// The ideas, in order:
//   1. One tile product serves all four matrix products: a block of 256 threads computes 64 x 64
//      numbers, 4 x 4 per thread, from slices of depth 16 in shared memory. Strides make it
//      H Wᵀ, dZ W or dZᵀ H.
//   2. Forward, a block keeps its tile of logits in registers and folds it into online softmax
//      sums, one set per thread and row; lanes are merged once at the end. The vocabulary is
//      split over blocks to fill the GPU, and a second kernel merges the splits in order.
//   3. Backward, the gradient of a chunk of logits (at most 1024 x 4096) is written to scratch
//      memory by the same product with the gradient as its last step, and multiplied from there.
//      Chunks follow one another on the stream, so that sums have a fixed order.
//   4. Plain arithmetic, no tensor cores: this is the version whose source also runs on the CPU.
#include <cmath>
#include <cstdint>

#include "kernels/cuda_kernels.h"
#include "kernels/cuda_launch.h"
#include "kernels/cuda_softmax.h"

namespace turnhalle::kernels::cuda {
namespace {

constexpr int kTile = 64;
constexpr int kDepth = 16;
constexpr int kThreads = 256;
constexpr int kPerThread = 4;               // rows and columns of a tile that a thread owns
constexpr int kLane = kTile / kPerThread;   // threads along a side of the tile
constexpr int kPadded = kTile + 1;          // one column more: neighbours in other banks
constexpr std::int64_t kChunkRows = 1024;
constexpr std::int64_t kChunkTokens = 4096;
constexpr std::int64_t kSplitsMax = 16;

/// C [m, n] = A [m, k] · B [k, n] with A(i, p) = a[i a_row + p a_column] and so on.
struct Product {
  std::int64_t m, n, k;
  const float* a;
  std::int64_t a_row, a_column;
  const float* b;
  std::int64_t b_row, b_column;
};

/// The 4 x 4 numbers of a thread: rows row + i, columns column + kLane j.
struct ThreadTile {
  std::int64_t row, column;
  float sum[kPerThread][kPerThread];
};

__device__ int thread_index() { return static_cast<int>(threadIdx.x); }

/// One operand seen as [count, depth]: element (i, p) = from[i stride + p depth_stride].
struct Operand {
  const float* from;
  std::int64_t count, stride, depth, depth_stride;
};

/// Copies a slice of 64 x 16 into shared memory; neighbouring threads read neighbouring
/// addresses whichever of the two strides is 1. Outside of the matrix stands 0.
__device__ void load_slice(const Operand& operand, std::int64_t first, std::int64_t depth,
                           float (&slice)[kDepth][kPadded]) {
  for (int index = thread_index(); index < kTile * kDepth; index += kThreads) {
    const bool deep = operand.depth_stride == 1;
    const int p = deep ? index % kDepth : index / kTile;
    const int i = deep ? index / kDepth : index % kTile;
    const bool inside = first + i < operand.count && depth + p < operand.depth;
    slice[p][i] = inside ? operand.from[(first + i) * operand.stride +
                                        (depth + p) * operand.depth_stride]
                         : 0.0F;
  }
}

/// The tile of `product` that begins at (row, column), left in the registers of the threads.
__device__ ThreadTile multiply_tile(const Product& product, std::int64_t row,
                                    std::int64_t column) {
  __shared__ float a[kDepth][kPadded];
  __shared__ float b[kDepth][kPadded];
  const int own_row = thread_index() / kLane * kPerThread;
  const int own_column = thread_index() % kLane;
  ThreadTile tile{row + own_row, column + own_column, {}};
  const Operand left{product.a, product.m, product.a_row, product.k, product.a_column};
  const Operand right{product.b, product.n, product.b_column, product.k, product.b_row};
  for (std::int64_t depth = 0; depth < product.k; depth += kDepth) {
    load_slice(left, row, depth, a);
    load_slice(right, column, depth, b);
    __syncthreads();
    for (int p = 0; p < kDepth; ++p) {
      for (int i = 0; i < kPerThread; ++i) {
        for (int j = 0; j < kPerThread; ++j) {
          tile.sum[i][j] += a[p][own_row + i] * b[p][own_column + kLane * j];
        }
      }
    }
    __syncthreads();
  }
  return tile;
}

/// C = product or C += product, a block per tile.
__global__ void multiply(Product product, float* c, std::int64_t c_row, bool accumulate) {
  const ThreadTile tile = multiply_tile(product, std::int64_t{blockIdx.x} * kTile,
                                        std::int64_t{blockIdx.y} * kTile);
  for (int i = 0; i < kPerThread; ++i) {
    for (int j = 0; j < kPerThread; ++j) {
      const std::int64_t row = tile.row + i;
      const std::int64_t column = tile.column + kLane * j;
      if (row < product.m && column < product.n) {
        float& target = c[row * c_row + column];
        target = accumulate ? target + tile.sum[i][j] : tile.sum[i][j];
      }
    }
  }
}

/// Logits of rows and tokens that begin at (row, token) as a product.
__host__ __device__ Product logits_product(const LinearLogProb& input, std::int64_t row,
                                           std::int64_t token) {
  return {input.rows - row, input.vocab - token, input.width,
          input.hidden + row * input.width, input.width, 1,
          input.weight + token * input.width, 1, input.width};
}

/// What the forward pass keeps between its two kernels: states [splits, rows] and the chosen
/// tokens' logits [rows].
struct ForwardScratch {
  DeviceSoftmax* states;
  float* chosen_logit;
  std::int64_t splits;
};

__global__ void softmax_of_product(LinearLogProb input, ForwardScratch scratch) {
  const std::int64_t first_row = std::int64_t{blockIdx.x} * kTile;
  const std::int64_t split = blockIdx.y;
  const std::int64_t tiles = (input.vocab + kTile - 1) / kTile;
  const Product product = logits_product(input, 0, 0);
  DeviceSoftmax state[kPerThread];
  for (int i = 0; i < kPerThread; ++i) {
    state[i] = empty_softmax();
  }
  for (std::int64_t index = split; index < tiles; index += scratch.splits) {
    const ThreadTile tile = multiply_tile(product, first_row, index * kTile);
    for (int i = 0; i < kPerThread; ++i) {
      const std::int64_t row = tile.row + i;
      for (int j = 0; j < kPerThread; ++j) {
        const std::int64_t token = tile.column + kLane * j;
        if (row < input.rows && token < input.vocab) {
          const float bias = input.bias == nullptr ? 0.0F : input.bias[token];
          const float z = (tile.sum[i][j] + bias) / input.temperature;
          add_logit(state[i], z);
          if (token == input.chosen[row]) {
            scratch.chosen_logit[row] = z;
          }
        }
      }
    }
  }
  for (int i = 0; i < kPerThread; ++i) {
    const std::int64_t row = first_row + thread_index() / kLane * kPerThread + i;
    const DeviceSoftmax merged = merge_lanes(state[i], kLane);
    if (thread_index() % kLane == 0 && row < input.rows) {
      scratch.states[split * input.rows + row] = merged;
    }
  }
}

__device__ void write_row(const DeviceSoftmax& state, float chosen_logit, std::int64_t row,
                          const LogProbOutput& output) {
  const bool defined = state.max > minus_infinity();
  const float log_sum = defined ? logf(state.sum) : nanf("");
  output.log_normalizer[row] = state.max + log_sum;
  output.log_prob[row] = (chosen_logit - state.max) - log_sum;
  output.entropy[row] = log_sum - state.weighted / state.sum;
}

__global__ void merge_splits(std::int64_t rows, ForwardScratch scratch, LogProbOutput output) {
  const std::int64_t row = std::int64_t{blockIdx.x} * kThreads + thread_index();
  if (row >= rows) {
    return;
  }
  DeviceSoftmax state = empty_softmax();
  for (std::int64_t split = 0; split < scratch.splits; ++split) {
    state = merge(state, scratch.states[split * rows + row]);
  }
  write_row(state, scratch.chosen_logit[row], row, output);
}

/// dz / T of one logit z (already divided by T).
__device__ float logit_gradient(const LogProbGradient& gradient, std::int64_t row, float z,
                                bool is_chosen) {
  const float g = gradient.d_log_prob[row];
  const float e = gradient.d_entropy[row];
  if (g == 0.0F && e == 0.0F) {
    return 0.0F;
  }
  const float rounded = z - gradient.log_normalizer[row];
  const float log_p = rounded > 0.0F ? 0.0F : rounded;
  const float p = expf(log_p);
  const float rest = p == 0.0F ? 0.0F : -p * (g + e * (log_p + gradient.entropy[row]));
  return is_chosen ? g + rest : rest;
}

/// A chunk of the batch that the backward pass has in scratch memory.
struct Chunk {
  std::int64_t row, token, rows, tokens;
  float* d_logits;  ///< [rows, tokens]
};

__global__ void gradient_of_product(LinearLogProb input, LogProbGradient gradient, Chunk chunk) {
  const Product product = logits_product(input, chunk.row, chunk.token);
  const ThreadTile tile = multiply_tile(product, std::int64_t{blockIdx.x} * kTile,
                                        std::int64_t{blockIdx.y} * kTile);
  for (int i = 0; i < kPerThread; ++i) {
    for (int j = 0; j < kPerThread; ++j) {
      const std::int64_t row = tile.row + i;
      const std::int64_t column = tile.column + kLane * j;
      if (row < chunk.rows && column < chunk.tokens) {
        const std::int64_t token = chunk.token + column;
        const float bias = input.bias == nullptr ? 0.0F : input.bias[token];
        const float z = (tile.sum[i][j] + bias) / input.temperature;
        const bool is_chosen = token == input.chosen[chunk.row + row];
        chunk.d_logits[row * chunk.tokens + column] =
            logit_gradient(gradient, chunk.row + row, z, is_chosen) / input.temperature;
      }
    }
  }
}

__global__ void add_column_sums(Chunk chunk, float* d_bias) {
  const std::int64_t column = std::int64_t{blockIdx.x} * kThreads + thread_index();
  if (column >= chunk.tokens) {
    return;
  }
  float sum = 0.0F;
  for (std::int64_t row = 0; row < chunk.rows; ++row) {
    sum += chunk.d_logits[row * chunk.tokens + column];
  }
  d_bias[chunk.token + column] += sum;
}

__global__ void softmax_of_row(LogitRows shape, const float* logits, LogProbOutput output) {
  __shared__ DeviceSoftmax warps[kThreads / 32];
  const std::int64_t row = blockIdx.x;
  const float* z = logits + row * shape.vocab;
  DeviceSoftmax state = empty_softmax();
  for (std::int64_t token = thread_index(); token < shape.vocab; token += kThreads) {
    add_logit(state, z[token] / shape.temperature);
  }
  state = merge_lanes(state, 32);
  if (thread_index() % 32 == 0) {
    warps[thread_index() / 32] = state;
  }
  __syncthreads();
  if (thread_index() == 0) {
    DeviceSoftmax all = warps[0];
    for (int warp = 1; warp < kThreads / 32; ++warp) {
      all = merge(all, warps[warp]);
    }
    write_row(all, z[shape.chosen[row]] / shape.temperature, row, output);
  }
}

__global__ void gradient_of_row(LogitRows shape, LogProbGradient gradient, float* logits) {
  const std::int64_t row = blockIdx.x;
  float* z = logits + row * shape.vocab;
  for (std::int64_t token = thread_index(); token < shape.vocab; token += kThreads) {
    const bool is_chosen = token == shape.chosen[row];
    const float scaled = z[token] / shape.temperature;
    z[token] = logit_gradient(gradient, row, scaled, is_chosen) / shape.temperature;
  }
}

std::int64_t at_most(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

unsigned int blocks(std::int64_t n, std::int64_t per_block) {
  return static_cast<unsigned int>((n + per_block - 1) / per_block);
}

std::int64_t split_count(std::int64_t vocab) { return at_most(blocks(vocab, kTile), kSplitsMax); }

int backward_chunk(const LinearLogProb& input, const LogProbGradient& gradient,
                   const LinearLogProbInputGradient& result, const Chunk& chunk, void* stream) {
  int error = launch(gradient_of_product,
                     {blocks(chunk.rows, kTile), blocks(chunk.tokens, kTile), kThreads}, stream,
                     input, gradient, chunk);
  if (error == 0 && result.d_hidden != nullptr) {
    const Product product{chunk.rows, input.width, chunk.tokens, chunk.d_logits, chunk.tokens, 1,
                          input.weight + chunk.token * input.width, input.width, 1};
    error = launch(multiply, {blocks(chunk.rows, kTile), blocks(input.width, kTile), kThreads},
                   stream, product, result.d_hidden + chunk.row * input.width, input.width,
                   chunk.token > 0);
  }
  if (error == 0 && result.d_weight != nullptr) {
    const Product product{chunk.tokens, input.width, chunk.rows, chunk.d_logits, 1, chunk.tokens,
                          input.hidden + chunk.row * input.width, input.width, 1};
    error = launch(multiply, {blocks(chunk.tokens, kTile), blocks(input.width, kTile), kThreads},
                   stream, product, result.d_weight + chunk.token * input.width, input.width,
                   true);
  }
  if (error == 0 && result.d_bias != nullptr) {
    error = launch(add_column_sums, {blocks(chunk.tokens, kThreads), 1, kThreads}, stream, chunk,
                   result.d_bias);
  }
  return error;
}

}  // namespace

std::int64_t linear_log_prob_workspace_bytes(std::int64_t rows, std::int64_t vocab) {
  const std::int64_t state = static_cast<std::int64_t>(sizeof(DeviceSoftmax));
  const std::int64_t number = static_cast<std::int64_t>(sizeof(float));
  const std::int64_t forward = rows * (split_count(vocab) * state + number);
  const std::int64_t backward = at_most(rows, kChunkRows) * at_most(vocab, kChunkTokens) * number;
  return forward > backward ? forward : backward;
}

int linear_log_prob_forward(const LinearLogProb& input, const LogProbOutput& output,
                            void* workspace, void* stream) {
  if (input.rows == 0) {
    return 0;
  }
  ForwardScratch scratch{static_cast<DeviceSoftmax*>(workspace), nullptr,
                         split_count(input.vocab)};
  scratch.chosen_logit = reinterpret_cast<float*>(scratch.states + scratch.splits * input.rows);
  const int error = launch(
      softmax_of_product,
      {blocks(input.rows, kTile), static_cast<unsigned int>(scratch.splits), kThreads}, stream,
      input, scratch);
  if (error != 0) {
    return error;
  }
  return launch(merge_splits, {blocks(input.rows, kThreads), 1, kThreads}, stream, input.rows,
                scratch, output);
}

int linear_log_prob_backward(const LinearLogProb& input, const LogProbGradient& gradient,
                             const LinearLogProbInputGradient& result, void* workspace,
                             void* stream) {
  for (std::int64_t row = 0; row < input.rows; row += kChunkRows) {
    for (std::int64_t token = 0; token < input.vocab; token += kChunkTokens) {
      const Chunk chunk{row, token, at_most(kChunkRows, input.rows - row),
                        at_most(kChunkTokens, input.vocab - token),
                        static_cast<float*>(workspace)};
      const int error = backward_chunk(input, gradient, result, chunk, stream);
      if (error != 0) {
        return error;
      }
    }
  }
  return 0;
}

int log_prob_from_logits_forward(const LogitRows& shape, const float* logits,
                                 const LogProbOutput& output, void* stream) {
  if (shape.rows == 0) {
    return 0;
  }
  return launch(softmax_of_row, {static_cast<unsigned int>(shape.rows), 1, kThreads}, stream,
                shape, logits, output);
}

int log_prob_from_logits_backward(const LogitRows& shape, const LogProbGradient& gradient,
                                  float* logits_to_gradient, void* stream) {
  if (shape.rows == 0) {
    return 0;
  }
  return launch(gradient_of_row, {static_cast<unsigned int>(shape.rows), 1, kThreads}, stream,
                shape, gradient, logits_to_gradient);
}

}  // namespace turnhalle::kernels::cuda
