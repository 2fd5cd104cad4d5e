// Decoder-only transformer of the Llama, Qwen2 and Qwen3 shapes (internal header with torch).
//
//   tokens ─► embedding ─► layers × ( x += o(attention(rope(qkv(norm(x)))))
//                                     x += down(silu(gate(norm(x))) · up(norm(x))) ) ─► norm
//
// RMSNorm, rotary embedding, grouped-query attention, optional per-head norm of q and k, optional
// projection biases, SwiGLU, tied or untied head. The weights are float32 masters; q|k|v and
// gate|up are stored as one matrix each, so that a layer is four matrix products. Their Hugging
// Face names are views (hf_weights), so a checkpoint has the usual names and shapes.
//
// A const Transformer may be used from several threads at once, also for training: gradients
// are taken with torch::autograd::grad over parameters(), or accumulate in `.grad`.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agents/lm/language_model.h"
#include "agents/lm/model_config.h"
#include "agents/lm/packed_batch.h"
#include "agents/lm/precision_torch.h"
#include "core/rng.h"

namespace turnhalle::lm {

/// How a forward is computed.
struct ForwardOptions {
  /// Type of the matrix products; norms, attention and residuals stay in the weights' type.
  Precision precision = Precision::float32;
  /// Plain ATen operators instead of the fused CPU functions: the definition that the tests
  /// compare with, and what is done on any other device.
  bool reference = false;
};

/// One trained tensor.
struct Parameter {
  std::string name;  ///< Hugging Face's, or …self_attn.qkv_proj… / …mlp.gate_up_proj… where packed
  at::Tensor tensor;  ///< leaf with requires_grad
  bool decay = true;  ///< whether weight decay applies (matrices: yes; norms and biases: no)
  /// Rows of each matrix packed in a layer's matrix; empty for all other tensors.
  std::vector<std::int64_t> layer_matrices = {};
};

/// A weight under its Hugging Face name: a view into a parameter, without gradient.
struct NamedWeight {
  std::string name;
  at::Tensor tensor;
};

class Transformer {
 public:
  /// Zero matrices and unit norms; the weights follow from random_weights() or a checkpoint.
  explicit Transformer(ModelConfig config, at::ScalarType type = at::kFloat);

  /// Normal weights of standard deviation initializer_range, those that write to the residual
  /// stream divided by sqrt(2 layers), those of the embedding of `embedding_range` when it is
  /// positive; biases 0, norms 1. A function of key and name alone.
  void random_weights(RandomKey key, double embedding_range = 0.0);

  /// Moves weights and tables; references to the tensors stay good. Not while others use them.
  void move_to(at::Device device);
  at::Device device() const { return embedding_.device(); }

  const ModelConfig& config() const { return config_; }
  /// All trained tensors, in an order that depends on the config alone.
  const std::vector<Parameter>& parameters() const { return parameters_; }
  /// All weights under Hugging Face names, in the order of a transformers state dict. A tied
  /// head is not listed.
  std::vector<NamedWeight> hf_weights() const;

  /// [rows, hidden_size]: the hidden states after the final norm, with gradient when grad mode
  /// is on. Tokens must be inside the vocabulary, sequences within the context.
  at::Tensor hidden(const PackedBatch& batch, const ForwardOptions& options = {}) const;
  /// [vocab_size, hidden_size]: the head's matrix (the embedding's when tied).
  const at::Tensor& head_weight() const;
  /// hidden · headᵀ, for any leading shape.
  at::Tensor logits(const at::Tensor& hidden) const;

  /// One decoder layer; undefined tensors are absent.
  struct Layer {
    at::Tensor input_norm;           ///< [width]
    at::Tensor qkv, qkv_bias;        ///< [(heads + 2 kv_heads) head_dim, width]
    at::Tensor q_norm, k_norm;       ///< [head_dim]
    at::Tensor output, output_bias;  ///< [width, heads head_dim]
    at::Tensor post_attention_norm;  ///< [width]
    at::Tensor gate_up;              ///< [2 intermediate, width]
    at::Tensor down;                 ///< [width, intermediate]
  };
  const std::vector<Layer>& layers() const { return layers_; }
  const at::Tensor& embedding() const { return embedding_; }
  const at::Tensor& final_norm() const { return final_norm_; }
  /// Of the rotary embedding, [max_position_embeddings, head_dim / 2].
  const at::Tensor& rotary_cos() const { return rotary_cos_; }
  const at::Tensor& rotary_sin() const { return rotary_sin_; }

 private:
  at::Tensor add_parameter(std::string name, std::vector<std::int64_t> shape, bool is_norm);
  at::Tensor add_layer_matrix(std::string name, std::vector<std::int64_t> rows,
                              std::int64_t columns);
  ModelConfig config_;
  at::ScalarType type_;
  at::Tensor embedding_, final_norm_, head_;
  std::vector<Layer> layers_;
  std::vector<Parameter> parameters_;
  at::Tensor rotary_cos_, rotary_sin_;
};

}  // namespace turnhalle::lm
