#include "kernels/vector_ops.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "core/check.h"

namespace turnhalle::kernels {

const VectorOps& vector_ops_baseline();
#if defined(TURNHALLE_X86)
const VectorOps& vector_ops_avx2();
const VectorOps& vector_ops_avx512();
#endif

bool isa_available(Isa isa) {
#if defined(TURNHALLE_X86)
  switch (isa) {
    case Isa::baseline:
      return true;
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f");
  }
  return false;
#else
  return isa == Isa::baseline;
#endif
}

Isa best_isa() {
  static const Isa best = isa_available(Isa::avx512) ? Isa::avx512
                          : isa_available(Isa::avx2) ? Isa::avx2
                                                     : Isa::baseline;
  return best;
}

const VectorOps& vector_ops(Isa isa) {
  check(isa_available(isa), "the processor has the instruction set", static_cast<int>(isa));
#if defined(TURNHALLE_X86)
  if (isa == Isa::avx2) {
    return vector_ops_avx2();
  }
  if (isa == Isa::avx512) {
    return vector_ops_avx512();
  }
#endif
  return vector_ops_baseline();
}

void softmax_merge(const SoftmaxState& part, SoftmaxState& state) {
  // A part that saw nothing above −inf has the maximum −inf and sums 0 (or NaN) relative to 0.
  constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
  const float max = part.max > state.max ? part.max : state.max;
  const auto add = [max](const SoftmaxState& from, double& sum, double& weighted) {
    if (from.max == kMinusInfinity) {
      sum += from.sum;
      weighted += from.weighted;
      return;
    }
    const double shift = static_cast<double>(from.max) - static_cast<double>(max);
    const double factor = std::exp(shift);
    sum += factor * from.sum;
    weighted += factor == 0.0 ? 0.0 : factor * (from.weighted + shift * from.sum);
  };
  double sum = 0.0;
  double weighted = 0.0;
  add(state, sum, weighted);
  add(part, sum, weighted);
  state = {max, sum, weighted};
}

double softmax_log_normalizer(const SoftmaxState& state) {
  if (state.max == -std::numeric_limits<float>::infinity()) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return static_cast<double>(state.max) + std::log(state.sum);
}

double softmax_entropy(const SoftmaxState& state) {
  if (state.max == -std::numeric_limits<float>::infinity()) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return std::log(state.sum) - state.weighted / state.sum;
}

void pack_transposed(const float* rows, std::int64_t n, std::int64_t k, std::int64_t tile,
                     float* packed) {
  for (std::int64_t column = 0; column < n; column += tile) {
    for (std::int64_t j = 0; j < tile; ++j) {
      const float* row = rows + (column + j) * k;
      const bool inside = column + j < n;
      for (std::int64_t p = 0; p < k; ++p) {
        packed[column * k + p * tile + j] = inside ? row[p] : 0.0F;
      }
    }
  }
}

void run_tasks(const CpuRun& run, std::int64_t count,
               const std::function<void(std::int64_t)>& task) {
  if (run.parallel_for && count > 1) {
    run.parallel_for(count, task);
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    task(i);
  }
}

}  // namespace turnhalle::kernels
