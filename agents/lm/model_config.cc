#include "agents/lm/model_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace turnhalle::lm {
namespace {

constexpr IntegerRange kSize{1, std::int64_t{1} << 24};
const std::array<std::string, 3> kTypes{"llama", "qwen2", "qwen3"};

bool is_null(const JsonObject& object, std::string_view key) {
  const auto found = object.value().find(std::string(key));
  return found == object.value().end() || found->is_null();
}

std::int64_t integer_or(JsonObject& object, std::string_view key, IntegerRange range,
                        std::int64_t fallback) {
  return is_null(object, key) ? fallback : object.integer(key, range);
}

double number_or(JsonObject& object, std::string_view key, NumberRange range, double fallback) {
  return is_null(object, key) ? fallback : object.number(key, range);
}

bool boolean_or(JsonObject& object, std::string_view key, bool fallback) {
  return is_null(object, key) ? fallback : object.boolean(key);
}

// Rotary keys stand at the top level (rope_theta, rope_scaling) or, since transformers 5, in the
// object rope_parameters.
void read_scaling(JsonObject& rope, ModelConfig& config) {
  const std::string kind_key = is_null(rope, "rope_type") ? "type" : "rope_type";
  if (is_null(rope, kind_key)) {
    return;
  }
  const std::array<std::string, 2> kinds{"default", "llama3"};
  if (rope.one_of(kind_key, kinds) != "llama3") {
    return;
  }
  RopeScaling scaling;
  scaling.factor = rope.number("factor", {1, 1e6});
  scaling.low_freq_factor = rope.number("low_freq_factor", {1e-6, 1e6});
  scaling.high_freq_factor = rope.number("high_freq_factor", {1e-6, 1e6});
  scaling.original_max_position_embeddings =
      rope.integer("original_max_position_embeddings", {1, std::int64_t{1} << 31});
  config.rope_scaling = scaling;
}

void read_rotary(JsonObject& object, ModelConfig& config) {
  constexpr NumberRange kTheta{1, 1e12};
  config.rope_theta = number_or(object, "rope_theta", kTheta, 10000);
  if (!is_null(object, "rope_parameters")) {
    JsonObject rope = object.object("rope_parameters");
    config.rope_theta = number_or(rope, "rope_theta", kTheta, config.rope_theta);
    read_scaling(rope, config);
  } else if (!is_null(object, "rope_scaling")) {
    JsonObject rope = object.object("rope_scaling");
    read_scaling(rope, config);
  }
}

void read_special_tokens(JsonObject& object, ModelConfig& config) {
  constexpr IntegerRange kToken{0, std::int64_t{1} << 31};
  config.bos_token_id = integer_or(object, "bos_token_id", kToken, -1);
  if (is_null(object, "eos_token_id")) {
    return;
  }
  const Json eos = object.any("eos_token_id");
  if (!eos.is_array()) {
    config.eos_token_ids.push_back(object.integer("eos_token_id", kToken));
    return;
  }
  for (const Json& id : eos) {
    if (!id.is_number_integer()) {
      object.fail("eos_token_id", "an integer or a list of integers");
      return;
    }
    config.eos_token_ids.push_back(id.get<std::int64_t>());
  }
}

// Keys that would change the arithmetic must have the one value that we compute.
void refuse_unsupported(JsonObject& object) {
  if (!is_null(object, "hidden_act") && object.string("hidden_act") != "silu") {
    object.fail("hidden_act", "\"silu\"");
  }
  if (boolean_or(object, "mlp_bias", false)) {
    object.fail("mlp_bias", "false");
  }
  if (boolean_or(object, "use_sliding_window", false)) {
    object.fail("use_sliding_window", "false");
  }
  if (!is_null(object, "quantization_config")) {
    object.fail("quantization_config", "no quantization");
  }
}

void check_shape(JsonObject& object, const ModelConfig& config) {
  const auto heads = std::max<std::int64_t>(config.num_attention_heads, 1);
  if (heads % std::max<std::int64_t>(config.num_key_value_heads, 1) != 0) {
    object.fail("num_key_value_heads", "a divisor of num_attention_heads, " +
                                           std::to_string(heads));
  }
  if (is_null(object, "head_dim") && config.hidden_size % heads != 0) {
    object.fail("num_attention_heads", "a divisor of hidden_size, " +
                                           std::to_string(config.hidden_size));
  }
  if (config.head_dim % 2 != 0) {
    object.fail(is_null(object, "head_dim") ? "num_attention_heads" : "head_dim",
                "an even size of heads");
  }
}

}  // namespace

std::string name_of(ModelType type) { return kTypes.at(static_cast<std::size_t>(type)); }

std::span<const std::string> model_type_names() { return kTypes; }

ModelType read_model_type(JsonObject& object, std::optional<ModelType> fallback) {
  std::optional<std::string> absent;
  if (fallback) absent = name_of(*fallback);
  const std::string name = object.one_of("model_type", kTypes, absent);
  const auto place = std::find(kTypes.begin(), kTypes.end(), name);  // the end after an error
  return place == kTypes.end() ? ModelType::llama : ModelType(place - kTypes.begin());
}

std::int64_t ModelConfig::parameters() const {
  const std::int64_t qkv = qkv_width() * (hidden_size + (attention_bias ? 1 : 0));
  const std::int64_t output = hidden_size * (query_width() + (has_output_bias() ? 1 : 0));
  const std::int64_t norms = 2 * hidden_size + (has_qk_norm() ? 2 * head_dim : 0);
  const std::int64_t layer = qkv + output + norms + 3 * hidden_size * intermediate_size;
  const std::int64_t tables = vocab_size * hidden_size * (tie_word_embeddings ? 1 : 2);
  return num_hidden_layers * layer + tables + hidden_size;
}

Result<ModelConfig> parse_model_config(const JsonDocument& document) {
  JsonReader reader(document);
  JsonObject object = reader.object();
  ModelConfig config;
  config.type = read_model_type(object);
  config.hidden_size = object.integer("hidden_size", kSize);
  config.intermediate_size = object.integer("intermediate_size", kSize);
  config.num_hidden_layers = object.integer("num_hidden_layers", {1, 1024});
  config.num_attention_heads = object.integer("num_attention_heads", {1, 4096});
  config.num_key_value_heads =
      integer_or(object, "num_key_value_heads", {1, 4096}, config.num_attention_heads);
  config.head_dim =
      integer_or(object, "head_dim", {2, 4096},
                 config.hidden_size / std::max<std::int64_t>(config.num_attention_heads, 1));
  config.vocab_size = object.integer("vocab_size", kSize);
  config.max_position_embeddings = object.integer("max_position_embeddings", kSize);
  config.rms_norm_eps = number_or(object, "rms_norm_eps", {0, 1}, 1e-6);
  config.tie_word_embeddings = boolean_or(object, "tie_word_embeddings", false);
  config.attention_bias =
      config.type == ModelType::qwen2 || boolean_or(object, "attention_bias", false);
  config.initializer_range = number_or(object, "initializer_range", {0, 10}, 0.02);
  read_rotary(object, config);
  read_special_tokens(object, config);
  refuse_unsupported(object);
  if (reader.ok()) {
    check_shape(object, config);
  }
  if (!reader.ok()) {
    return reader.error();
  }
  return config;
}

Json to_json(const ModelConfig& config) {
  const std::array<std::string, 3> classes{"LlamaForCausalLM", "Qwen2ForCausalLM",
                                           "Qwen3ForCausalLM"};
  Json json{{"architectures", {classes.at(static_cast<std::size_t>(config.type))}},
            {"model_type", name_of(config.type)},
            {"hidden_act", "silu"},
            {"hidden_size", config.hidden_size},
            {"intermediate_size", config.intermediate_size},
            {"num_hidden_layers", config.num_hidden_layers},
            {"num_attention_heads", config.num_attention_heads},
            {"num_key_value_heads", config.num_key_value_heads},
            {"head_dim", config.head_dim},
            {"vocab_size", config.vocab_size},
            {"max_position_embeddings", config.max_position_embeddings},
            {"rms_norm_eps", config.rms_norm_eps},
            {"rope_theta", config.rope_theta},
            {"rope_scaling", nullptr},
            {"tie_word_embeddings", config.tie_word_embeddings},
            {"attention_bias", config.attention_bias},
            {"attention_dropout", 0.0},
            {"initializer_range", config.initializer_range},
            {"torch_dtype", "float32"},
            {"use_cache", true},
            {"bos_token_id", nullptr},
            {"eos_token_id", nullptr}};
  if (config.rope_scaling) {
    const RopeScaling& scaling = *config.rope_scaling;
    json["rope_scaling"] = {
        {"rope_type", "llama3"},
        {"factor", scaling.factor},
        {"low_freq_factor", scaling.low_freq_factor},
        {"high_freq_factor", scaling.high_freq_factor},
        {"original_max_position_embeddings", scaling.original_max_position_embeddings}};
  }
  if (config.bos_token_id >= 0) {
    json["bos_token_id"] = config.bos_token_id;
  }
  if (config.eos_token_ids.size() == 1) {
    json["eos_token_id"] = config.eos_token_ids.front();
  } else if (!config.eos_token_ids.empty()) {
    json["eos_token_id"] = config.eos_token_ids;
  }
  return json;
}

RotaryTable rotary_table(const ModelConfig& config, std::int64_t positions) {
  RotaryTable table;
  table.half = config.head_dim / 2;
  const auto size = static_cast<std::size_t>(positions * table.half);
  table.cos.resize(size);
  table.sin.resize(size);
  for (std::int64_t i = 0; i < table.half; ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(config.head_dim);
    float frequency =
        1.0F / static_cast<float>(std::pow(config.rope_theta, static_cast<double>(exponent)));
    if (config.rope_scaling) {
      const RopeScaling& scaling = *config.rope_scaling;
      const double wavelength = 2 * std::numbers::pi / static_cast<double>(frequency);
      const double ratio =
          static_cast<double>(scaling.original_max_position_embeddings) / wavelength;
      const double smooth =
          std::clamp((ratio - scaling.low_freq_factor) /
                         (scaling.high_freq_factor - scaling.low_freq_factor),
                     0.0, 1.0);
      frequency = static_cast<float>(static_cast<double>(frequency) *
                                     ((1 - smooth) / scaling.factor + smooth));
    }
    for (std::int64_t p = 0; p < positions; ++p) {
      const double angle = static_cast<double>(static_cast<float>(p) * frequency);
      const auto at = static_cast<std::size_t>(p * table.half + i);
      table.cos[at] = static_cast<float>(std::cos(angle));
      table.sin[at] = static_cast<float>(std::sin(angle));
    }
  }
  return table;
}

}  // namespace turnhalle::lm
