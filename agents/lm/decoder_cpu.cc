#include "agents/lm/decoder_cpu.h"

#include <algorithm>

#include "agents/lm/decoder_cpu_variants.h"

namespace turnhalle::lm {
namespace {

const DecoderKernels& chosen() {
#ifdef TURNHALLE_X86
  static const DecoderKernels kernels = __builtin_cpu_supports("avx512f") != 0
                                            ? decoder_kernels_avx512()
                                        : __builtin_cpu_supports("avx2") != 0 &&
                                                __builtin_cpu_supports("fma") != 0
                                            ? decoder_kernels_avx2()
                                            : decoder_kernels_baseline();
#else
  static const DecoderKernels kernels = decoder_kernels_baseline();
#endif
  return kernels;
}

}  // namespace

PackedMatrix pack_matrix(const float* matrix, std::int64_t rows, std::int64_t columns) {
  PackedMatrix packed;
  packed.rows = rows;
  packed.columns = columns;
  packed.data.assign(static_cast<std::size_t>(packed.panels() * columns * kTile), 0.0F);
  for (std::int64_t r = 0; r < rows; ++r) {
    float* panel = packed.data.data() + r / kTile * columns * kTile + r % kTile;
    for (std::int64_t c = 0; c < columns; ++c) {
      panel[c * kTile] = matrix[r * columns + c];
    }
  }
  return packed;
}

template <>
const TrainingKernels<float>& training_kernels<float>() {
  return *chosen().training_float;
}
template <>
const TrainingKernels<double>& training_kernels<double>() {
  return *chosen().training_double;
}
const GenerationKernels& generation_kernels() { return *chosen().generation; }

}  // namespace turnhalle::lm
