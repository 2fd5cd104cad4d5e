#include "agents/lm/checkpoint.h"

#include <ATen/core/Tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "agents/lm/safetensors.h"
#include "agents/lm/transformer_torch.h"
#include "core/json.h"
#include "tests/lm/tiny_models.h"

namespace turnhalle::lm {
namespace {

using testing::HasSubstr;

/// A copy of a tiny checkpoint that a test may damage.
class DamagedCheckpoint {
 public:
  explicit DamagedCheckpoint(const std::string& name) : folder_(temporary_folder(name)) {
    const auto model = load_checkpoint(tiny_folder("qwen3"));
    check(model.ok() && save_checkpoint(**model, folder_).ok(), "the copy is written");
  }
  const std::string& folder() const { return folder_; }
  void edit_config(const std::string& key, const Json& value) {
    const std::string path = folder_ + "/config.json";
    Json json = read_json(path)->root;
    json[key] = value;
    check(write_file(path, json.dump()).ok(), "the config is written");
  }
  /// Rewrites the weights through a function on the list of tensors.
  template <class Edit>
  void edit_weights(Edit edit) {
    const std::string path = folder_ + "/model.safetensors";
    const auto file = SafetensorsFile::open(path);
    std::vector<TensorView> tensors(file->tensors().begin(), file->tensors().end());
    edit(tensors);
    check(write_safetensors(path, tensors).ok(), "the weights are written");
  }
  std::string error() const {
    const auto model = load_checkpoint(folder_);
    return model.ok() ? "" : model.error().text();
  }

 private:
  std::string folder_;
};

TEST(Checkpoint, SavingAndLoadingKeepsEveryBit) {
  for (const std::string& name : kTinyModels) {
    const auto model = load_checkpoint(tiny_folder(name));
    ASSERT_TRUE(model.ok()) << model.error().text();
    const std::string folder = temporary_folder("roundtrip");
    ASSERT_TRUE(save_checkpoint(**model, folder).ok());
    const auto again = load_checkpoint(folder);
    ASSERT_TRUE(again.ok()) << again.error().text();
    EXPECT_EQ((*again)->config(), (*model)->config()) << name;
    const auto before = (*model)->hf_weights();
    const auto after = (*again)->hf_weights();
    ASSERT_EQ(before.size(), after.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
      EXPECT_EQ(before[i].name, after[i].name);
      EXPECT_TRUE(before[i].tensor.equal(after[i].tensor)) << before[i].name;
    }
  }
}

TEST(Checkpoint, WhatIsWrittenTwiceIsTheSameFile) {
  const auto model = load_checkpoint(tiny_folder("llama"));
  ASSERT_TRUE(model.ok());
  const std::string first = temporary_folder("first");
  const std::string second = temporary_folder("second");
  ASSERT_TRUE(save_checkpoint(**model, first).ok());
  ASSERT_TRUE(save_checkpoint(**model, second).ok());
  for (const char* name : {"/config.json", "/model.safetensors", "/generation_config.json"}) {
    EXPECT_EQ(*read_file(first + name), *read_file(second + name)) << name;
  }
}

TEST(Checkpoint, TokenizerFilesAreCopied) {
  const auto model = load_checkpoint(tiny_folder("llama"));
  ASSERT_TRUE(model.ok());
  const std::string source = temporary_folder("tokenizer_source");
  std::filesystem::create_directories(source);
  ASSERT_TRUE(write_file(source + "/tokenizer.json", "{}\n").ok());
  const std::string folder = temporary_folder("tokenizer_copy");
  ASSERT_TRUE(save_checkpoint(**model, folder, source).ok());
  EXPECT_EQ(*read_file(folder + "/tokenizer.json"), "{}\n");
}

TEST(Checkpoint, AnotherShapeNamesTensorExpectedAndFound) {
  DamagedCheckpoint damaged("shape");
  damaged.edit_config("intermediate_size", 48);
  EXPECT_THAT(damaged.error(),
              HasSubstr("model.safetensors: checkpoint of another shape: "
                        "model.layers.0.mlp.gate_proj.weight: expected [48, 24]; "
                        "found [40, 24]"));
}

TEST(Checkpoint, AMissingTensorIsNamed) {
  DamagedCheckpoint damaged("missing");
  damaged.edit_weights([](std::vector<TensorView>& tensors) {
    std::erase_if(tensors, [](const TensorView& t) { return t.name == "model.norm.weight"; });
  });
  EXPECT_THAT(damaged.error(), HasSubstr("expected model.norm.weight [24]; found no such tensor"));
}

TEST(Checkpoint, AnUnknownTensorIsNamed) {
  DamagedCheckpoint damaged("unknown");
  damaged.edit_weights([](std::vector<TensorView>& tensors) {
    tensors.push_back(tensors.front());
    tensors.back().name = "model.extra.weight";
  });
  EXPECT_THAT(damaged.error(), HasSubstr("expected no tensor model.extra.weight"));
}

TEST(Checkpoint, HalfPrecisionWeightsBecomeFloat) {
  DamagedCheckpoint damaged("half");
  // 1.5 and -2 in the two 16-bit types.
  const std::vector<std::uint16_t> bfloat{0x3FC0, 0xC000};
  const std::vector<std::uint16_t> half{0x3E00, 0xC000};
  std::vector<std::uint16_t> norm(24);
  for (const auto& [dtype, pattern] :
       {std::pair{DType::bf16, bfloat}, std::pair{DType::f16, half}}) {
    for (std::size_t i = 0; i < norm.size(); ++i) {
      norm[i] = pattern[i % 2];
    }
    damaged.edit_weights([&](std::vector<TensorView>& tensors) {
      for (TensorView& tensor : tensors) {
        if (tensor.name == "model.norm.weight") {
          tensor.dtype = dtype;
          tensor.data = std::as_bytes(std::span(norm));
        }
      }
    });
    const auto model = load_checkpoint(damaged.folder());
    ASSERT_TRUE(model.ok()) << model.error().text();
    EXPECT_EQ((*model)->final_norm().scalar_type(), at::kFloat);
    EXPECT_EQ((*model)->final_norm()[0].item<float>(), 1.5F);
    EXPECT_EQ((*model)->final_norm()[1].item<float>(), -2.0F);
  }
}

TEST(Checkpoint, ConfigErrorsSayWhereAndWhat) {
  DamagedCheckpoint damaged("config");
  damaged.edit_config("num_key_value_heads", 3);
  EXPECT_THAT(damaged.error(), HasSubstr("/num_key_value_heads: expected a divisor of "
                                         "num_attention_heads, 4; found 3"));
  damaged.edit_config("num_key_value_heads", 2);
  damaged.edit_config("hidden_act", "gelu");
  EXPECT_THAT(damaged.error(), HasSubstr("/hidden_act: expected \"silu\"; found \"gelu\""));
  damaged.edit_config("hidden_act", "silu");
  damaged.edit_config("model_type", "gpt2");
  EXPECT_THAT(damaged.error(), HasSubstr("/model_type: expected"));
  EXPECT_THAT(load_checkpoint("/nonexistent/folder").error().text(), HasSubstr("config.json"));
}

TEST(ModelConfig, WritingAndReadingIsTheIdentity) {
  ModelConfig config = small_config(ModelType::llama);
  config.rope_theta = 123456.5;
  config.rope_scaling = RopeScaling{8, 1, 4, 64};
  config.tie_word_embeddings = true;
  config.bos_token_id = 3;
  config.eos_token_ids = {4, 5};
  const auto document = parse_json(to_json(config).dump());
  ASSERT_TRUE(document.ok());
  const auto again = parse_model_config(*document);
  ASSERT_TRUE(again.ok()) << again.error().text();
  EXPECT_EQ(*again, config);
}

}  // namespace
}  // namespace turnhalle::lm
