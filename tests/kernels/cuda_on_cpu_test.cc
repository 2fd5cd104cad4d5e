// The emulation itself: right kernels give right results under every seed, and each kind of
// wrong kernel is found.
#include "tests/kernels/cuda_on_cpu.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "tests/kernels/guarded_buffer.h"

namespace turnhalle::kernels::cuda {
namespace {

constexpr int kThreads = 256;

int thread_index() { return static_cast<int>(threadIdx.x); }

__global__ void tree_sum(const float* x, float* sums) {
  __shared__ float part[kThreads];
  part[thread_index()] = x[blockIdx.x * blockDim.x + threadIdx.x];
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (thread_index() < half) {
      part[thread_index()] += part[thread_index() + half];
    }
    __syncthreads();
  }
  if (thread_index() == 0) {
    sums[blockIdx.x] = part[0];
  }
}

/// Reads its neighbour's number without waiting for it.
__global__ void missing_barrier(const float* x, float* y) {
  __shared__ float part[kThreads];
  part[thread_index()] = x[thread_index()];
  y[thread_index()] = part[(thread_index() + 1) % kThreads];
  __syncthreads();
  part[thread_index()] = -1.0F;
}

__global__ void leaves_early(float* y) {
  if (thread_index() == 17) {
    return;
  }
  __syncthreads();
  y[thread_index()] = 1.0F;
}

__global__ void different_barriers(float* y) {
  if (thread_index() < 128) {
    __syncthreads();
  } else {
    y[thread_index()] = 1.0F;
    __syncthreads();
  }
}

__global__ void half_a_warp(float* y) {
  y[thread_index()] = __shfl_sync(0xffffU, y[thread_index()], 0);
}

__global__ void shuffles(int* y) {
  const int lane = thread_index() % 32;
  const int up = __shfl_up_sync(0xffffffffU, lane, 3);
  const int down = __shfl_down_sync(0xffffffffU, lane, 3);
  const int exchanged = __shfl_xor_sync(0xffffffffU, lane, 5);
  const int first = __shfl_sync(0xffffffffU, thread_index(), 0);
  const unsigned int odd = __ballot_sync(0xffffffffU, lane % 2 == 1);
  const bool right = up == (lane < 3 ? lane : lane - 3) &&
                     down == (lane > 28 ? lane : lane + 3) && exchanged == (lane ^ 5) &&
                     first == thread_index() - lane && odd == 0xaaaaaaaaU &&
                     __any_sync(0xffffffffU, lane == 9) && !__all_sync(0xffffffffU, lane == 9);
  y[thread_index()] = right ? 1 : 0;
}

__global__ void past_the_end(float* y) { y[thread_index() + 1] = 1.0F; }

__global__ void past_the_shared_array(float* y) {
  __shared__ float part[kThreads];
  part[thread_index() + static_cast<int>(blockDim.x) / kThreads] = 1.0F;
  __syncthreads();
  y[thread_index()] = part[thread_index()];
}

class CudaOnCpu : public ::testing::Test {
 protected:
  ~CudaOnCpu() override {
    cuda_on_cpu::clear_faults();
    cuda_on_cpu::set_seed(0);
  }
};

std::vector<float> ramp(std::size_t n) {
  std::vector<float> x(n);
  for (std::size_t i = 0; i < n; ++i) {
    x[i] = static_cast<float>(i % 97);
  }
  return x;
}

TEST_F(CudaOnCpu, ATreeSumIsExactUnderEverySeed) {
  GuardedBuffer<float> x(ramp(4 * kThreads));
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    cuda_on_cpu::set_seed(seed);
    GuardedBuffer<float> sums(4);
    const std::int64_t before = cuda_on_cpu::barriers_completed();
    ASSERT_EQ(launch(tree_sum, {4, 1, kThreads}, nullptr, x.data(), sums.data()), 0);
    EXPECT_EQ(cuda_on_cpu::barriers_completed() - before, 4 * 9);
    for (std::size_t block = 0; block < 4; ++block) {
      float expected = 0.0F;
      for (std::size_t i = 0; i < kThreads; ++i) {
        expected += x.span()[block * kThreads + i];
      }
      EXPECT_EQ(sums.span()[block], expected);
    }
  }
}

TEST_F(CudaOnCpu, AMissingBarrierChangesTheResultWithTheSeed) {
  GuardedBuffer<float> x(ramp(kThreads));
  std::set<std::vector<float>> results;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    cuda_on_cpu::set_seed(seed);
    GuardedBuffer<float> y(kThreads);
    ASSERT_EQ(launch(missing_barrier, {1, 1, kThreads}, nullptr, x.data(), y.data()), 0);
    results.insert(y.copy());
  }
  EXPECT_GT(results.size(), 1U);
}

TEST_F(CudaOnCpu, AThreadThatLeavesWhileOthersWaitIsReported) {
  GuardedBuffer<float> y(kThreads);
  EXPECT_EQ(launch(leaves_early, {1, 1, kThreads}, nullptr, y.data()), 1);
  ASSERT_EQ(cuda_on_cpu::faults().size(), 1U);
  EXPECT_NE(cuda_on_cpu::faults()[0].find("1 threads left while others wait"), std::string::npos);
  EXPECT_NE(cuda_on_cpu::faults()[0].find("cuda_on_cpu_test.cc:"), std::string::npos);
}

TEST_F(CudaOnCpu, ThreadsAtDifferentBarriersAreReported) {
  GuardedBuffer<float> y(kThreads);
  EXPECT_EQ(launch(different_barriers, {1, 1, kThreads}, nullptr, y.data()), 1);
  ASSERT_EQ(cuda_on_cpu::faults().size(), 1U);
  EXPECT_NE(cuda_on_cpu::faults()[0].find("different barriers"), std::string::npos);
}

TEST_F(CudaOnCpu, AShuffleOfPartOfAWarpIsReported) {
  GuardedBuffer<float> y(kThreads);
  EXPECT_EQ(launch(half_a_warp, {1, 1, kThreads}, nullptr, y.data()), 1);
  EXPECT_NE(cuda_on_cpu::faults().at(0).find("part of a warp"), std::string::npos);
}

TEST_F(CudaOnCpu, ABlockThatIsNotMadeOfWholeWarpsIsReported) {
  GuardedBuffer<float> y(kThreads);
  EXPECT_EQ(launch(leaves_early, {1, 1, 33}, nullptr, y.data()), 1);
  EXPECT_EQ(cuda_on_cpu::faults().at(0), "a block of 33 threads");
}

TEST_F(CudaOnCpu, ShufflesAndVotesMoveTheRightLanes) {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    cuda_on_cpu::set_seed(seed);
    GuardedBuffer<int> y(kThreads);
    ASSERT_EQ(launch(shuffles, {1, 1, kThreads}, nullptr, y.data()), 0);
    EXPECT_EQ(y.copy(), std::vector<int>(kThreads, 1));
  }
}

using CudaOnCpuDeathTest = CudaOnCpu;

TEST_F(CudaOnCpuDeathTest, AWritePastAGlobalBufferStopsTheProgram) {
  GuardedBuffer<float> y(kThreads);
  EXPECT_DEATH(launch(past_the_end, {1, 1, kThreads}, nullptr, y.data()), "");
}

TEST_F(CudaOnCpuDeathTest, AnIndexPastASharedArrayStopsTheProgram) {
  GuardedBuffer<float> y(kThreads);
  EXPECT_DEATH(launch(past_the_shared_array, {1, 1, kThreads}, nullptr, y.data()), "");
}

TEST(GuardedBuffer, AWriteBeforeTheBufferIsNoticed) {
  GuardedBuffer<float> y(3);
  EXPECT_TRUE(y.intact());
  y.data()[-1] = 0.0F;
  EXPECT_FALSE(y.intact());
}

}  // namespace
}  // namespace turnhalle::kernels::cuda
