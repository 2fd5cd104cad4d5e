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
double best_gflops(at::ScalarType type, Device device) {
  const at::TensorOptions options =
      at::TensorOptions().dtype(type).device(device == Device::cuda ? at::kCUDA : at::kCPU);
  const at::Tensor left = at::full({kSide, kSide}, 0.5, options);
  const at::Tensor right = at::full({kSide, kSide}, 0.25, options);
  double best = 0;
  for (int run = 0; run < 4; ++run) {
    const auto start = std::chrono::steady_clock::now();
    at::mm(left, right)[0][0].item();  // the number is there when the device is done
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

PrecisionRates measure_precision(Device device) {
  const c10::InferenceMode no_gradients;
  return {best_gflops(at::kFloat, device), best_gflops(at::kBFloat16, device)};
}

std::optional<Precision> choose_precision(std::string_view name, Device device, bool explain) {
  for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
    if (name == name_of(precision)) return precision;
  }
  if (name != "auto") {
    return std::nullopt;
  }
  constexpr double kWorthwhile = 1.5;
  const PrecisionRates rates = measure_precision(device);
  const Precision choice = rates.bfloat16_gflops >= kWorthwhile * rates.float32_gflops
                               ? Precision::bfloat16
                               : Precision::float32;
  if (explain) {
    std::fprintf(stderr, "precision: %s (measured %.0f GFLOP/s in float32, %.0f in bfloat16)\n",
                 name_of(choice).c_str(), rates.float32_gflops, rates.bfloat16_gflops);
  }
  return choice;
}

}  // namespace turnhalle::lm
