#include "agents/lm/bench_policy_torch.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <chrono>

#include "agents/lm/engine_torch.h"
#include "agents/lm/transformer_torch.h"

namespace turnhalle::lm {
namespace {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

std::vector<TokenId> load_tokens(std::int64_t count, std::int64_t vocabulary, RandomKey key) {
  Random random(key);
  std::vector<TokenId> tokens;
  for (std::int64_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<TokenId>(random.below(static_cast<std::uint64_t>(vocabulary))));
  }
  return tokens;
}

void generate(Engine& engine, const PolicyLoad& load, PolicyRates& rates) {
  const RandomKey key = RandomKey::from_seed(1);
  std::vector<ConversationId> ids;
  for (std::int64_t i = 0; i < load.conversations; ++i) {
    const RandomKey own = key.split(static_cast<std::uint64_t>(i));
    ids.push_back(engine.open());
    engine.submit({ids.back(), load_tokens(load.prompt_tokens, engine.vocabulary_size(), own),
                   Sampling{1, static_cast<int>(load.new_tokens), {}}, own, {}});
  }
  const Stopwatch all;
  while (engine.counters().sampled == 0) {
    engine.step();
  }
  const auto first = static_cast<double>(engine.counters().sampled);
  const Stopwatch later;
  while (engine.step()) {
  }
  const auto sampled = static_cast<double>(engine.counters().sampled);
  rates.decoded.push_back((sampled - first) / later.seconds());
  rates.generated.push_back(sampled / all.seconds());
  for (const ConversationId id : ids) {
    engine.close(id);
  }
}

/// AdamW over all parameters of a model, one fused operator.
class Optimiser {
 public:
  explicit Optimiser(const Transformer& model) {
    for (const Parameter& parameter : model.parameters()) {
      weights_.push_back(parameter.tensor);
      first_.push_back(at::zeros_like(parameter.tensor).detach());
      second_.push_back(at::zeros_like(parameter.tensor).detach());
      steps_.push_back(at::ones({}, at::kFloat));
    }
  }
  const std::vector<at::Tensor>& weights() const { return weights_; }
  void step(const std::vector<at::Tensor>& gradients) {
    const c10::NoGradGuard no_gradients;
    at::_fused_adamw_(weights_, gradients, first_, second_, {}, steps_, 1e-5, 0.9, 0.95, 0.01, 1e-8,
                      /*amsgrad=*/false, /*maximize=*/false);
  }

 private:
  std::vector<at::Tensor> weights_, first_, second_, steps_;
};

struct TrainingLoad {
  PackedBatch batch;
  at::Tensor rows;     ///< [targets], the row that predicts each
  at::Tensor targets;  ///< [targets, 1]
  std::int64_t tokens = 0;  ///< of all sequences, what they share counted for each
};

std::vector<TokenId> load_sequence(const PolicyLoad& load, std::int64_t i,
                                   std::int64_t vocabulary) {
  const std::int64_t span = load.sequence_max - load.sequence_min + 1;
  const std::int64_t length = load.sequence_min + i * 37 % span;
  const RandomKey key = RandomKey::from_seed(2);
  std::vector<TokenId> tokens =
      load_tokens(length, vocabulary, key.split(static_cast<std::uint64_t>(i)));
  if (load.shared_prompt > 0) {
    const auto group = static_cast<std::uint64_t>(i / load.group_size);
    const std::vector<TokenId> prompt = load_tokens(std::min(load.shared_prompt, length - 1),
                                                    vocabulary, key.split("prompt").split(group));
    std::copy(prompt.begin(), prompt.end(), tokens.begin());
  }
  return tokens;
}

at::Tensor integers(const std::vector<std::int64_t>& values) {
  return at::from_blob(const_cast<std::int64_t*>(values.data()),
                       {static_cast<std::int64_t>(values.size())}, at::kLong)
      .clone();
}

TrainingLoad training_load(const PolicyLoad& load, std::int64_t vocabulary) {
  TrainingLoad result;
  std::vector<std::int64_t> rows, targets;
  for (std::int64_t i = 0; i < load.sequences; ++i) {
    const std::vector<TokenId> tokens = load_sequence(load, i, vocabulary);
    result.batch.append_sharing(tokens);
    const auto places = result.batch.packed.sequence(i);
    const auto first = static_cast<std::size_t>(std::max<std::int64_t>(1, load.shared_prompt));
    for (std::size_t position = first; position < tokens.size(); ++position) {
      rows.push_back(places[position - 1]);
      targets.push_back(tokens[position]);
    }
    result.tokens += static_cast<std::int64_t>(tokens.size());
  }
  result.rows = integers(rows);
  result.targets = integers(targets).unsqueeze(1);
  return result;
}

double train(const Transformer& model, Optimiser& optimiser, const TrainingLoad& load,
             Precision precision) {
  const Stopwatch watch;
  const at::Tensor hidden = model.hidden(load.batch, {precision, false});
  const at::Tensor logits = model.logits(hidden.index_select(0, load.rows));
  const at::Tensor logprobs = at::log_softmax(logits, -1).gather(1, load.targets).squeeze(1);
  const at::Tensor ratio = (logprobs - logprobs.detach()).exp();
  optimiser.step(torch::autograd::grad({-ratio.mean()}, optimiser.weights()));
  return static_cast<double>(load.tokens) / watch.seconds();
}

constexpr std::int64_t kTurnPart = 16;  // tokens of feedback, and of a reply

// Each turn but the first with the feedback before its reply overwritten.
std::vector<std::vector<TokenId>> counterfactuals(const PolicyLoad& load,
                                                  std::int64_t vocabulary) {
  std::vector<std::vector<TokenId>> variants;
  const RandomKey key = RandomKey::from_seed(3);
  for (std::int64_t rollout = 0; rollout < load.rollouts; ++rollout) {
    const std::vector<TokenId> whole =
        load_tokens(load.prompt_tokens + 2 * kTurnPart * load.turns, vocabulary,
                    key.split(static_cast<std::uint64_t>(rollout)));
    for (std::int64_t turn = 1; turn < load.turns; ++turn) {
      const std::int64_t feedback = load.prompt_tokens + 2 * kTurnPart * turn;
      std::vector<TokenId> variant(whole.begin(), whole.begin() + feedback + 2 * kTurnPart);
      std::fill_n(variant.begin() + feedback, kTurnPart, TokenId{0});
      variants.push_back(std::move(variant));
    }
  }
  std::sort(variants.begin(), variants.end());
  return variants;
}

double score(const Transformer& model, const std::vector<std::vector<TokenId>>& variants,
             Precision precision, bool sharing) {
  const c10::NoGradGuard no_gradients;
  const Stopwatch watch;
  PackedBatch batch;
  std::vector<std::int64_t> rows;  // that predict a reply's tokens
  for (const std::vector<TokenId>& variant : variants) {
    sharing ? batch.append_sharing(variant) : batch.append(variant);
    const auto places = batch.packed.sequence(batch.sequence_count() - 1);
    rows.insert(rows.end(), places.end() - kTurnPart - 1, places.end() - 1);
  }
  const at::Tensor index =
      at::from_blob(rows.data(), {static_cast<std::int64_t>(rows.size())}, at::kLong);
  const at::Tensor hidden = model.hidden(batch, {precision, false}).index_select(0, index);
  at::log_softmax(model.logits(hidden), -1);
  return static_cast<double>(variants.size()) / watch.seconds();
}

std::shared_ptr<Transformer> copy_of(const Transformer& model) {
  auto copy = std::make_shared<Transformer>(model.config());
  const std::vector<NamedWeight> from = model.hf_weights();
  const std::vector<NamedWeight> to = copy->hf_weights();
  for (std::size_t i = 0; i < from.size(); ++i) {
    at::Tensor(to[i].tensor).copy_(from[i].tensor);
  }
  return copy;
}

}  // namespace

PolicyRates measure_policy(std::shared_ptr<const Transformer> model, const PolicyLoad& load) {
  PolicyRates rates;
  PolicyRates warm_up;
  for (int run = -1; run < load.runs && load.conversations > 0; ++run) {
    EngineOptions options;
    options.precision = load.generation_precision;
    const auto engine = make_engine(model, options);
    generate(*engine, load, run < 0 ? warm_up : rates);
  }
  if (load.rollouts > 0) {
    const auto variants = counterfactuals(load, model->config().vocab_size);
    for (int run = -1; run < load.runs; ++run) {
      PolicyRates& kept = run < 0 ? warm_up : rates;
      for (const bool sharing : {true, false}) {
        (sharing ? kept.scored_sharing : kept.scored_apart)
            .push_back(score(*model, variants, load.training_precision, sharing));
      }
    }
  }
  if (load.sequences > 0) {
    const auto trained = copy_of(*model);
    Optimiser optimiser(*trained);
    const TrainingLoad batch = training_load(load, model->config().vocab_size);
    for (int run = -1; run < load.runs; ++run) {
      const double rate = train(*trained, optimiser, batch, load.training_precision);
      if (run >= 0) {
        rates.trained.push_back(rate);
      }
    }
  }
  return rates;
}

}  // namespace turnhalle::lm
