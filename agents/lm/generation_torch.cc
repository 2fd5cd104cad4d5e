#include "agents/lm/generation_torch.h"

#include <ATen/Parallel.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/linear.h>

#include <algorithm>
#include <cstring>

#include "core/check.h"

namespace turnhalle::lm {
namespace {

/// Below this size of all weights, threads share out the conversations instead of each product:
/// the weights stay in every core's cache and the threads meet once per forward.
constexpr std::int64_t kSmallModelBytes = std::int64_t{4} << 20;
/// From this many rows on, a product is shared out by rows instead of by columns.
constexpr std::int64_t kManyRows = 192;

/// Multiplications that are worth waking another thread for.
constexpr std::int64_t kWorthAThread = 50'000;

// How many pieces of `work` multiplications each one thread should take at least.
std::int64_t grain_of(std::int64_t work) {
  return std::max<std::int64_t>(1, kWorthAThread / std::max<std::int64_t>(1, work));
}

std::vector<float> copy_floats(const at::Tensor& tensor) {
  if (!tensor.defined()) {
    return {};
  }
  const at::Tensor values = tensor.detach().to(at::kFloat).contiguous();
  const float* data = values.const_data_ptr<float>();
  return {data, data + values.numel()};
}

std::int64_t bytes_of(const PackedMatrix& matrix) {
  return static_cast<std::int64_t>(matrix.data.size() * sizeof(float));
}

std::size_t floats(std::int64_t rows, std::int64_t width) {
  return static_cast<std::size_t>(rows * width);
}

const float* or_null(const std::vector<float>& values) {
  return values.empty() ? nullptr : values.data();
}

class CpuGeneration final : public GenerationModel {
 public:
  CpuGeneration(std::shared_ptr<const Transformer> model, Precision precision,
                std::int64_t positions);
  void refresh() override;
  void forward(std::span<const NewTokens> items, std::int64_t logit_rows,
               std::vector<float>& logits) override;
  PageMemory& pages() override { return pages_; }
  const ModelConfig& config() const override { return model_->config(); }

 private:
  struct Matrix {
    PackedMatrix packed;  ///< float32
    at::Tensor half;      ///< bfloat16 [rows, columns]
  };
  struct Layer {
    Matrix qkv, output, gate_up, down;
    std::vector<float> qkv_bias, output_bias, input_norm, post_norm, q_norm, k_norm;
  };
  struct Product {
    const float* a;
    const Matrix* matrix;
    const std::vector<float>* bias = nullptr;
    float* out;
    bool accumulate = false;
  };
  static std::int64_t page_floats(const ModelConfig& config);
  Matrix prepare(const at::Tensor& weight) const;
  void multiply(const Product& product, Range rows) const;
  void multiply_half(const Product& product, Range rows) const;
  void norm(const std::vector<float>& weight, Range rows);
  void embed(std::span<const NewTokens> items, Range range);
  void run_items(std::span<const NewTokens> items, Range range, float* logits);
  void attention(const Layer& layer, std::size_t index, std::span<const NewTokens> items,
                 Range range);
  void reserve(std::int64_t tokens);
  void find_addresses(std::span<const NewTokens> items);

  std::shared_ptr<const Transformer> model_;
  Precision precision_;
  HostPages pages_;
  RotaryTable rotary_;
  std::vector<Layer> layers_;
  std::vector<float> final_norm_;
  Matrix head_;
  std::int64_t weight_bytes_ = 0;
  // One row per token of the forward.
  std::vector<float> stream_, normed_, qkv_, mixed_, gate_up_, inner_;
  std::vector<std::int64_t> first_row_;  ///< of each item
  std::vector<float*> addresses_;        ///< of the pages of all items
  std::vector<std::size_t> first_page_;  ///< of each item, in addresses_
};

CpuGeneration::CpuGeneration(std::shared_ptr<const Transformer> model, Precision precision,
                             std::int64_t positions)
    : model_(std::move(model)),
      precision_(precision),
      pages_(page_floats(model_->config())),
      rotary_(rotary_table(model_->config(), positions)) {
  refresh();
}

CpuGeneration::Matrix CpuGeneration::prepare(const at::Tensor& weight) const {
  Matrix matrix;
  const at::Tensor values = weight.detach().to(at::kFloat).contiguous();
  if (precision_ == Precision::bfloat16) {
    matrix.half = values.to(at::kBFloat16);
  } else {
    matrix.packed = pack_matrix(values.const_data_ptr<float>(), values.size(0), values.size(1));
  }
  return matrix;
}

void CpuGeneration::refresh() {
  const auto& layers = model_->layers();
  layers_.resize(layers.size());
  at::parallel_for(0, static_cast<std::int64_t>(layers.size()), 1, [&](auto begin, auto end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      const Transformer::Layer& from = layers[i];
      Layer& to = layers_[i];
      to.qkv = prepare(from.qkv);
      to.output = prepare(from.output);
      to.gate_up = prepare(from.gate_up);
      to.down = prepare(from.down);
      to.qkv_bias = copy_floats(from.qkv_bias);
      to.output_bias = copy_floats(from.output_bias);
      to.input_norm = copy_floats(from.input_norm);
      to.post_norm = copy_floats(from.post_attention_norm);
      to.q_norm = copy_floats(from.q_norm);
      to.k_norm = copy_floats(from.k_norm);
    }
  });
  final_norm_ = copy_floats(model_->final_norm());
  head_ = prepare(model_->head_weight());
  weight_bytes_ = bytes_of(head_.packed);
  for (const Layer& layer : layers_) {
    weight_bytes_ += bytes_of(layer.qkv.packed) + bytes_of(layer.output.packed) +
                     bytes_of(layer.gate_up.packed) + bytes_of(layer.down.packed);
  }
}

std::int64_t CpuGeneration::page_floats(const ModelConfig& config) {
  PagedAttention layer;
  layer.kv_heads = config.num_key_value_heads;
  layer.head_dim = config.head_dim;
  return layer.page_floats() * config.num_hidden_layers;
}

void CpuGeneration::find_addresses(std::span<const NewTokens> items) {
  addresses_.clear();
  first_page_.clear();
  for (const NewTokens& item : items) {
    first_page_.push_back(addresses_.size());
    const std::int64_t count = round_up_to_tile(item.position + item.count) / kTile;
    for (std::int64_t i = 0; i < count; ++i) {
      addresses_.push_back(pages_.address(item.pages[i]));
    }
  }
}

void CpuGeneration::reserve(std::int64_t tokens) {
  const ModelConfig& c = config();
  stream_.resize(std::max(stream_.size(), floats(tokens, c.hidden_size)));
  normed_.resize(std::max(normed_.size(), floats(tokens, c.hidden_size)));
  qkv_.resize(std::max(qkv_.size(), floats(tokens, c.qkv_width())));
  mixed_.resize(std::max(mixed_.size(), floats(tokens, c.query_width())));
  gate_up_.resize(std::max(gate_up_.size(), floats(tokens, 2 * c.intermediate_size)));
  inner_.resize(std::max(inner_.size(), floats(tokens, c.intermediate_size)));
}

void CpuGeneration::multiply(const Product& product, Range rows) const {
  if (precision_ == Precision::bfloat16) {
    return multiply_half(product, rows);
  }
  Multiply m;
  m.a = product.a;
  m.matrix = &product.matrix->packed;
  m.bias = product.bias == nullptr ? nullptr : or_null(*product.bias);
  m.out = product.out;
  m.accumulate = product.accumulate;
  const GenerationKernels& kernels = generation_kernels();
  const std::int64_t panels = m.matrix->panels();
  const std::int64_t count = rows.end - rows.begin;
  if (count >= kManyRows) {
    at::parallel_for(rows.begin, rows.end, kManyRows / 2, [&](auto begin, auto end) {
      kernels.multiply(m, {begin, end}, {0, panels});
    });
  } else {
    const std::int64_t grain = grain_of(count * m.matrix->columns * kTile);
    at::parallel_for(0, panels, grain, [&](auto begin, auto end) {
      kernels.multiply(m, rows, {begin, end});
    });
  }
}

void CpuGeneration::multiply_half(const Product& product, Range rows) const {
  const at::Tensor& weight = product.matrix->half;
  const std::int64_t count = rows.end - rows.begin;
  const at::Tensor a = at::from_blob(const_cast<float*>(product.a) + rows.begin * weight.size(1),
                                     {count, weight.size(1)}, at::kFloat);
  at::Tensor out =
      at::from_blob(product.out + rows.begin * weight.size(0), {count, weight.size(0)}, at::kFloat);
  at::Tensor result = at::linear(a.to(at::kBFloat16), weight).to(at::kFloat);
  if (product.bias != nullptr && !product.bias->empty()) {
    result.add_(
        at::from_blob(const_cast<float*>(product.bias->data()), {weight.size(0)}, at::kFloat));
  }
  if (product.accumulate) {
    out.add_(result);
  } else {
    out.copy_(result);
  }
}

void CpuGeneration::norm(const std::vector<float>& weight, Range rows) {
  AddNorm<float> a;
  a.x = stream_.data();
  a.weight = weight.data();
  a.y = normed_.data();
  a.width = config().hidden_size;
  a.eps = config().rms_norm_eps;
  at::parallel_for(rows.begin, rows.end, grain_of(4 * a.width), [&](auto begin, auto end) {
    training_kernels<float>().add_norm(a, {begin, end});
  });
}

void CpuGeneration::embed(std::span<const NewTokens> items, Range range) {
  const std::int64_t width = config().hidden_size;
  const float* table = model_->embedding().const_data_ptr<float>();
  for (auto i = range.begin; i < range.end; ++i) {
    const NewTokens& item = items[static_cast<std::size_t>(i)];
    float* row = stream_.data() + first_row_[static_cast<std::size_t>(i)] * width;
    for (std::int64_t t = 0; t < item.count; ++t) {
      std::copy_n(table + item.tokens[t] * width, width, row + t * width);
    }
  }
}

void CpuGeneration::attention(const Layer& layer, std::size_t index,
                              std::span<const NewTokens> items, Range range) {
  const ModelConfig& c = config();
  PagedAttention p;
  p.qkv = qkv_.data();
  p.cos = rotary_.cos.data();
  p.sin = rotary_.sin.data();
  p.q_norm = or_null(layer.q_norm);
  p.k_norm = or_null(layer.k_norm);
  p.eps = c.rms_norm_eps;
  p.heads = c.num_attention_heads;
  p.kv_heads = c.num_key_value_heads;
  p.head_dim = c.head_dim;
  p.out = mixed_.data();
  const auto chunk_of = [&](std::int64_t i) {
    const NewTokens& item = items[static_cast<std::size_t>(i)];
    return TokenChunk{first_row_[static_cast<std::size_t>(i)], item.count, item.position,
                      addresses_.data() + first_page_[static_cast<std::size_t>(i)],
                      static_cast<std::int64_t>(index) * p.page_floats()};
  };
  const GenerationKernels& kernels = generation_kernels();
  // On average over the items: new tokens, and how much a query sees.
  std::int64_t tokens = 0;
  std::int64_t seen = 0;
  for (auto i = range.begin; i < range.end; ++i) {
    const NewTokens& item = items[static_cast<std::size_t>(i)];
    tokens += item.count;
    seen += item.count * (item.position + item.count);
  }
  const std::int64_t count = range.end - range.begin;
  const std::int64_t store_grain = grain_of(4 * tokens * c.qkv_width() / count);
  at::parallel_for(range.begin, range.end, store_grain, [&](auto begin, auto end) {
    for (auto i = begin; i < end; ++i) {
      kernels.store_keys(p, chunk_of(i));
    }
  });
  const std::int64_t grain = grain_of(2 * seen * c.query_width() / (count * p.kv_heads));
  const Range tasks{range.begin * p.kv_heads, range.end * p.kv_heads};
  at::parallel_for(tasks.begin, tasks.end, grain, [&](auto begin, auto end) {
    thread_local std::vector<float> scratch;
    for (auto task = begin; task < end; ++task) {
      kernels.attend(p, chunk_of(task / p.kv_heads), task % p.kv_heads, scratch);
    }
  });
}

// The whole forward for some of the items. Inside a parallel region it runs on one thread.
void CpuGeneration::run_items(std::span<const NewTokens> items, Range range, float* logits) {
  if (range.begin == range.end) {
    return;
  }
  const Range rows{first_row_[static_cast<std::size_t>(range.begin)],
                   first_row_[static_cast<std::size_t>(range.end)]};
  embed(items, range);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    norm(layer.input_norm, rows);
    multiply({normed_.data(), &layer.qkv, &layer.qkv_bias, qkv_.data()}, rows);
    attention(layer, i, items, range);
    multiply({mixed_.data(), &layer.output, &layer.output_bias, stream_.data(), true}, rows);
    norm(layer.post_norm, rows);
    multiply({normed_.data(), &layer.gate_up, nullptr, gate_up_.data()}, rows);
    SwiGlu<float> gate;
    gate.gate_up = gate_up_.data();
    gate.out = inner_.data();
    gate.width = config().intermediate_size;
    at::parallel_for(rows.begin, rows.end, grain_of(16 * gate.width), [&](auto begin, auto end) {
      training_kernels<float>().swiglu(gate, {begin, end});
    });
    multiply({inner_.data(), &layer.down, nullptr, stream_.data(), true}, rows);
  }
  // Only last tokens need logits: their normed states are moved to the front of the rows.
  norm(final_norm_, rows);
  const std::int64_t width = config().hidden_size;
  std::int64_t wanted = 0;
  std::int64_t first_logits = -1;
  for (auto i = range.begin; i < range.end; ++i) {
    const NewTokens& item = items[static_cast<std::size_t>(i)];
    if (item.logits_row >= 0) {
      first_logits = first_logits < 0 ? item.logits_row : first_logits;
      const std::int64_t last = first_row_[static_cast<std::size_t>(i)] + item.count - 1;
      std::memmove(normed_.data() + (rows.begin + wanted) * width, normed_.data() + last * width,
                   static_cast<std::size_t>(width) * sizeof(float));
      ++wanted;
    }
  }
  if (wanted > 0) {
    multiply({normed_.data() + rows.begin * width, &head_, nullptr,
              logits + first_logits * config().vocab_size},
             {0, wanted});
  }
}

void CpuGeneration::forward(std::span<const NewTokens> items, std::int64_t logit_rows,
                            std::vector<float>& logits) {
  first_row_.assign(1, 0);
  std::int64_t next_logits = 0;
  for (const NewTokens& item : items) {
    check(item.count > 0, "a conversation in a forward has new tokens");
    check(item.logits_row < 0 || item.logits_row == next_logits++,
          "rows of logits are in the order of the items");
    first_row_.push_back(first_row_.back() + item.count);
  }
  const std::int64_t tokens = first_row_.back();
  reserve(tokens);
  find_addresses(items);
  logits.resize(std::max(logits.size(), floats(logit_rows, config().vocab_size)));
  const auto count = static_cast<std::int64_t>(items.size());
  const std::int64_t threads = at::get_num_threads();
  const bool by_conversation = precision_ == Precision::float32 && threads > 1 &&
                               weight_bytes_ <= kSmallModelBytes && count >= 2 * threads;
  if (!by_conversation) {
    return run_items(items, {0, count}, logits.data());
  }
  // Contiguous ranges of items with about equal numbers of tokens.
  const auto border = [&](std::int64_t thread) {
    const auto at = std::ranges::lower_bound(first_row_, tokens * thread / threads);
    return static_cast<std::int64_t>(at - first_row_.begin());
  };
  at::parallel_for(0, threads, 1, [&](auto begin, auto end) {
    for (auto thread = begin; thread < end; ++thread) {
      run_items(items, {border(thread), border(thread + 1)}, logits.data());
    }
  });
}

}  // namespace

std::unique_ptr<GenerationModel> make_cpu_generation(std::shared_ptr<const Transformer> model,
                                                     Precision precision, std::int64_t positions) {
  return std::make_unique<CpuGeneration>(std::move(model), precision, positions);
}

}  // namespace turnhalle::lm
