// Generation with tensor operators, for weights on any device.
//
// Keys and values of all pages lie in one tensor per kind, [layers, slots, kv_heads, head_dim],
// slot = page · kTile + position in the page. A forward gathers each conversation's slots into
// [conversations, length, …] and masks what lies beyond its end.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "agents/lm/generation_torch.h"
#include "agents/lm/operators_torch.h"

namespace turnhalle::lm {
namespace {

class DevicePages final : public PageMemory {
 public:
  DevicePages(const ModelConfig& config, at::Device device)
      : shape_{config.num_hidden_layers, 0, config.num_key_value_heads, config.head_dim},
        options_(at::TensorOptions().dtype(at::kFloat).device(device)) {
    keys = at::zeros(shape_, options_);
    values = at::zeros(shape_, options_);
  }

  PageIndex grow() override {
    constexpr std::int64_t kFirstPages = 256;
    std::vector<std::int64_t> more = shape_;
    more[1] = std::max(shape_[1], kFirstPages * kTile);
    keys = at::cat({keys, at::zeros(more, options_)}, 1);
    values = at::cat({values, at::zeros(more, options_)}, 1);
    shape_[1] += more[1];
    return static_cast<PageIndex>(shape_[1] / kTile);
  }
  void clear(PageIndex page) override {
    of(keys, page).zero_();
    of(values, page).zero_();
  }
  void copy(PageIndex from, PageIndex to) override {
    of(keys, to).copy_(of(keys, from));
    of(values, to).copy_(of(values, from));
  }

  at::Tensor keys, values;

 private:
  static at::Tensor of(const at::Tensor& all, PageIndex page) {
    return all.slice(1, page * kTile, (page + 1) * kTile);
  }
  std::vector<std::int64_t> shape_;
  at::TensorOptions options_;
};

/// Index tensors of one forward: n conversations with at most `count` new tokens each, `length`
/// positions at most, t new tokens in all.
struct Layout {
  std::int64_t n = 0, count = 0, length = 0;
  at::Tensor tokens;     ///< [t]
  at::Tensor positions;  ///< [t]
  at::Tensor written;    ///< [t]: slot of each new token
  at::Tensor read;       ///< [n · length]: slots, 0 beyond the end
  at::Tensor padded;     ///< [n · count]: rows of t, the first one beyond the end
  at::Tensor unpadded;   ///< [t]: rows of n · count
  at::Tensor mask;       ///< [n, 1, count, length]: whether a query sees a position
  at::Tensor last;       ///< [rows of logits]: rows of t
};

Layout lay_out(std::span<const NewTokens> items, at::Device device) {
  Layout layout;
  layout.n = static_cast<std::int64_t>(items.size());
  for (const NewTokens& item : items) {
    layout.count = std::max(layout.count, item.count);
    layout.length = std::max(layout.length, item.position + item.count);
  }
  std::vector<std::int64_t> tokens, positions, written, read, padded, unpadded, seen, last;
  for (const NewTokens& item : items) {
    const auto first = static_cast<std::int64_t>(tokens.size());
    const auto slot = [&](std::int64_t position) {
      return item.pages[position / kTile] * kTile + position % kTile;
    };
    const auto row = static_cast<std::int64_t>(padded.size());
    for (std::int64_t i = 0; i < layout.count; ++i) {
      const std::int64_t at = item.position + i;
      padded.push_back(i < item.count ? first + i : first);
      seen.push_back(i < item.count ? at : item.position);
      if (i >= item.count) continue;
      tokens.push_back(item.tokens[i]);
      positions.push_back(at);
      written.push_back(slot(at));
      unpadded.push_back(row + i);
    }
    for (std::int64_t at = 0; at < layout.length; ++at) {
      read.push_back(at < item.position + item.count ? slot(at) : 0);
    }
    if (item.logits_row >= 0) last.push_back(first + item.count - 1);
  }
  const auto there = [device](const std::vector<std::int64_t>& values) {
    return at::tensor(values, at::kLong).to(device);
  };
  layout.tokens = there(tokens);
  layout.positions = there(positions);
  layout.written = there(written);
  layout.read = there(read);
  layout.padded = there(padded);
  layout.unpadded = there(unpadded);
  layout.last = there(last);
  const at::Tensor all = at::arange(layout.length, layout.tokens.options());
  layout.mask = all.view({1, 1, 1, -1}) <= there(seen).view({layout.n, 1, layout.count, 1});
  return layout;
}

class DeviceGeneration final : public GenerationModel {
 public:
  DeviceGeneration(std::shared_ptr<const Transformer> model, Precision precision)
      : model_(std::move(model)),
        precision_(precision),
        pages_(model_->config(), model_->device()) {
    refresh();
  }

  // In float32 the weights are used where they are; rounded ones are kept.
  void refresh() override {
    layers_.clear();
    for (const Transformer::Layer& layer : model_->layers()) {
      Transformer::Layer mine = layer;
      for (at::Tensor* matrix : {&mine.qkv, &mine.output, &mine.gate_up, &mine.down}) {
        *matrix = rounded(*matrix);
      }
      layers_.push_back(std::move(mine));
    }
    head_ = rounded(model_->head_weight());
  }

  void forward(std::span<const NewTokens> items, std::int64_t logit_rows,
               std::vector<float>& logits) override;
  PageMemory& pages() override { return pages_; }
  const ModelConfig& config() const override { return model_->config(); }

 private:
  at::Tensor rounded(const at::Tensor& weight) const {
    return precision_ == Precision::bfloat16 ? weight.detach().to(at::kBFloat16) : weight.detach();
  }
  at::Tensor attention(const at::Tensor& normed, std::size_t index, const Layout& layout);

  std::shared_ptr<const Transformer> model_;
  Precision precision_;
  DevicePages pages_;
  std::vector<Transformer::Layer> layers_;
  at::Tensor head_;
};

at::Tensor DeviceGeneration::attention(const at::Tensor& normed, std::size_t index,
                                       const Layout& layout) {
  const Transformer::Layer& layer = layers_[index];
  const ModelConfig& c = config();
  const std::int64_t keys_end = c.num_attention_heads + c.num_key_value_heads;
  const at::Tensor rows =
      product(normed, layer.qkv, layer.qkv_bias, precision_).view({normed.size(0), -1, c.head_dim});
  at::Tensor q = rows.slice(1, 0, c.num_attention_heads);
  at::Tensor k = rows.slice(1, c.num_attention_heads, keys_end);
  if (layer.q_norm.defined()) {
    q = plain_norm(q, layer.q_norm, c.rms_norm_eps);
    k = plain_norm(k, layer.k_norm, c.rms_norm_eps);
  }
  const at::Tensor cos = model_->rotary_cos().index_select(0, layout.positions).unsqueeze(1);
  const at::Tensor sin = model_->rotary_sin().index_select(0, layout.positions).unsqueeze(1);
  const auto at_layer = static_cast<std::int64_t>(index);
  at::Tensor keys = pages_.keys.select(0, at_layer);
  at::Tensor values = pages_.values.select(0, at_layer);
  keys.index_copy_(0, layout.written, plain_rotate(k, cos, sin));
  values.index_copy_(0, layout.written, rows.slice(1, keys_end));
  // [conversations, heads, queries or positions, head_dim]
  const auto by_conversation = [&](const at::Tensor& flat, const at::Tensor& index_of) {
    return flat.index_select(0, index_of)
        .view({layout.n, -1, flat.size(1), c.head_dim})
        .transpose(1, 2);
  };
  const at::Tensor mixed = at::scaled_dot_product_attention(
      by_conversation(plain_rotate(q, cos, sin), layout.padded), by_conversation(keys, layout.read),
      by_conversation(values, layout.read), layout.mask, 0.0, false, std::nullopt, true);
  return mixed.transpose(1, 2)
      .reshape({layout.n * layout.count, c.query_width()})
      .index_select(0, layout.unpadded);
}

void DeviceGeneration::forward(std::span<const NewTokens> items, std::int64_t logit_rows,
                               std::vector<float>& logits) {
  const double eps = config().rms_norm_eps;
  const Layout layout = lay_out(items, model_->device());
  at::Tensor x = at::embedding(model_->embedding(), layout.tokens);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Transformer::Layer& layer = layers_[i];
    const at::Tensor mixed = attention(plain_norm(x, layer.input_norm, eps), i, layout);
    x = x + product(mixed, layer.output, layer.output_bias, precision_);
    const at::Tensor normed = plain_norm(x, layer.post_attention_norm, eps);
    const at::Tensor inner = plain_swiglu(product(normed, layer.gate_up, at::Tensor(), precision_));
    x = x + product(inner, layer.down, at::Tensor(), precision_);
  }
  const auto count = static_cast<std::size_t>(logit_rows * config().vocab_size);
  logits.resize(std::max(logits.size(), count));
  if (logit_rows == 0) {
    return;
  }
  const at::Tensor last = plain_norm(x.index_select(0, layout.last), model_->final_norm(), eps);
  const at::Tensor host =
      product(last, head_, at::Tensor(), precision_).to(at::kCPU, at::kFloat).contiguous();
  std::memcpy(logits.data(), host.const_data_ptr<float>(), count * sizeof(float));
}

}  // namespace

std::unique_ptr<GenerationModel> make_device_generation(std::shared_ptr<const Transformer> model,
                                                        Precision precision) {
  return std::make_unique<DeviceGeneration>(std::move(model), precision);
}

}  // namespace turnhalle::lm
