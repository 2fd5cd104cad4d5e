// The compiled copies of the kernels, one per instruction set (see decoder_cpu.cc).
#pragma once

#include "agents/lm/decoder_cpu.h"

namespace turnhalle::lm {

struct DecoderKernels {
  const TrainingKernels<float>* training_float;
  const TrainingKernels<double>* training_double;
  const GenerationKernels* generation;
};

DecoderKernels decoder_kernels_baseline();
DecoderKernels decoder_kernels_avx2();
DecoderKernels decoder_kernels_avx512();

}  // namespace turnhalle::lm
