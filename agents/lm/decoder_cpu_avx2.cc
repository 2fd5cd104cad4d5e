#define TURNHALLE_VECTOR_BYTES 32
#include "agents/lm/decoder_cpu_variants.h"
#include "agents/lm/generation_cpu_impl.h"

namespace turnhalle::lm {

DecoderKernels decoder_kernels_avx2() {
  return {&kTrainingFloat, &kTrainingDouble, &kGeneration};
}

}  // namespace turnhalle::lm
