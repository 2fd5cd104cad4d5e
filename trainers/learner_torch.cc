#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <string_view>
#include <thread>

#include "agents/lm/transformer_torch.h"
#include "core/text.h"
#include "kernels/kernels.h"
#include "trainers/learner.h"
#include "trainers/optimizer_torch.h"

namespace turnhalle {
namespace {

// Logits of one chunk stay below this many elements, whatever the vocabulary.
constexpr std::int64_t kChunkElements = std::int64_t{8} << 20;

using Gradients = std::vector<at::Tensor>;

// Log-probs and entropies of target tokens from their hidden states, and the way back. Keeps the
// logits of a single chunk for the way back and computes those of several chunks anew.
class TokenHead {
 public:
  TokenHead(at::Tensor rows, at::Tensor weight, std::vector<std::int32_t> chosen, float temperature,
            bool tensor_operators)
      : rows_(std::move(rows)),
        weight_(std::move(weight)),
        chosen_(std::move(chosen)),
        temperature_(temperature),
        tensor_operators_(tensor_operators),
        logp_(chosen_.size()),
        entropy_(chosen_.size()),
        normalizer_(chosen_.size()) {
    chunk_ = std::max<std::int64_t>(1, kChunkElements / weight_.size(0));
  }

  void forward() {
    for (std::int64_t begin = 0; begin < count(); begin += chunk_) {
      const std::int64_t end = std::min(count(), begin + chunk_);
      logits_ = at::mm(rows_.slice(0, begin, end), weight_.t());
      if (tensor_operators_) {
        plain_forward(begin, end);
        continue;
      }
      const auto at_begin = static_cast<std::size_t>(begin);
      kernels::log_prob_from_logits_forward(
          shape(begin, end), logits_.const_data_ptr<float>(),
          {&logp_[at_begin], &entropy_[at_begin], &normalizer_[at_begin]});
    }
  }

  // Writes d_rows and adds to d_weight.
  at::Tensor backward(const TokenLoss& loss, at::Tensor& d_weight) {
    at::Tensor d_rows = at::empty_like(rows_);
    const std::vector<float> no_entropy(loss.d_entropy.empty() ? chosen_.size() : 0, 0.0F);
    const float* d_entropy = loss.d_entropy.empty() ? no_entropy.data() : loss.d_entropy.data();
    for (std::int64_t begin = 0; begin < count(); begin += chunk_) {
      const std::int64_t end = std::min(count(), begin + chunk_);
      const at::Tensor rows = rows_.slice(0, begin, end);
      if (count() > chunk_) logits_ = at::mm(rows, weight_.t());
      if (tensor_operators_) {
        plain_backward(loss.d_logp.data() + begin, d_entropy + begin, begin, end);
      } else {
        const auto at_begin = static_cast<std::size_t>(begin);
        kernels::log_prob_from_logits_backward(shape(begin, end),
                                               {&loss.d_logp[at_begin], d_entropy + begin,
                                                &entropy_[at_begin], &normalizer_[at_begin]},
                                               logits_.mutable_data_ptr<float>());
      }
      d_rows.slice(0, begin, end).copy_(at::mm(logits_, weight_));
      if (d_weight.defined()) d_weight.addmm_(logits_.t(), rows);
    }
    return d_rows;
  }

  const std::vector<float>& logp() const { return logp_; }
  const std::vector<float>& entropy() const { return entropy_; }

 private:
  std::int64_t count() const { return static_cast<std::int64_t>(chosen_.size()); }
  kernels::LogitRows shape(std::int64_t begin, std::int64_t end) const {
    return {end - begin, weight_.size(0), &chosen_[static_cast<std::size_t>(begin)], temperature_};
  }

  // The same two, with tensor operators: for devices that the kernels do not reach.
  void plain_forward(std::int64_t begin, std::int64_t end) {
    const at::Tensor scaled = logits_ / temperature_;
    const at::Tensor normalizer = at::logsumexp(scaled, {1}, true);
    const at::Tensor logp = scaled.gather(1, index(begin, end)) - normalizer;
    const at::Tensor entropy = normalizer - (at::exp(scaled - normalizer) * scaled).sum(1, true);
    to_host(logp, &logp_[static_cast<std::size_t>(begin)]);
    to_host(entropy, &entropy_[static_cast<std::size_t>(begin)]);
  }

  // d logits = (d_logp (one-hot − p) − d_entropy p (log p + entropy)) / temperature
  void plain_backward(const float* d_logp, const float* d_entropy, std::int64_t begin,
                      std::int64_t end) {
    const at::Tensor log_p = at::log_softmax(logits_ / temperature_, 1);
    const at::Tensor p = at::exp(log_p);
    const at::Tensor entropy = -(p * log_p).sum(1, true);
    const at::Tensor weight = from_host(d_logp, end - begin);
    logits_ = -p * (weight + from_host(d_entropy, end - begin) * (log_p + entropy));
    logits_.scatter_add_(1, index(begin, end), weight);
    logits_.div_(temperature_);
  }

  at::Tensor index(std::int64_t begin, std::int64_t end) {
    return at::from_blob(chosen_.data() + begin, {end - begin, 1}, at::kInt)
        .to(rows_.device(), at::kLong);
  }
  at::Tensor from_host(const float* values, std::int64_t count) const {
    return at::from_blob(const_cast<float*>(values), {count, 1}, at::kFloat).to(rows_.device());
  }
  static void to_host(const at::Tensor& column, float* values) {
    const at::Tensor host = column.to(at::kCPU).contiguous();
    std::memcpy(values, host.const_data_ptr<float>(), host.nbytes());
  }

  at::Tensor rows_, weight_, logits_;
  std::vector<std::int32_t> chosen_;
  float temperature_;
  bool tensor_operators_;
  std::int64_t chunk_ = 1;
  std::vector<float> logp_, entropy_, normalizer_;
};

// A micro-batch as the transformer takes it, with the rows that predict its targets.
struct PackedTargets {
  lm::PackedBatch packed;
  std::vector<std::int64_t> rows;         // index of the hidden state that predicts the target
  std::vector<std::int32_t> chosen;       // the target
  std::vector<std::size_t> per_sequence;  // number of targets
};

PackedTargets pack(const LearnerWork& work, std::span<const std::size_t> sequences) {
  PackedTargets result;
  for (const std::size_t index : sequences) {
    const Sequence& sequence = work.sequences[index];
    result.packed.append_sharing(sequence.tokens);
    const auto rows = result.packed.packed.sequence(result.packed.sequence_count() - 1);
    const std::vector<std::size_t> positions = target_positions(sequence, work.targets);
    for (const std::size_t position : positions) {
      result.rows.push_back(rows[position - 1]);
      result.chosen.push_back(sequence.tokens[position]);
    }
    result.per_sequence.push_back(positions.size());
  }
  return result;
}

at::Tensor select_rows(const at::Tensor& hidden, std::vector<std::int64_t>& rows) {
  const at::Tensor index =
      at::from_blob(rows.data(), {static_cast<std::int64_t>(rows.size())}, at::kLong)
          .to(hidden.device());
  return hidden.index_select(0, index);
}

// Which layer a tensor belongs to; the norm and head above the layers count as one more.
std::int64_t layer_of(const lm::Parameter& parameter) {
  constexpr std::string_view kLayers = "model.layers.";
  std::int64_t layer = std::numeric_limits<std::int64_t>::max();
  if (parameter.name.starts_with(kLayers)) {
    const std::string_view rest = std::string_view(parameter.name).substr(kLayers.size());
    parse_integer(rest.substr(0, rest.find('.')), layer);
  }
  return layer;
}

class TorchLearner final : public Learner {
 public:
  TorchLearner(std::shared_ptr<lm::Transformer> model, LearnerOptions options)
      : model_(std::move(model)), options_(options) {
    forward_.precision = options.precision;
    forward_.reference = options.tensor_operators || !model_->device().is_cpu();
    std::vector<lm::Parameter> trained;
    for (const lm::Parameter& parameter : model_->parameters()) {
      const bool is_embedding = parameter.tensor.is_same(model_->embedding());
      if (is_embedding ? options.freeze_embedding : layer_of(parameter) < options.freeze_layers) {
        parameter.tensor.set_requires_grad(false);
        continue;
      }
      if (parameter.tensor.is_same(model_->head_weight())) head_ = parameters_.size();
      parameters_.push_back(parameter.tensor);
      trained.push_back(parameter);
    }
    optimizer_ = std::make_unique<Optimizer>(std::move(trained));
  }

  double accumulate(const LearnerWork& work, const LossFunction& loss) override {
    const auto workers = static_cast<std::size_t>(std::max(1, options_.workers));
    std::vector<Gradients> gradients(workers);
    std::vector<double> losses(work.micro_batches.size(), 0.0);
    in_workers(workers, [&](std::size_t worker) {
      for (std::size_t i = worker; i < work.micro_batches.size(); i += workers) {
        losses[i] = one_micro_batch(work, i, loss, gradients[worker]);
      }
    });
    const c10::NoGradGuard no_grad;
    for (Gradients& part : gradients) {
      add_gradients(gradients_, part);
    }
    return std::accumulate(losses.begin(), losses.end(), 0.0);
  }

  std::vector<std::vector<float>> score(const LearnerWork& work) override {
    std::vector<std::vector<float>> result(work.sequences.size());
    const auto workers = static_cast<std::size_t>(std::max(1, options_.workers));
    in_workers(workers, [&](std::size_t worker) {
      const c10::NoGradGuard no_grad;
      for (std::size_t i = worker; i < work.micro_batches.size(); i += workers) {
        PackedTargets targets = pack(work, work.micro_batches[i]);
        TokenHead head(select_rows(model_->hidden(targets.packed, forward_), targets.rows),
                       model_->head_weight().detach(), targets.chosen, work.temperature,
                       forward_.reference);
        head.forward();
        std::size_t begin = 0;
        for (std::size_t k = 0; k < targets.per_sequence.size(); ++k) {
          const auto first = head.logp().begin() + static_cast<std::ptrdiff_t>(begin);
          const auto count = static_cast<std::ptrdiff_t>(targets.per_sequence[k]);
          result[work.micro_batches[i][k]].assign(first, first + count);
          begin += targets.per_sequence[k];
        }
      }
    });
    return result;
  }

  UpdateReport update(const OptimizerStep& step) override {
    UpdateReport report;
    if (gradients_.empty()) {
      return report;  // no token was trained on
    }
    report = optimizer_->update(step, gradients_);
    gradients_.clear();
    return report;
  }

  void reset_optimizer() override {
    optimizer_->reset();
    gradients_.clear();
  }

  Status save_optimizer(const std::string& path) const override { return optimizer_->save(path); }
  Status load_optimizer(const std::string& path) override { return optimizer_->load(path); }

 private:
  // Runs task(0) … task(workers-1), each on a thread of its own with one ATen thread.
  static void in_workers(std::size_t workers, const std::function<void(std::size_t)>& task) {
    if (workers == 1) {
      task(0);
      return;
    }
    const int before = at::get_num_threads();
    at::set_num_threads(1);
    std::vector<std::thread> threads;
    for (std::size_t worker = 1; worker < workers; ++worker) {
      threads.emplace_back([&task, worker] {
        at::set_num_threads(1);
        task(worker);
      });
    }
    task(0);
    for (std::thread& thread : threads) thread.join();
    at::set_num_threads(before);
  }

  static void add_gradients(Gradients& into, Gradients& part) {
    if (into.empty()) {
      into = std::move(part);
      return;
    }
    for (std::size_t i = 0; i < part.size(); ++i) into[i].add_(part[i]);
  }

  double one_micro_batch(const LearnerWork& work, std::size_t index, const LossFunction& loss,
                         Gradients& into) const {
    const std::vector<std::size_t>& sequences = work.micro_batches[index];
    PackedTargets targets = pack(work, sequences);
    if (targets.chosen.empty()) {
      return 0.0;
    }
    const at::Tensor rows = select_rows(model_->hidden(targets.packed, forward_), targets.rows);
    at::Tensor d_rows;
    TokenLoss token_loss;
    Gradients gradients;
    at::Tensor d_head;
    {
      const c10::NoGradGuard no_grad;
      TokenHead head(rows.detach(), model_->head_weight().detach(), std::move(targets.chosen),
                     work.temperature, forward_.reference);
      head.forward();
      token_loss = loss(index, {sequences, head.logp(), head.entropy()});
      if (head_ < parameters_.size()) d_head = at::zeros_like(parameters_[head_].detach());
      d_rows = head.backward(token_loss, d_head);
    }
    gradients = torch::autograd::grad({rows}, parameters_, {d_rows}, /*retain_graph=*/false,
                                      /*create_graph=*/false, /*allow_unused=*/true);
    const c10::NoGradGuard no_grad;
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      if (!gradients[i].defined()) gradients[i] = at::zeros_like(parameters_[i].detach());
    }
    // A tied head is the embedding: its gradient has both parts.
    if (d_head.defined()) gradients[head_] = gradients[head_] + d_head;
    add_gradients(into, gradients);
    return token_loss.loss;
  }

  std::shared_ptr<lm::Transformer> model_;
  LearnerOptions options_;
  lm::ForwardOptions forward_;
  std::vector<at::Tensor> parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  Gradients gradients_;
  std::size_t head_ = static_cast<std::size_t>(-1);  // index of the head among the parameters
};

}  // namespace

std::unique_ptr<Learner> Learner::make(std::shared_ptr<lm::Transformer> model,
                                       LearnerOptions options) {
  return std::make_unique<TorchLearner>(std::move(model), options);
}

void set_arithmetic_threads(int threads) { at::set_num_threads(std::max(1, threads)); }

std::int64_t parameter_count(const lm::Transformer& model) { return model.config().parameters(); }

}  // namespace turnhalle
