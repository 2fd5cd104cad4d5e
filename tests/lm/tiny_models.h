// The committed tiny checkpoints and small models of our own, for the tests of this folder.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "agents/lm/language_model.h"
#include "agents/lm/model_config.h"
#include "core/rng.h"

namespace turnhalle::lm {

inline const std::vector<std::string> kTinyModels{"llama", "llama3_rope", "qwen2", "qwen3"};

inline std::string tiny_folder(const std::string& name) {
  return std::string(TURNHALLE_SOURCE_DIR) + "/tests/lm/tiny/" + name;
}

/// A shape with odd sizes: nothing is a multiple of a vector or a tile.
inline ModelConfig small_config(ModelType type = ModelType::qwen3) {
  ModelConfig config;
  config.type = type;
  config.hidden_size = 28;
  config.intermediate_size = 37;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 6;
  config.num_key_value_heads = 2;
  config.head_dim = 10;
  config.vocab_size = 53;
  config.max_position_embeddings = 200;
  config.attention_bias = true;
  config.initializer_range = 0.2;
  return config;
}

/// `count` tokens that depend on the seed alone.
inline std::vector<TokenId> random_tokens(std::uint64_t seed, std::int64_t count,
                                          std::int64_t vocabulary) {
  Random random(RandomKey::from_seed(seed));
  std::vector<TokenId> tokens;
  for (std::int64_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<TokenId>(random.below(static_cast<std::uint64_t>(vocabulary))));
  }
  return tokens;
}

/// A fresh folder under the system's temporary folder.
inline std::string temporary_folder(const std::string& name) {
  const auto folder = std::filesystem::temp_directory_path() / ("turnhalle_lm_" + name);
  std::filesystem::remove_all(folder);
  return folder.string();
}

}  // namespace turnhalle::lm
