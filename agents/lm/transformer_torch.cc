#include "agents/lm/transformer_torch.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "agents/lm/fused_torch.h"
#include "agents/lm/operators_torch.h"
#include "core/check.h"

namespace turnhalle::lm {
namespace {

/// The operators of one forward, fused or plain.
struct Operators {
  bool fused;
  double eps;
  AttentionShape shape;
  Precision precision;

  at::Tensor norm(const at::Tensor& x, const at::Tensor& weight) const {
    return fused ? fused_norm(x, weight, eps) : plain_norm(x, weight, eps);
  }
  SumAndNorm add_norm(const at::Tensor& x, const at::Tensor& delta,
                      const at::Tensor& weight) const {
    if (fused) {
      return fused_add_norm(x, delta, weight, eps);
    }
    const at::Tensor sum = x + delta;
    return {sum, plain_norm(sum, weight, eps)};
  }
  at::Tensor swiglu(const at::Tensor& gate_up) const {
    return fused ? fused_swiglu(gate_up) : plain_swiglu(gate_up);
  }
  // Queries and keys are normed head by head in Qwen3.
  at::Tensor norm_heads(const at::Tensor& qkv, const Transformer::Layer& layer) const {
    if (!layer.q_norm.defined()) {
      return qkv;
    }
    const std::int64_t rows = qkv.size(0);
    const std::int64_t q_end = shape.heads * shape.head_dim;
    const std::int64_t k_end = q_end + shape.kv_heads * shape.head_dim;
    const auto normed = [&](std::int64_t begin, std::int64_t end, const at::Tensor& weight) {
      const at::Tensor heads = qkv.slice(1, begin, end).reshape({-1, shape.head_dim});
      return norm(heads, weight).view({rows, end - begin});
    };
    return at::cat(
        {normed(0, q_end, layer.q_norm), normed(q_end, k_end, layer.k_norm), qkv.slice(1, k_end)},
        1);
  }
};

at::Tensor to_tensor(const std::vector<float>& values, std::int64_t half, at::ScalarType type) {
  const auto rows = static_cast<std::int64_t>(values.size()) / half;
  return at::from_blob(const_cast<float*>(values.data()), {rows, half}, at::kFloat)
      .to(type, /*non_blocking=*/false, /*copy=*/true);
}

void check_batch(const PackedBatch& batch, const ModelConfig& config) {
  check(batch.sequence_count() > 0, "a packed batch has a sequence");
  for (std::int64_t s = 0; s < batch.sequence_count(); ++s) {
    const std::size_t length = batch.packed.sequence(s).size();
    check(length > 0 && std::cmp_less_equal(length, config.max_position_embeddings),
          "a sequence is not empty and fits the context", length);
  }
  const auto [low, high] = std::minmax_element(batch.tokens.begin(), batch.tokens.end());
  check(*low >= 0 && *high < config.vocab_size, "tokens are inside the vocabulary", *low, *high);
}

}  // namespace

Transformer::Transformer(ModelConfig config, at::ScalarType type)
    : config_(std::move(config)), type_(type) {
  check(config_.vocab_size > 0, "a model has a vocabulary");
  const std::int64_t width = config_.hidden_size;
  embedding_ = add_parameter("model.embed_tokens.weight", {config_.vocab_size, width}, false);
  for (std::int64_t i = 0; i < config_.num_hidden_layers; ++i) {
    const std::string name = "model.layers." + std::to_string(i) + ".";
    Layer layer;
    layer.input_norm = add_parameter(name + "input_layernorm.weight", {width}, true);
    layer.qkv =
        add_layer_matrix(name + "self_attn.qkv_proj.weight",
                         {config_.query_width(), config_.key_width(), config_.key_width()}, width);
    if (config_.attention_bias) {
      layer.qkv_bias =
          add_parameter(name + "self_attn.qkv_proj.bias", {config_.qkv_width()}, false);
    }
    if (config_.has_qk_norm()) {
      layer.q_norm = add_parameter(name + "self_attn.q_norm.weight", {config_.head_dim}, true);
      layer.k_norm = add_parameter(name + "self_attn.k_norm.weight", {config_.head_dim}, true);
    }
    layer.output =
        add_layer_matrix(name + "self_attn.o_proj.weight", {width}, config_.query_width());
    if (config_.has_output_bias()) {
      layer.output_bias = add_parameter(name + "self_attn.o_proj.bias", {width}, false);
    }
    layer.post_attention_norm =
        add_parameter(name + "post_attention_layernorm.weight", {width}, true);
    const std::int64_t inner = config_.intermediate_size;
    layer.gate_up = add_layer_matrix(name + "mlp.gate_up_proj.weight", {inner, inner}, width);
    layer.down = add_layer_matrix(name + "mlp.down_proj.weight", {width}, inner);
    layers_.push_back(std::move(layer));
  }
  final_norm_ = add_parameter("model.norm.weight", {width}, true);
  head_ = config_.tie_word_embeddings
              ? embedding_
              : add_parameter("lm_head.weight", {config_.vocab_size, width}, false);
  const RotaryTable table = rotary_table(config_, config_.max_position_embeddings);
  rotary_cos_ = to_tensor(table.cos, table.half, type_);
  rotary_sin_ = to_tensor(table.sin, table.half, type_);
}

at::Tensor Transformer::add_parameter(std::string name, std::vector<std::int64_t> shape,
                                      bool is_norm) {
  const at::TensorOptions options = at::TensorOptions().dtype(type_);
  const bool is_matrix = shape.size() > 1;
  at::Tensor tensor = is_norm ? at::ones(shape, options) : at::zeros(shape, options);
  tensor.set_requires_grad(true);
  parameters_.push_back({std::move(name), tensor, is_matrix});
  return tensor;
}

at::Tensor Transformer::add_layer_matrix(std::string name, std::vector<std::int64_t> rows,
                                         std::int64_t columns) {
  const std::int64_t total = std::accumulate(rows.begin(), rows.end(), std::int64_t{0});
  at::Tensor tensor = add_parameter(std::move(name), {total, columns}, false);
  parameters_.back().layer_matrices = std::move(rows);
  return tensor;
}

std::vector<NamedWeight> Transformer::hf_weights() const {
  std::vector<NamedWeight> weights;
  const auto add = [&weights](std::string name, const at::Tensor& tensor) {
    if (tensor.defined()) {
      weights.push_back({std::move(name), tensor.detach()});
    }
  };
  // Rows [begin, end) of a packed tensor.
  const auto part = [](const at::Tensor& packed, std::int64_t begin, std::int64_t end) {
    return packed.defined() ? packed.detach().slice(0, begin, end) : packed;
  };
  const std::int64_t q_end = config_.query_width();
  const std::int64_t k_end = q_end + config_.key_width();
  const std::int64_t v_end = config_.qkv_width();
  const std::int64_t inner = config_.intermediate_size;
  add("model.embed_tokens.weight", embedding_);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const std::string name = "model.layers." + std::to_string(i) + ".";
    const std::string attention = name + "self_attn.";
    add(attention + "q_proj.weight", part(layer.qkv, 0, q_end));
    add(attention + "q_proj.bias", part(layer.qkv_bias, 0, q_end));
    add(attention + "k_proj.weight", part(layer.qkv, q_end, k_end));
    add(attention + "k_proj.bias", part(layer.qkv_bias, q_end, k_end));
    add(attention + "v_proj.weight", part(layer.qkv, k_end, v_end));
    add(attention + "v_proj.bias", part(layer.qkv_bias, k_end, v_end));
    add(attention + "o_proj.weight", layer.output);
    add(attention + "o_proj.bias", layer.output_bias);
    add(attention + "q_norm.weight", layer.q_norm);
    add(attention + "k_norm.weight", layer.k_norm);
    add(name + "mlp.gate_proj.weight", part(layer.gate_up, 0, inner));
    add(name + "mlp.up_proj.weight", part(layer.gate_up, inner, 2 * inner));
    add(name + "mlp.down_proj.weight", layer.down);
    add(name + "input_layernorm.weight", layer.input_norm);
    add(name + "post_attention_layernorm.weight", layer.post_attention_norm);
  }
  add("model.norm.weight", final_norm_);
  if (!config_.tie_word_embeddings) {
    add("lm_head.weight", head_);
  }
  return weights;
}

void Transformer::random_weights(RandomKey key, double embedding_range) {
  const double residual = 1 / std::sqrt(2.0 * static_cast<double>(config_.num_hidden_layers));
  for (const NamedWeight& weight : hf_weights()) {
    if (weight.tensor.dim() < 2) {
      weight.tensor.fill_(weight.name.ends_with("norm.weight") ? 1.0 : 0.0);
      continue;
    }
    const bool to_residual =
        weight.name.ends_with("o_proj.weight") || weight.name.ends_with("down_proj.weight");
    const bool is_embedding = weight.tensor.is_alias_of(embedding_) && embedding_range > 0.0;
    const double deviation =
        is_embedding ? embedding_range : config_.initializer_range * (to_residual ? residual : 1.0);
    Random random(key.split(weight.name));
    at::Tensor values = at::zeros(weight.tensor.sizes(), at::kDouble);
    double* out = values.data_ptr<double>();
    for (std::int64_t i = 0; i < values.numel(); ++i) {
      out[i] = deviation * random.normal();
    }
    weight.tensor.copy_(values);
  }
}

void Transformer::move_to(at::Device device) {
  for (const Parameter& parameter : parameters_) {
    at::Tensor tensor = parameter.tensor;  // another handle of the same tensor
    tensor.set_data(tensor.detach().to(device));
  }
  rotary_cos_ = rotary_cos_.to(device);
  rotary_sin_ = rotary_sin_.to(device);
}

const at::Tensor& Transformer::head_weight() const { return head_; }

at::Tensor Transformer::logits(const at::Tensor& hidden) const { return at::linear(hidden, head_); }

at::Tensor Transformer::hidden(const PackedBatch& batch, const ForwardOptions& options) const {
  check_batch(batch, config_);
  const AttentionShape shape{config_.num_attention_heads, config_.num_key_value_heads,
                             config_.head_dim};
  const Operators op{device().is_cpu() && !options.reference, config_.rms_norm_eps, shape,
                     options.precision};
  const at::Tensor tokens =
      at::from_blob(const_cast<TokenId*>(batch.tokens.data()), {batch.token_count()}, at::kInt)
          .to(device(), at::kLong);
  const auto packed = std::make_shared<const PackedRows>(batch.packed);
  at::Tensor x = at::embedding(embedding_, tokens);
  at::Tensor normed = op.norm(x, layers_.front().input_norm);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const at::Tensor qkv =
        op.norm_heads(product(normed, layer.qkv, layer.qkv_bias, op.precision), layer);
    const auto attention = op.fused ? fused_attention : plain_attention;
    const at::Tensor mixed = attention(qkv, rotary_cos_, rotary_sin_, packed, shape);
    SumAndNorm next = op.add_norm(x, product(mixed, layer.output, layer.output_bias, op.precision),
                                  layer.post_attention_norm);
    const at::Tensor inner =
        op.swiglu(product(next.normed, layer.gate_up, at::Tensor(), op.precision));
    const at::Tensor& weight = i + 1 < layers_.size() ? layers_[i + 1].input_norm : final_norm_;
    next = op.add_norm(next.sum, product(inner, layer.down, at::Tensor(), op.precision), weight);
    x = next.sum;
    normed = next.normed;
  }
  return normed;
}

}  // namespace turnhalle::lm
