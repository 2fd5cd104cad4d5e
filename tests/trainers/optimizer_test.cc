// Muon against its definition; AdamW is in learner_test.cc.
#include "trainers/optimizer_torch.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/rng.h"

namespace turnhalle {
namespace {

at::Tensor some_matrix(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  Random random(RandomKey::from_seed(seed));
  at::Tensor matrix = at::zeros({rows, columns});
  for (std::int64_t i = 0; i < matrix.numel(); ++i) {
    matrix.data_ptr<float>()[i] = static_cast<float>(random.normal());
  }
  return matrix;
}

TEST(Muon, SingularValuesComeNearOneAndSingularVectorsStay) {
  for (const auto& [rows, columns] : {std::pair{12, 12}, std::pair{8, 20}, std::pair{20, 8}}) {
    const at::Tensor matrix = some_matrix(rows, columns, 3);
    const at::Tensor result = nearly_orthogonal(matrix);
    const at::Tensor values = std::get<1>(at::linalg_svd(result));
    EXPECT_GT(values.min().item<float>(), 0.6F);
    EXPECT_LT(values.max().item<float>(), 1.3F);
    // resultᵀ · matrix is symmetric and positive when both have the same singular vectors.
    const at::Tensor product = at::mm(result.t(), matrix);
    EXPECT_LT((product - product.t()).abs().max().item<float>(), 1e-3F);
    EXPECT_GT(at::linalg_eigvalsh(product).min().item<float>(), -1e-3F);
  }
}

// Two steps written out for a parameter that packs two matrices.
TEST(Muon, UpdatesAreScaledOrthogonalMomentumForEachPackedMatrix) {
  const c10::NoGradGuard no_grad;
  lm::Parameter packed{"layer", some_matrix(10, 6, 1), true, {4, 6}};
  lm::Parameter embedding{"embedding", some_matrix(5, 6, 2), true, {}};
  at::Tensor expected = packed.tensor.clone();
  const at::Tensor embedding_before = embedding.tensor.clone();
  Optimizer optimizer({packed, embedding});
  OptimizerStep step;
  step.kind = OptimizerKind::muon;
  step.learning_rate = 0.01;
  step.weight_decay = 0.1;
  at::Tensor momentum = at::zeros({10, 6});
  for (std::uint64_t t = 0; t < 2; ++t) {
    const at::Tensor gradient = some_matrix(10, 6, 10 + t);
    momentum = 0.95 * momentum + gradient;
    const at::Tensor direction = gradient + 0.95 * momentum;
    expected = expected * (1 - 0.01 * 0.1);
    expected.slice(0, 0, 4) -=
        0.01 * 0.2 * std::sqrt(6.0) * nearly_orthogonal(direction.slice(0, 0, 4));
    expected.slice(0, 4, 10) -=
        0.01 * 0.2 * std::sqrt(6.0) * nearly_orthogonal(direction.slice(0, 4, 10));
    std::vector<at::Tensor> gradients = {gradient, some_matrix(5, 6, 20 + t)};
    EXPECT_FALSE(optimizer.update(step, gradients).skipped);
  }
  EXPECT_LT((packed.tensor - expected).abs().max().item<float>(), 1e-6F);
  // AdamW's first steps are about as long as the learning rate in every element.
  const at::Tensor moved = (embedding.tensor - embedding_before).abs();
  EXPECT_LT(moved.max().item<float>(), 0.03F);
  EXPECT_GT(moved.max().item<float>(), 0.005F);
}

}  // namespace
}  // namespace turnhalle
