// Log-probability and entropy in float32, without the logits of the batch in memory.
//
// The ideas, in order:
//   1. The vocabulary is cut into at most kShards shards. Forward, a task is a panel of rows and
//      a shard; it leaves three numbers per row (SoftmaxState), merged in the order of shards.
//   2. Inside a task the logits exist for kTileRows rows and kBlock tokens at a time, in the
//      cache. The block of the weight is packed once and serves all rows of the panel.
//   3. Backward, a task is a shard. It computes its tiles of logits again, turns them into
//      gradients in place, and adds them to its own rows of d_weight and to its own copy of
//      d_hidden; the copies are added in the order of shards. No two tasks write the same
//      number, and nothing depends on who runs which task.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/check.h"
#include "kernels/kernels.h"
#include "kernels/vector_ops.h"

namespace turnhalle::kernels {
namespace {

constexpr std::int64_t kTileRows = 96;     // a multiple of the rows that a Gemm keeps (4, 6, 12)
constexpr std::int64_t kBlock = 64;        // tokens; a multiple of every tile_columns
constexpr std::int64_t kPanelRows = 1152;  // rows that share a packed block
constexpr std::int64_t kShards = 8;        // also the parallelism of the backward pass

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }
std::int64_t ceil_divide(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Half-open interval of rows or tokens.
struct Range {
  std::int64_t begin, end;
  std::int64_t count() const { return end - begin; }
};

/// How the vocabulary is cut: a function of the shape alone.
struct Shards {
  explicit Shards(std::int64_t vocabulary) : vocab(vocabulary) {
    const std::int64_t blocks = ceil_divide(vocab, kBlock);
    tokens = ceil_divide(blocks, std::min(blocks, kShards)) * kBlock;
    count = ceil_divide(vocab, tokens);
  }
  Range range(std::int64_t shard) const {
    return {shard * tokens, std::min(vocab, (shard + 1) * tokens)};
  }
  std::int64_t vocab, tokens = 0, count = 0;
};

/// The logits of one tile of rows and one block of tokens, before the temperature.
class LogitTile {
 public:
  LogitTile(const LinearLogProb& input, const VectorOps& ops)
      : input_(input), ops_(ops), packed_(size(kBlock * input.width)),
        logits_(size(kTileRows * kBlock)) {}

  /// Packs the block of the weight that the next tiles multiply by.
  void set_block(Range tokens) {
    tokens_ = tokens;
    pack_transposed(input_.weight + tokens.begin * input_.width, tokens.count(), input_.width,
                    ops_.tile_columns, packed_.data());
  }

  void compute(Range rows) {
    ops_.gemm({.m = rows.count(), .n = tokens_.count(), .k = input_.width,
               .a = input_.hidden + rows.begin * input_.width, .a_row = input_.width,
               .a_column = 1, .b = packed_.data(), .b_row = ops_.tile_columns,
               .b_tile = ops_.tile_columns * input_.width, .c = logits_.data(),
               .c_row = kBlock, .accumulate = false});
    if (input_.bias == nullptr) {
      return;
    }
    for (std::int64_t i = 0; i < rows.count(); ++i) {
      ops_.scale_add(row(i), 1.0F, input_.bias + tokens_.begin, 1.0F, tokens_.count());
    }
  }

  float* row(std::int64_t i) { return logits_.data() + i * kBlock; }
  Range tokens() const { return tokens_; }

 private:
  const LinearLogProb& input_;
  const VectorOps& ops_;
  std::vector<float> packed_, logits_;
  Range tokens_{0, 0};
};

template <class Visit>
void for_each_part(Range all, std::int64_t part, const Visit& visit) {
  for (std::int64_t begin = all.begin; begin < all.end; begin += part) {
    visit(Range{begin, std::min(all.end, begin + part)});
  }
}

void check_input(const LinearLogProb& input) {
  check(input.rows >= 0 && input.width > 0 && input.vocab > 0, "the shape is positive",
        input.rows, input.width, input.vocab);
  check(input.temperature > 0.0F, "the temperature is positive", input.temperature);
  for (std::int64_t row = 0; row < input.rows; ++row) {
    check(input.chosen[row] >= 0 && input.chosen[row] < input.vocab,
          "the chosen token is in the vocabulary", row, input.chosen[row], input.vocab);
  }
}

GradientRow gradient_of(const LogProbGradient& gradient, std::int64_t row, float scale) {
  return {.scale = scale, .log_normalizer = gradient.log_normalizer[row],
          .entropy = gradient.entropy[row], .d_log_prob = gradient.d_log_prob[row],
          .d_entropy = gradient.d_entropy[row]};
}

void write(const SoftmaxState& state, double chosen_logit, std::int64_t row,
           const LogProbOutput& output) {
  const double log_normalizer = softmax_log_normalizer(state);
  // Relative to max both terms are small, so that a large logit costs no digits.
  const double above = chosen_logit - static_cast<double>(state.max);
  const double log_prob = std::isnan(log_normalizer) ? log_normalizer
                                                     : above - std::log(state.sum);
  output.log_prob[row] = static_cast<float>(log_prob);
  output.entropy[row] = static_cast<float>(softmax_entropy(state));
  output.log_normalizer[row] = static_cast<float>(log_normalizer);
}

/// What the tasks of a forward pass leave.
struct ForwardParts {
  std::int64_t shards;
  std::vector<SoftmaxState> states;  // [rows, shards]
  std::vector<float> chosen_logit;   // [rows]
};

void forward_task(const LinearLogProb& input, const VectorOps& ops, Range rows,
                  std::int64_t shard, ForwardParts& parts) {
  const float scale = 1.0F / input.temperature;
  LogitTile tile(input, ops);
  for_each_part(Shards(input.vocab).range(shard), kBlock, [&](Range tokens) {
    tile.set_block(tokens);
    for_each_part(rows, kTileRows, [&](Range part) {
      tile.compute(part);
      for (std::int64_t row = part.begin; row < part.end; ++row) {
        const float* z = tile.row(row - part.begin);
        ops.softmax_add(z, tokens.count(), scale, parts.states[size(row * parts.shards + shard)]);
        const std::int64_t chosen = input.chosen[row];
        if (chosen >= tokens.begin && chosen < tokens.end) {
          parts.chosen_logit[size(row)] = z[chosen - tokens.begin] * scale;
        }
      }
    });
  });
}

/// Turns a tile of logits into gradients with respect to h · w + b.
void differentiate(const LinearLogProb& input, const VectorOps& ops,
                   const LogProbGradient& gradient, Range rows, LogitTile& tile) {
  const float scale = 1.0F / input.temperature;
  const Range tokens = tile.tokens();
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    float* z = tile.row(row - rows.begin);
    const GradientRow parameters = gradient_of(gradient, row, scale);
    if (parameters.d_log_prob == 0.0F && parameters.d_entropy == 0.0F) {
      std::fill(z, z + tokens.count(), 0.0F);
      continue;
    }
    ops.gradient_row(z, tokens.count(), parameters);
    const std::int64_t chosen = input.chosen[row];
    if (chosen >= tokens.begin && chosen < tokens.end) {
      z[chosen - tokens.begin] += parameters.d_log_prob * scale;
    }
  }
}

/// One shard of a backward pass over a panel of rows.
struct BackwardTask {
  const LinearLogProb& input;
  const VectorOps& ops;
  const LogProbGradient& gradient;
  const LinearLogProbInputGradient& result;
  Range panel, shard;
  float* d_hidden;  ///< this shard's part [panel rows, width], zero at the start; or null
};

void add_tile(const BackwardTask& task, Range rows, LogitTile& tile) {
  const std::int64_t width = task.input.width;
  const std::int64_t columns = task.ops.tile_columns;
  const Range tokens = tile.tokens();
  if (task.d_hidden != nullptr) {
    task.ops.gemm({.m = rows.count(), .n = width, .k = tokens.count(), .a = tile.row(0),
                   .a_row = kBlock, .a_column = 1,
                   .b = task.input.weight + tokens.begin * width, .b_row = width,
                   .b_tile = columns, .c = task.d_hidden + (rows.begin - task.panel.begin) * width,
                   .c_row = width, .accumulate = true});
  }
  if (task.result.d_weight != nullptr) {
    task.ops.gemm({.m = tokens.count(), .n = width, .k = rows.count(), .a = tile.row(0),
                   .a_row = 1, .a_column = kBlock, .b = task.input.hidden + rows.begin * width,
                   .b_row = width, .b_tile = columns,
                   .c = task.result.d_weight + tokens.begin * width, .c_row = width,
                   .accumulate = true});
  }
  for (std::int64_t i = 0; i < rows.count() && task.result.d_bias != nullptr; ++i) {
    task.ops.scale_add(task.result.d_bias + tokens.begin, 1.0F, tile.row(i), 1.0F,
                       tokens.count());
  }
}

void run_backward(const BackwardTask& task) {
  LogitTile tile(task.input, task.ops);
  for_each_part(task.shard, kBlock, [&](Range tokens) {
    tile.set_block(tokens);
    for_each_part(task.panel, kTileRows, [&](Range rows) {
      tile.compute(rows);
      differentiate(task.input, task.ops, task.gradient, rows, tile);
      add_tile(task, rows, tile);
    });
  });
}

/// Adds the shards' parts [shards, panel rows, width] in order into d_hidden.
void reduce_parts(const std::vector<float>& parts, std::int64_t shards, std::int64_t numbers,
                  float* d_hidden) {
  std::copy(parts.begin(), parts.begin() + numbers, d_hidden);
  for (std::int64_t shard = 1; shard < shards; ++shard) {
    const float* part = parts.data() + shard * numbers;
    for (std::int64_t i = 0; i < numbers; ++i) {
      d_hidden[i] += part[i];
    }
  }
}

}  // namespace

void linear_log_prob_forward(const LinearLogProb& input, const LogProbOutput& output,
                             const CpuRun& run) {
  check_input(input);
  const VectorOps& ops = vector_ops(run.isa);
  const Shards shards(input.vocab);
  ForwardParts parts{shards.count, std::vector<SoftmaxState>(size(input.rows * shards.count)),
                     std::vector<float>(size(input.rows))};
  const std::int64_t panels = ceil_divide(input.rows, kPanelRows);
  run_tasks(run, panels * shards.count, [&](std::int64_t task) {
    const std::int64_t first = task / shards.count * kPanelRows;
    const Range rows{first, std::min(input.rows, first + kPanelRows)};
    forward_task(input, ops, rows, task % shards.count, parts);
  });
  for (std::int64_t row = 0; row < input.rows; ++row) {
    SoftmaxState state;
    for (std::int64_t shard = 0; shard < shards.count; ++shard) {
      softmax_merge(parts.states[size(row * shards.count + shard)], state);
    }
    write(state, static_cast<double>(parts.chosen_logit[size(row)]), row, output);
  }
}

void linear_log_prob_backward(const LinearLogProb& input, const LogProbGradient& gradient,
                              const LinearLogProbInputGradient& result, const CpuRun& run) {
  check_input(input);
  const VectorOps& ops = vector_ops(run.isa);
  const Shards shards(input.vocab);
  std::vector<float> parts;
  for_each_part({0, input.rows}, kPanelRows, [&](Range panel) {
    const std::int64_t numbers = panel.count() * input.width;
    if (result.d_hidden != nullptr) {
      parts.assign(size(shards.count * numbers), 0.0F);
    }
    run_tasks(run, shards.count, [&](std::int64_t shard) {
      float* part = result.d_hidden == nullptr ? nullptr : parts.data() + shard * numbers;
      run_backward({input, ops, gradient, result, panel, shards.range(shard), part});
    });
    if (result.d_hidden != nullptr) {
      reduce_parts(parts, shards.count, numbers, result.d_hidden + panel.begin * input.width);
    }
  });
}

namespace {

constexpr std::int64_t kRowsPerTask = 16;

void check_rows(const LogitRows& shape) {
  check(shape.rows >= 0 && shape.vocab > 0, "the shape is positive", shape.rows, shape.vocab);
  check(shape.temperature > 0.0F, "the temperature is positive", shape.temperature);
}

/// Calls visit(row) for all rows, several to a task.
template <class Visit>
void for_each_row(const LogitRows& shape, const CpuRun& run, const Visit& visit) {
  run_tasks(run, ceil_divide(shape.rows, kRowsPerTask), [&](std::int64_t task) {
    const std::int64_t end = std::min(shape.rows, (task + 1) * kRowsPerTask);
    for (std::int64_t row = task * kRowsPerTask; row < end; ++row) {
      check(shape.chosen[row] >= 0 && shape.chosen[row] < shape.vocab,
            "the chosen token is in the vocabulary", row, shape.chosen[row], shape.vocab);
      visit(row);
    }
  });
}

}  // namespace

void log_prob_from_logits_forward(const LogitRows& shape, const float* logits,
                                  const LogProbOutput& output, const CpuRun& run) {
  check_rows(shape);
  const VectorOps& ops = vector_ops(run.isa);
  const float scale = 1.0F / shape.temperature;
  for_each_row(shape, run, [&](std::int64_t row) {
    const float* z = logits + row * shape.vocab;
    SoftmaxState state;
    // Parts that stay in the nearest cache between the search of the maximum and the sums.
    for_each_part({0, shape.vocab}, 2048, [&](Range part) {
      ops.softmax_add(z + part.begin, part.count(), scale, state);
    });
    write(state, static_cast<double>(z[shape.chosen[row]] * scale), row, output);
  });
}

void log_prob_from_logits_backward(const LogitRows& shape, const LogProbGradient& gradient,
                                   float* logits_to_gradient, const CpuRun& run) {
  check_rows(shape);
  const VectorOps& ops = vector_ops(run.isa);
  const float scale = 1.0F / shape.temperature;
  for_each_row(shape, run, [&](std::int64_t row) {
    float* z = logits_to_gradient + row * shape.vocab;
    const GradientRow parameters = gradient_of(gradient, row, scale);
    if (parameters.d_log_prob == 0.0F && parameters.d_entropy == 0.0F) {
      std::fill(z, z + shape.vocab, 0.0F);
      return;
    }
    ops.gradient_row(z, shape.vocab, parameters);
    z[shape.chosen[row]] += parameters.d_log_prob * scale;
  });
}

}  // namespace turnhalle::kernels
