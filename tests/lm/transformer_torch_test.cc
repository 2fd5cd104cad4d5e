#include "agents/lm/transformer_torch.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cstring>

#include "agents/lm/checkpoint.h"
#include "agents/lm/safetensors.h"
#include "tests/lm/tiny_models.h"

namespace turnhalle::lm {
namespace {

double difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

template <class T>
std::vector<T> values_of(const TensorView& view) {
  std::vector<T> values(view.data.size() / sizeof(T));
  std::memcpy(values.data(), view.data.data(), view.data.size());
  return values;
}

PackedBatch ragged_batch(std::int64_t vocabulary) {
  PackedBatch batch;
  std::uint64_t seed = 1;
  for (const std::int64_t length : {1, 5, 33, 2, 16, 40}) {
    batch.append(random_tokens(seed++, length, vocabulary));
  }
  return batch;
}

// Four conversations of two tasks: the prompt, in two of them a first reply, then each its own.
std::vector<std::vector<TokenId>> related_sequences(std::int64_t vocabulary) {
  const auto joined = [](std::vector<TokenId> a, const std::vector<TokenId>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  };
  const std::vector<TokenId> prompt = random_tokens(1, 19, vocabulary);
  const std::vector<TokenId> longer = joined(prompt, random_tokens(2, 12, vocabulary));
  return {joined(prompt, random_tokens(3, 5, vocabulary)),
          joined(longer, random_tokens(4, 3, vocabulary)),
          joined(longer, random_tokens(5, 21, vocabulary)), random_tokens(6, 17, vocabulary)};
}

PackedBatch batch_of(const std::vector<std::vector<TokenId>>& sequences, bool sharing) {
  PackedBatch batch;
  for (const std::vector<TokenId>& sequence : sequences) {
    sharing ? batch.append_sharing(sequence) : batch.append(sequence);
  }
  return batch;
}

// What each position of each sequence sees, whichever rows they have.
at::Tensor by_position(const at::Tensor& rows, const PackedBatch& batch) {
  const std::vector<std::int64_t>& places = batch.packed.rows;
  const auto count = static_cast<std::int64_t>(places.size());
  return rows.index_select(
      0, at::from_blob(const_cast<std::int64_t*>(places.data()), {count}, at::kLong));
}

// Normal weights everywhere, biases and norms included.
std::shared_ptr<Transformer> random_model(const ModelConfig& config,
                                          at::ScalarType type = at::kFloat) {
  auto model = std::make_shared<Transformer>(config, type);
  model->random_weights(RandomKey::from_seed(7));
  const c10::NoGradGuard no_gradients;
  for (const NamedWeight& weight : model->hf_weights()) {
    if (weight.tensor.dim() == 1) {
      Random random(RandomKey::from_seed(9).split(weight.name));
      for (std::int64_t i = 0; i < weight.tensor.size(0); ++i) {
        weight.tensor[i] += 0.3 * random.normal();
      }
    }
  }
  return model;
}

class TinyCheckpoint : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Shapes, TinyCheckpoint, testing::ValuesIn(kTinyModels),
                         [](const auto& test) { return test.param; });

TEST_P(TinyCheckpoint, LogitsEqualThoseOfTransformers) {
  const auto model = load_checkpoint(tiny_folder(GetParam()));
  ASSERT_TRUE(model.ok()) << model.error().text();
  const auto expected = SafetensorsFile::open(tiny_folder(GetParam()) + "/expected.safetensors");
  ASSERT_TRUE(expected.ok()) << expected.error().text();
  const auto tokens = values_of<std::int64_t>(*expected->find("tokens"));
  auto logits = values_of<float>(*expected->find("logits"));
  PackedBatch batch;
  batch.append(std::vector<TokenId>(tokens.begin(), tokens.end()));
  const c10::NoGradGuard no_gradients;
  const at::Tensor wanted = at::from_blob(
      logits.data(), {batch.token_count(), (*model)->config().vocab_size}, at::kFloat);
  for (const bool reference : {false, true}) {
    const ForwardOptions options{Precision::float32, reference};
    const at::Tensor found = (*model)->logits((*model)->hidden(batch, options));
    EXPECT_LT(difference(found, wanted), 1e-5) << "reference " << reference;
  }
}

TEST(Transformer, FusedForwardEqualsPlainOperatorsInDoublePrecision) {
  const c10::NoGradGuard no_gradients;
  for (const ModelType type : {ModelType::llama, ModelType::qwen2, ModelType::qwen3}) {
    const auto model = random_model(small_config(type), at::kDouble);
    const PackedBatch batch = ragged_batch(model->config().vocab_size);
    const at::Tensor fused = model->hidden(batch);
    const at::Tensor plain = model->hidden(batch, {Precision::float32, true});
    EXPECT_LT(difference(fused, plain), 1e-12) << name_of(type);
  }
}

TEST(Transformer, FusedGradientsEqualAutogradOfPlainOperators) {
  for (const ModelType type : {ModelType::llama, ModelType::qwen2, ModelType::qwen3}) {
    const auto model = random_model(small_config(type), at::kDouble);
    const PackedBatch batch = ragged_batch(model->config().vocab_size);
    std::vector<at::Tensor> weights;
    for (const Parameter& parameter : model->parameters()) {
      weights.push_back(parameter.tensor);
    }
    std::vector<std::vector<at::Tensor>> gradients;
    for (const bool reference : {false, true}) {
      const at::Tensor logits =
          model->logits(model->hidden(batch, {Precision::float32, reference}));
      gradients.push_back(torch::autograd::grad({(logits * logits).mean()}, weights));
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      EXPECT_LT(difference(gradients[0][i], gradients[1][i]), 1e-11)
          << name_of(type) << " " << model->parameters()[i].name;
      EXPECT_GT(gradients[1][i].abs().max().item<double>(), 1e-6)
          << model->parameters()[i].name;
    }
  }
}

// (f(w + h d) − f(w − h d)) / 2h = gradient · d for a random direction d over all weights.
TEST(Transformer, GradientsEqualFiniteDifferences) {
  const auto model = random_model(small_config(), at::kDouble);
  const PackedBatch batch = ragged_batch(model->config().vocab_size);
  std::vector<at::Tensor> weights;
  std::vector<at::Tensor> direction;
  Random random(RandomKey::from_seed(3));
  for (const Parameter& parameter : model->parameters()) {
    weights.push_back(parameter.tensor);
    at::Tensor d = at::zeros_like(parameter.tensor).detach();
    for (std::int64_t i = 0; i < d.numel(); ++i) {
      d.data_ptr<double>()[i] = random.normal();
    }
    direction.push_back(d);
  }
  const auto loss = [&] {
    const at::Tensor logits = model->logits(model->hidden(batch));
    return (logits * logits).mean();
  };
  const auto gradients = torch::autograd::grad({loss()}, weights);
  double expected = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    expected += (gradients[i] * direction[i]).sum().item<double>();
  }
  const c10::NoGradGuard no_gradients;
  constexpr double kStep = 1e-6;
  double losses[2] = {};
  const auto shift = [&](double step) {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i].add_(direction[i], step);
    }
  };
  shift(kStep);
  losses[0] = loss().item<double>();
  shift(-2 * kStep);
  losses[1] = loss().item<double>();
  const double found = (losses[0] - losses[1]) / (2 * kStep);
  EXPECT_NEAR(found / expected, 1, 1e-6);
}

TEST(Transformer, SegmentsOfABatchDoNotSeeEachOther) {
  const c10::NoGradGuard no_gradients;
  const auto model = random_model(small_config());
  const PackedBatch batch = ragged_batch(model->config().vocab_size);
  const at::Tensor together = model->hidden(batch);
  for (std::int64_t s = 0; s < batch.sequence_count(); ++s) {
    const std::span<const std::int64_t> rows = batch.packed.sequence(s);
    PackedBatch alone;
    alone.append(std::span(batch.tokens)
                     .subspan(static_cast<std::size_t>(rows.front()), rows.size()));
    const at::Tensor part = together.slice(0, rows.front(), rows.back() + 1);
    EXPECT_LT(difference(model->hidden(alone), part), 1e-5);
  }
}

TEST(Transformer, ASharedBeginningChangesNoHiddenState) {
  const c10::NoGradGuard no_gradients;
  for (const ModelType type : {ModelType::llama, ModelType::qwen3}) {
    const auto model = random_model(small_config(type), at::kDouble);
    const auto sequences = related_sequences(model->config().vocab_size);
    const PackedBatch apart = batch_of(sequences, false);
    const PackedBatch sharing = batch_of(sequences, true);
    ASSERT_LT(sharing.token_count(), apart.token_count());
    const at::Tensor wanted = by_position(model->hidden(apart), apart);
    for (const bool reference : {false, true}) {
      const at::Tensor found =
          by_position(model->hidden(sharing, {Precision::float32, reference}), sharing);
      EXPECT_LT(difference(found, wanted), 1e-12) << name_of(type) << " reference " << reference;
    }
  }
}

TEST(Transformer, ASharedBeginningChangesNoGradient) {
  const auto model = random_model(small_config(ModelType::qwen3), at::kDouble);
  const auto sequences = related_sequences(model->config().vocab_size);
  std::vector<at::Tensor> weights;
  for (const Parameter& parameter : model->parameters()) weights.push_back(parameter.tensor);
  const auto gradients = [&](bool sharing, bool reference) {
    const PackedBatch batch = batch_of(sequences, sharing);
    const at::Tensor hidden =
        by_position(model->hidden(batch, {Precision::float32, reference}), batch);
    const at::Tensor logits = model->logits(hidden);
    return torch::autograd::grad({(logits * logits).mean()}, weights);
  };
  const std::vector<at::Tensor> wanted = gradients(false, false);
  for (const bool reference : {false, true}) {
    const std::vector<at::Tensor> found = gradients(true, reference);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      EXPECT_LT(difference(found[i], wanted[i]), 1e-11) << model->parameters()[i].name;
    }
  }
}

TEST(Transformer, ALaterTokenDoesNotChangeEarlierOnes) {
  const c10::NoGradGuard no_gradients;
  const auto model = random_model(small_config());
  std::vector<TokenId> tokens = random_tokens(5, 40, model->config().vocab_size);
  PackedBatch first;
  first.append(tokens);
  tokens[30] = (tokens[30] + 1) % static_cast<TokenId>(model->config().vocab_size);
  PackedBatch second;
  second.append(tokens);
  const at::Tensor a = model->hidden(first);
  const at::Tensor b = model->hidden(second);
  EXPECT_EQ(difference(a.slice(0, 0, 30), b.slice(0, 0, 30)), 0);
  EXPECT_GT(difference(a.slice(0, 30, 31), b.slice(0, 30, 31)), 1e-3);
}

TEST(Transformer, BfloatProductsStayNearFloat) {
  const c10::NoGradGuard no_gradients;
  const auto model = random_model(small_config());
  const PackedBatch batch = ragged_batch(model->config().vocab_size);
  const at::Tensor exact = model->hidden(batch);
  const at::Tensor rounded = model->hidden(batch, {Precision::bfloat16, false});
  EXPECT_EQ(rounded.scalar_type(), at::kFloat);
  EXPECT_LT(difference(exact, rounded), 0.1);
  EXPECT_GT(difference(exact, rounded), 0);
}

TEST(Transformer, FreshWeightsAreAFunctionOfTheKey) {
  const ModelConfig config = small_config();
  Transformer first(config);
  Transformer second(config);
  Transformer third(config);
  first.random_weights(RandomKey::from_seed(1));
  second.random_weights(RandomKey::from_seed(1));
  third.random_weights(RandomKey::from_seed(2));
  for (std::size_t i = 0; i < first.parameters().size(); ++i) {
    const at::Tensor& a = first.parameters()[i].tensor;
    EXPECT_TRUE(a.equal(second.parameters()[i].tensor));
    if (a.dim() > 1) {
      EXPECT_FALSE(a.equal(third.parameters()[i].tensor));
    }
  }
  const at::Tensor& embedding = first.embedding();
  EXPECT_NEAR(embedding.std().item<double>(), config.initializer_range, 0.02);
  EXPECT_NEAR(embedding.mean().item<double>(), 0, 0.02);
}

TEST(Transformer, CountsOfParametersAgree) {
  for (const ModelType type : {ModelType::llama, ModelType::qwen2, ModelType::qwen3}) {
    const Transformer model(small_config(type));
    std::int64_t count = 0;
    for (const Parameter& parameter : model.parameters()) {
      count += parameter.tensor.numel();
    }
    EXPECT_EQ(count, model.config().parameters());
  }
}

}  // namespace
}  // namespace turnhalle::lm
