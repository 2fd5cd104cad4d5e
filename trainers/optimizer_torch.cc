#include "trainers/optimizer_torch.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "agents/lm/safetensors.h"

namespace turnhalle {
namespace {

// Muon's scale in Moonlight: what makes its updates as large as AdamW's usually are.
constexpr double kMuonScale = 0.2;

lm::TensorView view(std::string name, const at::Tensor& tensor) {
  return {std::move(name), lm::DType::f32, tensor.sizes().vec(),
          std::as_bytes(
              std::span(tensor.const_data_ptr<float>(), static_cast<std::size_t>(tensor.numel())))};
}

}  // namespace

at::Tensor nearly_orthogonal(const at::Tensor& matrix) {
  const bool tall = matrix.size(0) > matrix.size(1);
  at::Tensor x = tall ? matrix.t() : matrix;
  x = x / (at::linalg_vector_norm(x) + 1e-7);
  // Each step takes a singular value s to a s + b s³ + c s⁵.
  constexpr double a = 3.4445, b = -4.7750, c = 2.0315;
  for (int step = 0; step < 5; ++step) {
    const at::Tensor square = at::mm(x, x.t());
    x = a * x + at::mm(b * square + c * at::mm(square, square), x);
  }
  return tall ? x.t() : x;
}

Optimizer::Optimizer(std::vector<lm::Parameter> parameters) : parameters_(std::move(parameters)) {
  reset();
}

void Optimizer::reset() {
  const c10::NoGradGuard no_grad;
  first_.clear();
  second_.clear();
  counts_.clear();
  for (const lm::Parameter& parameter : parameters_) {
    first_.push_back(at::zeros_like(parameter.tensor.detach()));
    second_.push_back(at::zeros_like(parameter.tensor.detach()));
    counts_.push_back(at::zeros({}, first_.back().options().dtype(at::kFloat)));
  }
}

UpdateReport Optimizer::update(const OptimizerStep& step, std::vector<at::Tensor>& gradients) {
  const c10::NoGradGuard no_grad;
  UpdateReport report;
  double squares = 0.0;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const double norm =
        at::linalg_vector_norm(gradients[i], 2, {}, false, at::kDouble).item<double>();
    if (!std::isfinite(norm) && report.bad_tensor.empty()) report.bad_tensor = parameters_[i].name;
    squares += norm * norm;
  }
  report.gradient_norm = std::sqrt(squares);
  report.skipped = !report.bad_tensor.empty();
  if (report.skipped) {
    return report;
  }
  const double limit = step.gradient_norm_max;
  if (limit > 0.0 && report.gradient_norm > limit) {
    for (at::Tensor& gradient : gradients) gradient.mul_(limit / report.gradient_norm);
  }
  muon(step, gradients);
  adamw(step, gradients, true);
  adamw(step, gradients, false);
  return report;
}

bool Optimizer::takes_muon(const OptimizerStep& step, std::size_t index) const {
  return step.kind == OptimizerKind::muon && !parameters_[index].layer_matrices.empty();
}

void Optimizer::muon(const OptimizerStep& step, const std::vector<at::Tensor>& gradients) {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (!takes_muon(step, i)) continue;
    counts_[i].add_(1.0F);
    first_[i].mul_(step.momentum).add_(gradients[i]);
    const at::Tensor direction = gradients[i] + step.momentum * first_[i];  // Nesterov's
    at::Tensor weight = parameters_[i].tensor.detach();
    weight.mul_(1.0 - step.learning_rate * step.weight_decay);
    std::int64_t begin = 0;
    for (const std::int64_t rows : parameters_[i].layer_matrices) {
      const double longer = static_cast<double>(std::max(rows, weight.size(1)));
      weight.slice(0, begin, begin + rows)
          .sub_(nearly_orthogonal(direction.slice(0, begin, begin + rows)),
                step.learning_rate * kMuonScale * std::sqrt(longer));
      begin += rows;
    }
  }
}

void Optimizer::adamw(const OptimizerStep& step, const std::vector<at::Tensor>& gradients,
                      bool with_decay) {
  std::vector<at::Tensor> weights, of_weights, first, second, counts;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i].decay != with_decay || takes_muon(step, i)) continue;
    weights.push_back(parameters_[i].tensor);
    of_weights.push_back(gradients[i].contiguous());
    first.push_back(first_[i]);
    second.push_back(second_[i]);
    counts_[i].add_(1.0F);
    counts.push_back(counts_[i]);
  }
  if (weights.empty()) {
    return;
  }
  at::_fused_adamw_(weights, of_weights, first, second, {}, counts, step.learning_rate, step.beta1,
                    step.beta2, with_decay ? step.weight_decay : 0.0, step.eps,
                    /*amsgrad=*/false, /*maximize=*/false);
}

Status Optimizer::save(const std::string& path) const {
  std::vector<at::Tensor> on_host;  // the views below point into them
  std::vector<lm::TensorView> views;
  const auto add = [&](std::string name, const at::Tensor& tensor) {
    on_host.push_back(tensor.cpu());
    views.push_back(view(std::move(name), on_host.back()));
  };
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    add("exp_avg." + parameters_[i].name, first_[i]);
    add("exp_avg_sq." + parameters_[i].name, second_[i]);
    add("step." + parameters_[i].name, counts_[i]);
  }
  return lm::write_safetensors(path, views);
}

Status Optimizer::load(const std::string& path) {
  Result<lm::SafetensorsFile> file = lm::SafetensorsFile::open(path);
  if (!file) {
    return file.error();
  }
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const std::string& parameter = parameters_[i].name;
    for (auto& [name, tensor] : {std::pair{"exp_avg." + parameter, first_[i]},
                                 std::pair{"exp_avg_sq." + parameter, second_[i]},
                                 std::pair{"step." + parameter, counts_[i]}}) {
      const lm::TensorView* stored = file->find(name);
      if (stored == nullptr || stored->dtype != lm::DType::f32 ||
          stored->shape != tensor.sizes().vec()) {
        return Error{path, "expected tensor " + name + " in the shape of the policy; found " +
                               (stored == nullptr ? "none" : "another shape")};
      }
      at::Tensor values = at::empty(tensor.sizes(), at::kFloat);
      std::memcpy(values.mutable_data_ptr<float>(), stored->data.data(), stored->data.size());
      tensor.copy_(values);
    }
  }
  return ok_status();
}

}  // namespace turnhalle
