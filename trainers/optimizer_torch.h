// Updates of weights from gradients: AdamW, and Muon for the matrices of the layers.
//
// AdamW: Loshchilov and Hutter, arXiv 1711.05101. Muon: K. Jordan et al. 2024 (momentum, then the
// nearest orthogonal matrix by five Newton–Schulz steps), scaled as in Moonlight (arXiv
// 2502.16982, section 2.2) so that a learning rate means the same for both. Embedding, head,
// norms and biases are always AdamW's.
#pragma once

#include <string>
#include <vector>

#include "agents/lm/transformer_torch.h"
#include "core/result.h"
#include "trainers/learner.h"

namespace turnhalle {

class Optimizer {
 public:
  /// Keeps the tensors of `parameters`, all on one device, and updates them in place.
  explicit Optimizer(std::vector<lm::Parameter> parameters);

  /// One step; a gradient that is not finite leaves everything as it was. Gradients are in the
  /// order of the parameters and may be scaled in place.
  UpdateReport update(const OptimizerStep& step, std::vector<at::Tensor>& gradients);
  /// Moments 0, step 0.
  void reset();
  /// First and second moments and step counts as safetensors.
  Status save(const std::string& path) const;
  Status load(const std::string& path);

 private:
  void adamw(const OptimizerStep& step, const std::vector<at::Tensor>& gradients, bool with_decay);
  void muon(const OptimizerStep& step, const std::vector<at::Tensor>& gradients);
  bool takes_muon(const OptimizerStep& step, std::size_t index) const;

  std::vector<lm::Parameter> parameters_;
  std::vector<at::Tensor> first_, second_, counts_;
};

/// The orthogonal matrix near `matrix` [rows, columns]: its singular values come out between 0.7
/// and 1.2, its singular vectors as they were.
at::Tensor nearly_orthogonal(const at::Tensor& matrix);

}  // namespace turnhalle
