// Hugging Face checkpoint folders in and out: config.json, model.safetensors (one file or
// sharded), generation_config.json, and the tokenizer's files. Torch-free header.
//
// What is written loads with transformers' AutoModelForCausalLM. Reading is strict: every weight
// of the model must be there in its shape, and no other.
#pragma once

#include <memory>
#include <string>

#include "agents/lm/model_config.h"
#include "core/result.h"

namespace turnhalle::lm {

class Transformer;

/// FOLDER/config.json.
Result<ModelConfig> read_model_config(const std::string& folder);
/// A new model from a folder. Weights in float32, bfloat16 or float16 become float32.
Result<std::shared_ptr<Transformer>> load_checkpoint(const std::string& folder);
/// Replaces the weights of a model; the folder must hold one of the same shape. On an error
/// some weights may have been replaced already.
Status load_weights(const std::string& folder, Transformer& model);
/// Writes a folder, which is made when absent. The tokenizer's files are copied from
/// `tokenizer_folder` unless that is empty or the same folder.
Status save_checkpoint(const Transformer& model, const std::string& folder,
                       const std::string& tokenizer_folder = "");

}  // namespace turnhalle::lm
