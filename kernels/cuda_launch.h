// How a kernel is started: one function, so that <<<…>>> stays out of the kernels' sources.
//
// nvcc compiles the launch on a GPU below. tests/kernels/cuda_on_cpu.h, included before a .cu
// file, puts its own launch() in its place and runs the same source on the CPU.
#pragma once

namespace turnhalle::kernels::cuda {

/// A grid of blocks of `threads` threads each.
struct LaunchShape {
  unsigned int blocks_x = 1, blocks_y = 1;
  unsigned int threads = 1;  ///< per block; a multiple of 32, at most 1024
};

}  // namespace turnhalle::kernels::cuda

#if !defined(TURNHALLE_CUDA_ON_CPU)
#include <cuda_runtime.h>

namespace turnhalle::kernels::cuda {

/// Queues kernel(arguments…) on `stream` (a cudaStream_t). Returns a cudaError_t, 0 for success.
template <class... Parameters, class... Arguments>
int launch(void (*kernel)(Parameters...), LaunchShape shape, void* stream,
           Arguments... arguments) {
  const dim3 grid(shape.blocks_x, shape.blocks_y);
  kernel<<<grid, shape.threads, 0, static_cast<cudaStream_t>(stream)>>>(arguments...);
  return static_cast<int>(cudaGetLastError());
}

}  // namespace turnhalle::kernels::cuda
#endif
