#include "agents/lm/checkpoint.h"

#include <ATen/ops/empty.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include "agents/lm/safetensors.h"
#include "agents/lm/transformer_torch.h"
#include "core/json.h"
#include "core/text.h"

namespace turnhalle::lm {
namespace {

std::string in_folder(const std::string& folder, const std::string& name) {
  return (std::filesystem::path(folder) / name).string();
}

std::string shown_shape(std::span<const std::int64_t> shape) {
  std::vector<std::string> sizes;
  for (const std::int64_t size : shape) {
    sizes.push_back(std::to_string(size));
  }
  return "[" + join(sizes, ", ") + "]";
}

Result<at::ScalarType> scalar_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return at::kFloat;
    case DType::f16:
      return at::kHalf;
    case DType::bf16:
      return at::kBFloat16;
    case DType::f64:
      return at::kDouble;
    default:
      return Error{"",
                   "expected weights in F32, BF16 or F16; found " + std::string(name_of(dtype))};
  }
}

Status fill(const NamedWeight& weight, const TensorView& stored, const std::string& file) {
  const at::IntArrayRef shape = weight.tensor.sizes();
  if (!std::ranges::equal(shape, stored.shape)) {
    return Error{file, "checkpoint of another shape: " + weight.name + ": expected " +
                           shown_shape({shape.data(), shape.size()}) + "; found " +
                           shown_shape(stored.shape)};
  }
  const auto type = scalar_type(stored.dtype);
  if (!type.ok()) {
    return Error{file, weight.name + ": " + type.error().message};
  }
  at::Tensor raw = at::empty(shape, at::TensorOptions().dtype(*type));
  std::memcpy(raw.data_ptr(), stored.data.data(), stored.data.size());
  weight.tensor.copy_(raw);
  return ok_status();
}

/// A tensor of the files and which of them it is in.
struct Stored {
  const TensorView* view;
  const std::string* file;
};

// Buffers that older exports carry along; they follow from the config.
bool is_ignored(const std::string& name, const ModelConfig& config) {
  return name.ends_with("rotary_emb.inv_freq") ||
         (config.tie_word_embeddings && name == "lm_head.weight");
}

Status refuse_strangers(const std::map<std::string, Stored>& stored,
                        const std::set<std::string>& wanted, const ModelConfig& config) {
  for (const auto& [name, tensor] : stored) {
    if (!wanted.contains(name) && !is_ignored(name, config)) {
      return Error{*tensor.file, "checkpoint of another shape: expected no tensor " + name +
                                     "; found one of shape " + shown_shape(tensor.view->shape)};
    }
  }
  return ok_status();
}

Status copy_tokenizer(const std::string& from, const std::string& to) {
  constexpr std::array kFiles{"tokenizer.json",
                              "tokenizer_config.json",
                              "special_tokens_map.json",
                              "chat_template.jinja",
                              "vocab.json",
                              "merges.txt",
                              "added_tokens.json"};
  std::error_code error;
  if (from.empty() || std::filesystem::equivalent(from, to, error)) {
    return ok_status();
  }
  for (const char* name : kFiles) {
    const std::string source = in_folder(from, name);
    if (!std::filesystem::exists(source)) {
      continue;
    }
    auto content = read_file(source);
    if (!content.ok()) {
      return content.error();
    }
    if (auto written = write_file(in_folder(to, name), *content); !written.ok()) {
      return written;
    }
  }
  return ok_status();
}

Json generation_config(const Json& config) {
  Json json{{"_from_model_config", true}};
  for (const char* key : {"bos_token_id", "eos_token_id"}) {
    if (config.contains(key) && !config.at(key).is_null()) {
      json[key] = config.at(key);
    }
  }
  return json;
}

}  // namespace

Result<ModelConfig> read_model_config(const std::string& folder) {
  const auto document = read_json(in_folder(folder, "config.json"));
  if (!document.ok()) {
    return document.error();
  }
  return parse_model_config(*document);
}

Status load_weights(const std::string& folder, Transformer& model) {
  const auto files = open_model_weights(folder);
  if (!files.ok()) {
    return files.error();
  }
  std::map<std::string, Stored> stored;
  for (const SafetensorsFile& file : *files) {
    for (const TensorView& view : file.tensors()) {
      stored.emplace(view.name, Stored{&view, &file.path()});
    }
  }
  std::set<std::string> wanted;
  for (const NamedWeight& weight : model.hf_weights()) {
    wanted.insert(weight.name);
    const auto found = stored.find(weight.name);
    if (found == stored.end()) {
      const at::IntArrayRef shape = weight.tensor.sizes();
      return Error{in_folder(folder, "model.safetensors"),
                   "checkpoint of another shape: expected " + weight.name + " " +
                       shown_shape({shape.data(), shape.size()}) + "; found no such tensor"};
    }
    if (auto status = fill(weight, *found->second.view, *found->second.file); !status.ok()) {
      return status;
    }
  }
  return refuse_strangers(stored, wanted, model.config());
}

Result<std::shared_ptr<Transformer>> load_checkpoint(const std::string& folder) {
  const auto config = read_model_config(folder);
  if (!config.ok()) {
    return config.error();
  }
  auto model = std::make_shared<Transformer>(*config);
  if (auto status = load_weights(folder, *model); !status.ok()) {
    return status.error();
  }
  return model;
}

Status save_checkpoint(const Transformer& model, const std::string& folder,
                       const std::string& tokenizer_folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return Error{folder, "expected a folder that can be written; " + error.message()};
  }
  if (auto status = copy_tokenizer(tokenizer_folder, folder); !status.ok()) {
    return status;
  }
  std::vector<at::Tensor> keep;
  std::vector<TensorView> views;
  for (const NamedWeight& weight : model.hf_weights()) {
    const at::Tensor tensor =
        keep.emplace_back(weight.tensor.to(at::kCPU, at::kFloat).contiguous());
    views.push_back({weight.name,
                     DType::f32,
                     tensor.sizes().vec(),
                     {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()}});
  }
  const Json config = to_json(model.config());
  const std::array<std::pair<const char*, Json>, 2> documents{
      std::pair{"generation_config.json", generation_config(config)},
      std::pair{"config.json", config}};
  for (const auto& [name, json] : documents) {
    if (auto status = write_file(in_folder(folder, name), json.dump(2) + "\n"); !status.ok()) {
      return status;
    }
  }
  return write_safetensors(in_folder(folder, "model.safetensors"), views);
}

}  // namespace turnhalle::lm
