#include "agents/lm/precision_torch.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace turnhalle::lm {
namespace {

constexpr std::int64_t kSide = 512;

// The best of some runs: a machine that is busy with other things only makes a run slower.
double best_gflops(at::ScalarType type) {
  const at::Tensor left = at::full({kSide, kSide}, 0.5, at::TensorOptions().dtype(type));
  const at::Tensor right = at::full({kSide, kSide}, 0.25, at::TensorOptions().dtype(type));
  double best = 0;
  for (int run = 0; run < 4; ++run) {
    const auto start = std::chrono::steady_clock::now();
    const at::Tensor product = at::mm(left, right);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    const double flops = 2.0 * kSide * kSide * kSide;
    best = std::max(best, flops / std::max(seconds.count(), 1e-9) * 1e-9);
  }
  return best;
}

}  // namespace

std::string name_of(Precision precision) {
  return precision == Precision::float32 ? "float32" : "bfloat16";
}

PrecisionRates measure_precision() {
  const c10::InferenceMode no_gradients;
  return {best_gflops(at::kFloat), best_gflops(at::kBFloat16)};
}

Precision choose_precision(std::optional<Precision> wanted) {
  if (wanted) {
    std::fprintf(stderr, "precision: %s, as asked for\n", name_of(*wanted).c_str());
    return *wanted;
  }
  constexpr double kWorthwhile = 1.5;
  const PrecisionRates rates = measure_precision();
  const Precision choice = rates.bfloat16_gflops >= kWorthwhile * rates.float32_gflops
                               ? Precision::bfloat16
                               : Precision::float32;
  std::fprintf(stderr, "precision: %s (measured %.0f GFLOP/s in float32, %.0f in bfloat16)\n",
               name_of(choice).c_str(), rates.float32_gflops, rates.bfloat16_gflops);
  return choice;
}

}  // namespace turnhalle::lm
