// Runs CUDA kernels on the CPU, to test them where there is no GPU.
//
// A test source includes this header and then a .cu file, which g++ compiles as plain C++. Each
// CUDA thread of a block is a fiber; a fiber runs until it reaches a barrier (__syncthreads, a
// warp's shuffle or vote) or its end, and goes on when all threads of the block or warp have
// arrived. Between two barriers the fibers run in an order that a seed permutes, and so do the
// blocks: a missing barrier shows as a result that changes with the seed. Blocks run one after
// the other on the calling thread.
//
// Reported as faults (faults()): a thread that ends while others wait at a barrier, threads that
// wait at different barriers, barriers that can never be completed, shuffles of part of a warp.
// Global memory is checked by GuardedBuffer, arrays in shared memory by -fsanitize=bounds.
//
// Not covered: tensor cores, bulk copies, clusters, atomics, dynamic shared memory.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <source_location>
#include <string>
#include <vector>

// NOLINTBEGIN: the names are CUDA's.
#define TURNHALLE_CUDA_ON_CPU
#define __global__
#define __device__
#define __host__
#define __shared__ static

#include "kernels/cuda_launch.h"

struct CudaIndex {
  unsigned int x = 0, y = 0, z = 0;
};
extern CudaIndex threadIdx, blockIdx, blockDim, gridDim;

void __syncthreads(std::source_location where = std::source_location::current());
void __syncwarp(unsigned int mask = 0xffffffffU,
                std::source_location where = std::source_location::current());
// NOLINTEND

namespace turnhalle::cuda_on_cpu {

/// Order of the threads between barriers and of the blocks; 0 is the order of their indices.
void set_seed(std::uint64_t seed);

/// What was wrong in the launches since clear_faults(); the rest of a faulty block is not run.
const std::vector<std::string>& faults();
void clear_faults();

/// Barriers completed since the program began: a test of a kernel can see that it had any.
std::int64_t barriers_completed();

/// Runs body() for every thread of every block. Returns 0, or 1 after a fault.
int run_grid(const kernels::cuda::LaunchShape& shape, const std::function<void()>& body);

/// Puts `bits` into the own lane's slot, waits for the warp, and returns lane `source`'s.
std::uint64_t exchange(unsigned int mask, std::uint64_t bits, int source,
                       std::source_location where);
/// Bit i of the result is lane i's `predicate`.
unsigned int vote(unsigned int mask, bool predicate, std::source_location where);
/// The own lane, 0 … 31.
int own_lane();

template <class T>
T exchange_value(unsigned int mask, T value, int source, std::source_location where) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t));
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = exchange(mask, bits, source, where);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

}  // namespace turnhalle::cuda_on_cpu

// NOLINTBEGIN: the names are CUDA's.
template <class T>
T __shfl_sync(unsigned int mask, T value, int source,
              std::source_location where = std::source_location::current()) {
  return turnhalle::cuda_on_cpu::exchange_value(mask, value, source % 32, where);
}

template <class T>
T __shfl_up_sync(unsigned int mask, T value, unsigned int distance,
                 std::source_location where = std::source_location::current()) {
  const int lane = turnhalle::cuda_on_cpu::own_lane();
  const int source = lane - static_cast<int>(distance);
  return turnhalle::cuda_on_cpu::exchange_value(mask, value, source < 0 ? lane : source, where);
}

template <class T>
T __shfl_down_sync(unsigned int mask, T value, unsigned int distance,
                   std::source_location where = std::source_location::current()) {
  const int lane = turnhalle::cuda_on_cpu::own_lane();
  const int source = lane + static_cast<int>(distance);
  return turnhalle::cuda_on_cpu::exchange_value(mask, value, source > 31 ? lane : source, where);
}

template <class T>
T __shfl_xor_sync(unsigned int mask, T value, int lanes,
                  std::source_location where = std::source_location::current()) {
  const int source = turnhalle::cuda_on_cpu::own_lane() ^ lanes;
  return turnhalle::cuda_on_cpu::exchange_value(mask, value, source, where);
}

inline unsigned int __ballot_sync(unsigned int mask, bool predicate,
                                  std::source_location where = std::source_location::current()) {
  return turnhalle::cuda_on_cpu::vote(mask, predicate, where);
}

inline bool __any_sync(unsigned int mask, bool predicate,
                       std::source_location where = std::source_location::current()) {
  return turnhalle::cuda_on_cpu::vote(mask, predicate, where) != 0;
}

inline bool __all_sync(unsigned int mask, bool predicate,
                       std::source_location where = std::source_location::current()) {
  return turnhalle::cuda_on_cpu::vote(mask, predicate, where) == 0xffffffffU;
}
// NOLINTEND

namespace turnhalle::kernels::cuda {

/// As in cuda_launch.h; the stream is not looked at.
template <class... Parameters, class... Arguments>
int launch(void (*kernel)(Parameters...), LaunchShape shape, void* /*stream*/,
           Arguments... arguments) {
  return cuda_on_cpu::run_grid(shape, [&] { kernel(arguments...); });
}

}  // namespace turnhalle::kernels::cuda
