// The part of the CUDA runtime that tests of the kernels need, so that they include none of it.
#include <cuda_runtime.h>

#include "kernels/cuda_kernels.h"

namespace turnhalle::kernels::cuda {

void* allocate_managed(std::size_t bytes) {
  void* memory = nullptr;
  return cudaMallocManaged(&memory, bytes) == cudaSuccess ? memory : nullptr;
}

void free_managed(void* memory) { cudaFree(memory); }

int synchronize() { return static_cast<int>(cudaDeviceSynchronize()); }

}  // namespace turnhalle::kernels::cuda
