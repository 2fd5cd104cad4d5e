// The learner's gradients against finite differences, and what must not change them.
//
// A gradient is read from the first moments after a step with beta1 = 0 and learning rate 0.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <numeric>

#include "agents/lm/safetensors.h"
#include "agents/lm/transformer_torch.h"
#include "core/rng.h"
#include "tests/trainers/training_fixture.h"
#include "trainers/learner.h"

namespace turnhalle {
namespace {

using Gradient = std::map<std::string, std::vector<float>>;

std::shared_ptr<lm::Transformer> tiny_model(bool tied) {
  lm::ModelConfig config;
  config.hidden_size = 16;
  config.intermediate_size = 24;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.num_key_value_heads = 1;
  config.head_dim = 8;
  config.vocab_size = 29;
  config.max_position_embeddings = 64;
  config.tie_word_embeddings = tied;
  config.initializer_range = 0.3;
  auto model = std::make_shared<lm::Transformer>(config);
  model->random_weights(RandomKey::from_seed(5));
  return model;
}

// Sequences of 5 to 16 tokens, of which about half are sampled.
std::vector<Sequence> some_sequences(std::size_t count) {
  Random random(RandomKey::from_seed(8));
  std::vector<Sequence> sequences(count);
  for (Sequence& sequence : sequences) {
    const std::int64_t length = random.between(5, 16);
    for (std::int64_t i = 0; i < length; ++i) {
      sequence.tokens.push_back(static_cast<std::int32_t>(random.below(29)));
      sequence.sampled.push_back(i > 1 && random.chance(1, 2) ? 1 : 0);
    }
    sequence.sampled.back() = 1;
  }
  return sequences;
}

std::vector<std::size_t> all_of(std::span<const Sequence> sequences) {
  std::vector<std::size_t> all(sequences.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

LearnerWork work_on(std::span<const Sequence> sequences,
                    std::vector<std::vector<std::size_t>> micro_batches) {
  LearnerWork work;
  work.sequences = sequences;
  work.micro_batches = std::move(micro_batches);
  work.temperature = 0.8F;
  return work;
}

// Σ a·logp + b·entropy with weights that belong to (sequence, target), not to the micro-batch.
LossFunction weighted_loss(const LearnerWork& work) {
  return [&work](std::size_t, const ScoredTokens& scored) {
    TokenLoss result;
    std::size_t token = 0;
    for (const std::size_t sequence : scored.sequences) {
      const RandomKey key = RandomKey::from_seed(sequence);
      const std::size_t count = target_positions(work.sequences[sequence], work.targets).size();
      for (std::size_t i = 0; i < count; ++i, ++token) {
        const double a = uniform_at(key, 2 * i) - 0.7;
        const double b = 0.3 * uniform_at(key, 2 * i + 1);
        result.loss += a * scored.logp[token] + b * scored.entropy[token];
        result.d_logp.push_back(static_cast<float>(a));
        result.d_entropy.push_back(static_cast<float>(b));
      }
    }
    EXPECT_EQ(token, scored.logp.size());
    return result;
  };
}

OptimizerStep reading_step() {
  OptimizerStep step;
  step.learning_rate = 0.0;
  step.beta1 = 0.0;
  return step;
}

Gradient gradient_of(Learner& learner) {
  const TestFolder folder;
  EXPECT_FALSE(learner.update(reading_step()).skipped);
  EXPECT_TRUE(learner.save_optimizer(folder.file("moments")));
  const lm::SafetensorsFile file = lm::SafetensorsFile::open(folder.file("moments")).value();
  Gradient gradient;
  for (const lm::TensorView& tensor : file.tensors()) {
    if (!tensor.name.starts_with("exp_avg.")) continue;
    std::vector<float>& values = gradient[tensor.name.substr(8)];
    values.resize(tensor.data.size() / sizeof(float));
    std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  }
  learner.reset_optimizer();
  return gradient;
}

Gradient gradient_of(const std::shared_ptr<lm::Transformer>& model, const LearnerWork& work,
                     int workers = 1) {
  LearnerOptions options;
  options.workers = workers;
  const std::unique_ptr<Learner> learner = Learner::make(model, options);
  learner->accumulate(work, weighted_loss(work));
  return gradient_of(*learner);
}

double norm_of(const std::vector<float>& values) {
  double squares = 0.0;
  for (const float value : values) squares += static_cast<double>(value) * value;
  return std::sqrt(squares);
}

void expect_near(const Gradient& expected, const Gradient& found, double tolerance) {
  ASSERT_EQ(expected.size(), found.size());
  for (const auto& [name, values] : expected) {
    std::vector<float> difference = values;
    for (std::size_t i = 0; i < values.size(); ++i) difference[i] -= found.at(name)[i];
    EXPECT_LE(norm_of(difference), tolerance * (1e-3 + norm_of(values))) << name;
  }
}

std::map<std::string, std::string> weights_of(const lm::Transformer& model) {
  std::map<std::string, std::string> bytes;
  for (const lm::Parameter& parameter : model.parameters()) {
    const at::Tensor tensor = parameter.tensor.detach().contiguous();
    bytes[parameter.name].assign(static_cast<const char*>(tensor.const_data_ptr()),
                                 tensor.nbytes());
  }
  return bytes;
}

class Gradients : public testing::TestWithParam<std::tuple<bool, TargetTokens>> {};

// Along its own direction the loss changes by the gradient's norm, tensor by tensor.
TEST_P(Gradients, AgreeWithFiniteDifferences) {
  const auto model = tiny_model(std::get<0>(GetParam()));
  const std::vector<Sequence> sequences = some_sequences(4);
  LearnerWork work = work_on(sequences, {all_of(sequences)});
  work.targets = std::get<1>(GetParam());
  const Gradient gradient = gradient_of(model, work);
  ASSERT_EQ(gradient.size(), model->parameters().size());
  const std::unique_ptr<Learner> learner = Learner::make(model, {});
  for (const lm::Parameter& parameter : model->parameters()) {
    const c10::NoGradGuard no_grad;
    std::vector<float> values = gradient.at(parameter.name);
    const double norm = norm_of(values);
    ASSERT_GT(norm, 1e-3) << parameter.name;
    const at::Tensor direction =
        at::from_blob(values.data(), parameter.tensor.sizes(), at::kFloat).div(norm);
    const at::Tensor before = parameter.tensor.clone();
    const double width = 4e-3;
    const auto loss_at = [&](double step) {
      parameter.tensor.copy_(before + direction * step);
      const at::AutoGradMode grad(true);
      return learner->accumulate(work, weighted_loss(work));
    };
    const double slope = (loss_at(width) - loss_at(-width)) / (2.0 * width);
    parameter.tensor.copy_(before);
    EXPECT_NEAR(slope, norm, 5e-3 + 1e-2 * norm) << parameter.name;
  }
}

INSTANTIATE_TEST_SUITE_P(HeadsAndTargets, Gradients,
                         testing::Combine(testing::Bool(),
                                          testing::Values(TargetTokens::sampled,
                                                          TargetTokens::from_first_reply)));

TEST(Learner, TheSplitIntoMicroBatchesDoesNotMatter) {
  const auto model = tiny_model(true);
  const std::vector<Sequence> sequences = some_sequences(5);
  const Gradient whole = gradient_of(model, work_on(sequences, {all_of(sequences)}));
  const LearnerWork alone = work_on(sequences, {{4}, {2}, {0}, {1}, {3}});
  expect_near(whole, gradient_of(model, alone), 1e-5);
  const LearnerWork uneven = work_on(sequences, {{3, 1}, {0, 2, 4}});
  expect_near(whole, gradient_of(model, uneven), 1e-5);
}

TEST(Learner, TwoWorkersGiveNearlyTheSameAndEachItsOwnBits) {
  const auto model = tiny_model(false);
  const std::vector<Sequence> sequences = some_sequences(9);
  const LearnerWork work = work_on(sequences, {{0, 1}, {2, 3}, {4}, {5, 6}, {7, 8}});
  const Gradient one = gradient_of(model, work, 1);
  const Gradient two = gradient_of(model, work, 2);
  expect_near(one, two, 1e-5);
  EXPECT_EQ(one, gradient_of(model, work, 1));
  for (int repetition = 0; repetition < 5; ++repetition) {
    EXPECT_EQ(two, gradient_of(model, work, 2));
  }
}

TEST(Learner, GradientsOfSeveralCallsAddUp) {
  const auto model = tiny_model(true);
  const std::vector<Sequence> sequences = some_sequences(4);
  const LearnerWork first = work_on(sequences, {{0, 1}});
  const LearnerWork second = work_on(sequences, {{2, 3}});
  const std::unique_ptr<Learner> learner = Learner::make(model, {});
  const double loss = learner->accumulate(first, weighted_loss(first)) +
                      learner->accumulate(second, weighted_loss(second));
  const Gradient added = gradient_of(*learner);
  const LearnerWork both = work_on(sequences, {{0, 1}, {2, 3}});
  EXPECT_NEAR(learner->accumulate(both, weighted_loss(both)), loss, 1e-9);
  expect_near(gradient_of(*learner), added, 1e-6);
}

TEST(Learner, ScoresAreTheLogProbsThatTheLossIsGiven) {
  const auto model = tiny_model(true);
  const std::vector<Sequence> sequences = some_sequences(5);
  const LearnerWork work = work_on(sequences, {{3, 0}, {1, 2, 4}});
  const std::unique_ptr<Learner> learner = Learner::make(model, {});
  const std::vector<std::vector<float>> scores = learner->score(work);
  learner->accumulate(work, [&](std::size_t index, const ScoredTokens& scored) {
    std::vector<float> expected;
    for (const std::size_t sequence : scored.sequences) {
      expected.insert(expected.end(), scores[sequence].begin(), scores[sequence].end());
    }
    EXPECT_EQ(expected, std::vector<float>(scored.logp.begin(), scored.logp.end())) << index;
    for (const float entropy : scored.entropy) {
      EXPECT_GT(entropy, 0.0F);
      EXPECT_LE(entropy, std::log(29.0F) + 1e-5F);
    }
    return TokenLoss{0.0, std::vector<float>(scored.logp.size(), 0.0F), {}};
  });
}

// Tokens without a weight in the loss do not reach the gradient, however unlikely they are.
TEST(Learner, AMaskedSequenceAddsNothing) {
  const auto model = tiny_model(true);
  const std::vector<Sequence> sequences = some_sequences(3);
  const std::unique_ptr<Learner> learner = Learner::make(model, {});
  const LearnerWork all = work_on(sequences, {{0}, {1}, {2}});
  const LossFunction inner = weighted_loss(all);
  learner->accumulate(all, [&](std::size_t index, const ScoredTokens& scored) {
    TokenLoss loss = inner(index, scored);
    if (scored.sequences[0] == 1) {
      loss = {1e30, std::vector<float>(scored.logp.size(), 0.0F), {}};
    }
    return loss;
  });
  const Gradient masked = gradient_of(*learner);
  EXPECT_EQ(masked, gradient_of(model, work_on(sequences, {{0}, {2}})));
}

TEST(Learner, AGradientThatIsNotFiniteIsSkippedAndNamed) {
  const auto model = tiny_model(true);
  const auto untouched = tiny_model(true);
  const std::vector<Sequence> sequences = some_sequences(3);
  const LearnerWork work = work_on(sequences, {{0, 1}, {2}});
  const std::unique_ptr<Learner> learner = Learner::make(model, {});
  const LossFunction inner = weighted_loss(work);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    learner->accumulate(work, [&](std::size_t index, const ScoredTokens& scored) {
      TokenLoss loss = inner(index, scored);
      if (index == 1) loss.d_logp[0] = bad;
      return loss;
    });
    const UpdateReport report = learner->update({});
    EXPECT_TRUE(report.skipped);
    EXPECT_EQ(report.bad_tensor, model->parameters().front().name);
  }
  EXPECT_EQ(weights_of(*model), weights_of(*untouched));
  // The next good step is the first one: nothing was left in gradients, moments or step count.
  const std::unique_ptr<Learner> fresh = Learner::make(untouched, {});
  for (Learner* each : {learner.get(), fresh.get()}) {
    each->accumulate(work, inner);
    EXPECT_FALSE(each->update({}).skipped);
  }
  EXPECT_EQ(weights_of(*model), weights_of(*untouched));
}

TEST(Learner, AFrozenEmbeddingStaysWhileTheRestMoves) {
  for (const bool tied : {true, false}) {
    const auto model = tiny_model(tied);
    const auto before = weights_of(*model);
    const std::vector<Sequence> sequences = some_sequences(3);
    const LearnerWork work = work_on(sequences, {{0, 1, 2}});
    LearnerOptions options;
    options.freeze_embedding = true;
    const std::unique_ptr<Learner> learner = Learner::make(model, options);
    learner->accumulate(work, weighted_loss(work));
    OptimizerStep step;
    step.weight_decay = 0.1;
    EXPECT_FALSE(learner->update(step).skipped);
    for (const auto& [name, bytes] : weights_of(*model)) {
      if (name == "model.embed_tokens.weight") {
        EXPECT_EQ(bytes, before.at(name));
      } else {
        EXPECT_NE(bytes, before.at(name)) << name;
      }
    }
  }
}

TEST(Learner, FrozenLayersStayAndTheOthersGetTheGradientTheyHadBefore) {
  const auto model = tiny_model(false);
  const std::vector<Sequence> sequences = some_sequences(3);
  const LearnerWork work = work_on(sequences, {{0, 1, 2}});
  const Gradient whole = gradient_of(model, work);
  LearnerOptions options;
  options.freeze_embedding = true;
  options.freeze_layers = 1;
  const std::unique_ptr<Learner> learner = Learner::make(model, options);
  learner->accumulate(work, weighted_loss(work));
  const Gradient upper = gradient_of(*learner);
  for (const auto& [name, values] : whole) {
    const bool is_frozen = name.starts_with("model.layers.0.") || name.starts_with("model.embed");
    EXPECT_EQ(upper.contains(name), !is_frozen) << name;
    if (!is_frozen) {
      EXPECT_EQ(upper.at(name), values) << name;
    }
  }
}

TEST(Learner, TensorOperatorsGiveTheSameLossAndGradient) {
  const auto model = tiny_model(false);
  const std::vector<Sequence> sequences = some_sequences(6);
  const LearnerWork work = work_on(sequences, {{0, 1, 2}, {3, 4, 5}});
  double losses[2];
  Gradient gradients[2];
  for (const bool plain : {false, true}) {
    LearnerOptions options;
    options.tensor_operators = plain;
    const std::unique_ptr<Learner> learner = Learner::make(model, options);
    losses[plain] = learner->accumulate(work, weighted_loss(work));
    gradients[plain] = gradient_of(*learner);
  }
  EXPECT_NEAR(losses[0], losses[1], 1e-5 * std::abs(losses[0]));
  for (const auto& [name, values] : gradients[0]) {
    const std::vector<float>& others = gradients[1].at(name);
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_NEAR(values[i], others[i], 1e-5 + 1e-4 * std::abs(values[i])) << name;
    }
  }
}

TEST(Learner, ClippingScalesTheGradientAndReportsTheNormBefore) {
  const auto model = tiny_model(true);
  const std::vector<Sequence> sequences = some_sequences(3);
  const LearnerWork work = work_on(sequences, {{0, 1, 2}});
  const Gradient gradient = gradient_of(model, work);
  double squares = 0.0;
  for (const auto& [name, values] : gradient) squares += std::pow(norm_of(values), 2);
  const std::unique_ptr<Learner> learner = Learner::make(model, {});
  learner->accumulate(work, weighted_loss(work));
  OptimizerStep step = reading_step();
  step.gradient_norm_max = 0.25 * std::sqrt(squares);
  const UpdateReport report = learner->update(step);
  EXPECT_NEAR(report.gradient_norm, std::sqrt(squares), 1e-5 * std::sqrt(squares));
  const TestFolder folder;
  ASSERT_TRUE(learner->save_optimizer(folder.file("moments")));
  const lm::SafetensorsFile file = lm::SafetensorsFile::open(folder.file("moments")).value();
  const auto& [name, values] = *gradient.begin();
  const lm::TensorView* clipped = file.find("exp_avg." + name);
  ASSERT_NE(clipped, nullptr);
  for (std::size_t i = 0; i < values.size(); ++i) {
    float value = 0.0F;
    std::memcpy(&value, clipped->data.data() + i * sizeof value, sizeof value);
    EXPECT_NEAR(value, 0.25F * values[i], 1e-6F + 1e-5F * std::abs(values[i]));
  }
}

// The arithmetic of AdamW (Loshchilov and Hutter, arXiv 1711.05101), written out for two steps.
TEST(Learner, UpdatesAreThoseOfAdamW) {
  const auto model = tiny_model(false);
  const std::vector<Sequence> sequences = some_sequences(3);
  const LearnerWork work = work_on(sequences, {{0, 1, 2}});
  const lm::Parameter& parameter = model->parameters().back();
  const double decay = parameter.decay ? 0.1 : 0.0;
  const std::unique_ptr<Learner> learner = Learner::make(model, {});
  OptimizerStep step{
      .learning_rate = 0.01, .beta1 = 0.8, .beta2 = 0.9, .eps = 1e-8, .weight_decay = 0.1};
  double weight = parameter.tensor.detach().flatten()[3].item<double>();
  double first = 0.0, second = 0.0;
  for (int t = 1; t <= 2; ++t) {
    const double gradient = gradient_of(model, work).at(parameter.name)[3];
    first = 0.8 * first + 0.2 * gradient;
    second = 0.9 * second + 0.1 * gradient * gradient;
    weight -= 0.01 * decay * weight;
    weight -= 0.01 * (first / (1 - std::pow(0.8, t))) /
              (std::sqrt(second / (1 - std::pow(0.9, t))) + 1e-8);
    learner->accumulate(work, weighted_loss(work));
    EXPECT_FALSE(learner->update(step).skipped);
    EXPECT_NEAR(parameter.tensor.detach().flatten()[3].item<double>(), weight, 1e-6);
  }
}

TEST(Learner, MomentsOfAnotherShapeAreRefused) {
  const TestFolder folder;
  const std::unique_ptr<Learner> tied = Learner::make(tiny_model(true), {});
  const std::unique_ptr<Learner> untied = Learner::make(tiny_model(false), {});
  ASSERT_TRUE(tied->save_optimizer(folder.file("moments")));
  const Status refused = untied->load_optimizer(folder.file("moments"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("lm_head.weight"), std::string::npos);
}

TEST(Learner, AStepWithoutTargetsChangesNothing) {
  const auto model = tiny_model(true);
  const auto before = weights_of(*model);
  std::vector<Sequence> sequences = some_sequences(1);
  sequences[0].sampled.assign(sequences[0].tokens.size(), 0);
  const LearnerWork work = work_on(sequences, {{0}});
  const std::unique_ptr<Learner> learner = Learner::make(model, {});
  EXPECT_EQ(learner->accumulate(work, weighted_loss(work)), 0.0);
  EXPECT_FALSE(learner->update({}).skipped);
  EXPECT_EQ(weights_of(*model), before);
}

}  // namespace
}  // namespace turnhalle
