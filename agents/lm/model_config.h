// The shape of a decoder, in the keys of a Hugging Face config.json.
//
// One description for Llama, Qwen2 and Qwen3 models, from a tiny one trained here to a downloaded
// checkpoint. Keys that change the arithmetic in a way we do not implement (another activation,
// sliding windows, other kinds of rotary scaling) are errors; all other keys are ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/json_reader.h"
#include "core/result.h"

namespace turnhalle::lm {

enum class ModelType : std::uint8_t { llama, qwen2, qwen3 };
std::string name_of(ModelType type);
/// The names of all types, in their order.
std::span<const std::string> model_type_names();
/// The key "model_type" of an object; it must be there unless there is a fallback.
ModelType read_model_type(JsonObject& object, std::optional<ModelType> fallback = {});

/// Rotary scaling of Llama 3.1 (`rope_type` "llama3"): long wavelengths are stretched by
/// `factor`, short ones left alone, the ones between interpolated.
struct RopeScaling {
  double factor = 8;
  double low_freq_factor = 1;
  double high_freq_factor = 4;
  std::int64_t original_max_position_embeddings = 8192;
  bool operator==(const RopeScaling&) const = default;
};

struct ModelConfig {
  ModelType type = ModelType::llama;
  std::int64_t hidden_size = 64;
  std::int64_t intermediate_size = 192;  ///< width of SwiGLU's inner layer
  std::int64_t num_hidden_layers = 4;
  std::int64_t num_attention_heads = 4;
  std::int64_t num_key_value_heads = 4;  ///< divides num_attention_heads
  std::int64_t head_dim = 16;            ///< even
  std::int64_t vocab_size = 0;
  std::int64_t max_position_embeddings = 1024;
  double rms_norm_eps = 1e-6;
  double rope_theta = 10000;
  std::optional<RopeScaling> rope_scaling;
  bool tie_word_embeddings = false;
  /// Bias of the q, k, v projections (always on in Qwen2) and, in Llama and Qwen3, of o as well.
  bool attention_bias = false;
  /// Standard deviation of fresh weights.
  double initializer_range = 0.02;
  /// -1 when the file names none.
  std::int64_t bos_token_id = -1;
  std::vector<std::int64_t> eos_token_ids;

  bool operator==(const ModelConfig&) const = default;

  bool has_qk_norm() const { return type == ModelType::qwen3; }
  bool has_output_bias() const { return attention_bias && type != ModelType::qwen2; }
  std::int64_t query_width() const { return num_attention_heads * head_dim; }
  std::int64_t key_width() const { return num_key_value_heads * head_dim; }
  /// Width of the joint projection to queries, keys and values.
  std::int64_t qkv_width() const { return query_width() + 2 * key_width(); }
  /// Number of weights.
  std::int64_t parameters() const;
};

/// Reads the keys above; errors name file, place, what was expected and what was found.
Result<ModelConfig> parse_model_config(const JsonDocument& document);
/// The same keys, with `architectures` and `hidden_act`, as transformers writes them.
Json to_json(const ModelConfig& config);

/// Cosines and sines of the rotary embedding: `cos[p * half + i]`, half = head_dim / 2, for
/// positions 0 … positions-1. Angles are rounded to float32 as in transformers.
struct RotaryTable {
  std::int64_t half = 0;
  std::vector<float> cos, sin;
};
RotaryTable rotary_table(const ModelConfig& config, std::int64_t positions);

}  // namespace turnhalle::lm
