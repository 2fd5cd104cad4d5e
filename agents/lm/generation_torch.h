// The forward of generation: packed copies of a Transformer's weights, new tokens in, keys and
// values into pages, logits out. No autograd, and few torch operators or none.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "agents/lm/decoder_cpu.h"
#include "agents/lm/precision_torch.h"
#include "agents/lm/transformer_torch.h"

namespace turnhalle::lm {

/// New tokens of one conversation.
struct NewTokens {
  const TokenId* tokens = nullptr;
  std::int64_t count = 0;
  std::int64_t position = 0;      ///< of the first one
  float* const* pages = nullptr;  ///< room for position + count tokens
  std::int64_t logits_row = -1;   ///< row of the result for the last token's logits; -1 for none
};

class GenerationModel {
 public:
  GenerationModel(std::shared_ptr<const Transformer> model, Precision precision,
                  std::int64_t positions);

  /// Copies the weights anew.
  void refresh();
  /// Floats in a page: keys and values of kTile tokens in all layers.
  std::int64_t page_floats() const;
  /// Stores the tokens' keys and values and computes `logits` [rows, vocab_size]. The items
  /// have distinct pages to write to.
  void forward(std::span<const NewTokens> items, std::int64_t logit_rows,
               std::vector<float>& logits);
  const ModelConfig& config() const { return model_->config(); }

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
  Matrix prepare(const at::Tensor& weight) const;
  void multiply(const Product& product, Range rows) const;
  void multiply_half(const Product& product, Range rows) const;
  void norm(const std::vector<float>& weight, Range rows);
  void embed(std::span<const NewTokens> items, Range range);
  void run_items(std::span<const NewTokens> items, Range range, float* logits);
  void attention(const Layer& layer, std::size_t index, std::span<const NewTokens> items,
                 Range range);
  void reserve(std::int64_t tokens);

  std::shared_ptr<const Transformer> model_;
  Precision precision_;
  RotaryTable rotary_;
  std::vector<Layer> layers_;
  std::vector<float> final_norm_;
  Matrix head_;
  std::int64_t weight_bytes_ = 0;
  // One row per token of the forward.
  std::vector<float> stream_, normed_, qkv_, mixed_, gate_up_, inner_;
  std::vector<std::int64_t> first_row_;  ///< of each item
};

}  // namespace turnhalle::lm
