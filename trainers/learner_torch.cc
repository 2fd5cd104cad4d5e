#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <thread>

#include "agents/lm/safetensors.h"
#include "agents/lm/transformer_torch.h"
#include "kernels/kernels.h"
#include "trainers/learner.h"

namespace turnhalle {
namespace {

// Logits of one chunk stay below this many elements, whatever the vocabulary.
constexpr std::int64_t kChunkElements = std::int64_t{8} << 20;

using Gradients = std::vector<at::Tensor>;

// Log-probs and entropies of target tokens from their hidden states, and the way back. Keeps the
// logits of a single chunk for the way back and computes those of several chunks anew.
class TokenHead {
 public:
  TokenHead(at::Tensor rows, at::Tensor weight, std::vector<std::int32_t> chosen, float temperature)
      : rows_(std::move(rows)),
        weight_(std::move(weight)),
        chosen_(std::move(chosen)),
        temperature_(temperature),
        logp_(chosen_.size()),
        entropy_(chosen_.size()),
        normalizer_(chosen_.size()) {
    chunk_ = std::max<std::int64_t>(1, kChunkElements / weight_.size(0));
  }

  void forward() {
    for (std::int64_t begin = 0; begin < count(); begin += chunk_) {
      const std::int64_t end = std::min(count(), begin + chunk_);
      logits_ = at::mm(rows_.slice(0, begin, end), weight_.t());
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
      const auto at_begin = static_cast<std::size_t>(begin);
      kernels::log_prob_from_logits_backward(
          shape(begin, end),
          {&loss.d_logp[at_begin], d_entropy + begin, &entropy_[at_begin], &normalizer_[at_begin]},
          logits_.mutable_data_ptr<float>());
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

  at::Tensor rows_, weight_, logits_;
  std::vector<std::int32_t> chosen_;
  float temperature_;
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
    const auto base = static_cast<std::size_t>(result.packed.token_count());
    const std::vector<std::size_t> positions = target_positions(sequence, work.targets);
    for (const std::size_t position : positions) {
      result.rows.push_back(static_cast<std::int64_t>(base + position - 1));
      result.chosen.push_back(sequence.tokens[position]);
    }
    result.per_sequence.push_back(positions.size());
    result.packed.append(sequence.tokens);
  }
  return result;
}

at::Tensor select_rows(const at::Tensor& hidden, std::vector<std::int64_t>& rows) {
  const at::Tensor index =
      at::from_blob(rows.data(), {static_cast<std::int64_t>(rows.size())}, at::kLong);
  return hidden.index_select(0, index);
}

class TorchLearner final : public Learner {
 public:
  TorchLearner(std::shared_ptr<lm::Transformer> model, LearnerOptions options)
      : model_(std::move(model)), options_(options) {
    forward_.precision = options.precision;
    for (const lm::Parameter& parameter : model_->parameters()) {
      const bool frozen = options.freeze_embedding && parameter.tensor.is_same(model_->embedding());
      if (frozen) {
        parameter.tensor.set_requires_grad(false);
        continue;
      }
      names_.push_back(parameter.name);
      decay_.push_back(parameter.decay);
      if (parameter.tensor.is_same(model_->head_weight())) head_ = parameters_.size();
      parameters_.push_back(parameter.tensor);
    }
    reset_optimizer();
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
                       model_->head_weight().detach(), targets.chosen, work.temperature);
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

  UpdateReport update(const AdamWStep& step) override {
    const c10::NoGradGuard no_grad;
    UpdateReport report;
    if (gradients_.empty()) {
      return report;  // no token was trained on
    }
    double squares = 0.0;
    for (std::size_t i = 0; i < gradients_.size(); ++i) {
      const double norm =
          at::linalg_vector_norm(gradients_[i], 2, {}, false, at::kDouble).item<double>();
      if (!std::isfinite(norm) && report.bad_tensor.empty()) report.bad_tensor = names_[i];
      squares += norm * norm;
    }
    report.gradient_norm = std::sqrt(squares);
    report.skipped = !report.bad_tensor.empty();
    if (!report.skipped) {
      const double limit = step.gradient_norm_max;
      if (limit > 0.0 && report.gradient_norm > limit) {
        for (at::Tensor& gradient : gradients_) gradient.mul_(limit / report.gradient_norm);
      }
      adamw(step, true);
      adamw(step, false);
    }
    gradients_.clear();
    return report;
  }

  void reset_optimizer() override {
    first_.clear();
    second_.clear();
    counts_.clear();
    for (const at::Tensor& parameter : parameters_) {
      first_.push_back(at::zeros_like(parameter.detach()));
      second_.push_back(at::zeros_like(parameter.detach()));
      counts_.push_back(at::zeros({}, at::kFloat));
    }
    gradients_.clear();
  }

  Status save_optimizer(const std::string& path) const override {
    std::vector<lm::TensorView> views;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      views.push_back(view("exp_avg." + names_[i], first_[i]));
      views.push_back(view("exp_avg_sq." + names_[i], second_[i]));
      views.push_back(view("step." + names_[i], counts_[i]));
    }
    return lm::write_safetensors(path, views);
  }

  Status load_optimizer(const std::string& path) override {
    Result<lm::SafetensorsFile> file = lm::SafetensorsFile::open(path);
    if (!file) {
      return file.error();
    }
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      for (auto& [name, tensor] : {std::pair{"exp_avg." + names_[i], first_[i]},
                                   std::pair{"exp_avg_sq." + names_[i], second_[i]},
                                   std::pair{"step." + names_[i], counts_[i]}}) {
        const lm::TensorView* stored = file->find(name);
        if (stored == nullptr || stored->dtype != lm::DType::f32 ||
            stored->shape != tensor.sizes().vec()) {
          return Error{path, "expected tensor " + name + " in the shape of the policy; found " +
                                 (stored == nullptr ? "none" : "another shape")};
        }
        std::memcpy(tensor.mutable_data_ptr<float>(), stored->data.data(), stored->data.size());
      }
    }
    return ok_status();
  }

 private:
  static lm::TensorView view(std::string name, const at::Tensor& tensor) {
    return {std::move(name), lm::DType::f32, tensor.sizes().vec(),
            std::as_bytes(std::span(tensor.const_data_ptr<float>(),
                                    static_cast<std::size_t>(tensor.numel())))};
  }

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
                     work.temperature);
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

  void adamw(const AdamWStep& step, bool with_decay) {
    std::vector<at::Tensor> weights, gradients, first, second, counts;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      if (decay_[i] != with_decay) continue;
      weights.push_back(parameters_[i]);
      gradients.push_back(gradients_[i].contiguous());
      first.push_back(first_[i]);
      second.push_back(second_[i]);
      counts_[i].add_(1.0F);
      counts.push_back(counts_[i]);
    }
    if (weights.empty()) {
      return;
    }
    at::_fused_adamw_(weights, gradients, first, second, {}, counts, step.learning_rate, step.beta1,
                      step.beta2, with_decay ? step.weight_decay : 0.0, step.eps,
                      /*amsgrad=*/false, /*maximize=*/false);
  }

  std::shared_ptr<lm::Transformer> model_;
  LearnerOptions options_;
  lm::ForwardOptions forward_;
  std::vector<at::Tensor> parameters_, first_, second_, counts_;
  Gradients gradients_;
  std::vector<std::string> names_;
  std::vector<bool> decay_;
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
