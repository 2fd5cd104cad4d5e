#include "tests/kernels/cuda_on_cpu.h"

#include <algorithm>
#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "tests/kernels/splitmix64.h"

CudaIndex threadIdx, blockIdx, blockDim, gridDim;

namespace turnhalle::cuda_on_cpu {
namespace {

namespace context = boost::context;

constexpr std::size_t kStackBytes = 65536;
constexpr unsigned int kWholeWarp = 0xffffffffU;
constexpr std::size_t kWarp = 32;

enum class State : std::uint8_t { ready, at_block_barrier, at_warp_barrier, ended };

struct Thread {
  context::fiber fiber;      ///< the thread, while the scheduler runs
  context::fiber scheduler;  ///< the scheduler, while the thread runs
  State state = State::ready;
  std::source_location where;  ///< of the barrier at which it waits
  std::uint64_t slot = 0;      ///< what it offers to its warp
};

/// The threads of the block that runs.
struct Block {
  std::vector<Thread> threads;
  std::size_t running = 0;
};

struct Emulator {
  std::uint64_t seed = 0;
  std::uint64_t random = 0;
  std::int64_t barriers = 0;
  std::vector<std::string> faults;
  Block* block = nullptr;
};

Emulator& emulator() {
  static Emulator instance;
  return instance;
}

std::vector<std::size_t> permutation(std::size_t n) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (emulator().seed != 0) {
    for (std::size_t i = n; i > 1; --i) {
      std::swap(order[i - 1], order[next_random(emulator().random) % i]);
    }
  }
  return order;
}

std::string place(const std::source_location& where) {
  return std::string(where.file_name()) + ":" + std::to_string(where.line());
}

std::string in_block() {
  return " (block " + std::to_string(blockIdx.x) + ", " + std::to_string(blockIdx.y) + ")";
}

/// Stops the running thread at a barrier until the scheduler lets it go on.
void wait(State at, const std::source_location& where) {
  Thread& self = emulator().block->threads[emulator().block->running];
  self.state = at;
  self.where = where;
  self.scheduler = std::move(self.scheduler).resume();
}

void require_whole_warp(unsigned int mask, const std::source_location& where) {
  if (mask != kWholeWarp) {
    emulator().faults.push_back("part of a warp takes part in " + place(where) + in_block());
  }
}

class Scheduler {
 public:
  Scheduler(std::size_t threads, const std::function<void()>& body) : body_(body) {
    block_.threads.resize(threads);
    emulator().block = &block_;
    for (Thread& thread : block_.threads) {
      // Not pooled: a stack from the heap is clean for the address sanitizer each time.
      context::fixedsize_stack stack(kStackBytes);
      thread.fiber = context::fiber(std::allocator_arg, stack, [this, &thread](
                                                                   context::fiber&& from) {
        thread.scheduler = std::move(from);
        body_();
        thread.state = State::ended;
        return std::move(thread.scheduler);
      });
    }
  }
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler() { emulator().block = nullptr; }

  /// Runs the block to its end or to its first fault.
  void run() {
    while (!all(0, block_.threads.size(), State::ended)) {
      run_ready_threads();
      bool released = false;
      for (std::size_t first = 0; first < block_.threads.size(); first += kWarp) {
        released = release(first, kWarp, State::at_warp_barrier) || released;
      }
      released = release(0, block_.threads.size(), State::at_block_barrier) || released;
      if (!emulator().faults.empty() || (!released && report_stuck())) {
        return;
      }
    }
  }

 private:
  bool all(std::size_t first, std::size_t count, State state) const {
    const auto begin = block_.threads.begin() + static_cast<std::ptrdiff_t>(first);
    return std::all_of(begin, begin + static_cast<std::ptrdiff_t>(count),
                       [state](const Thread& thread) { return thread.state == state; });
  }

  void run_ready_threads() {
    for (const std::size_t index : permutation(block_.threads.size())) {
      Thread& thread = block_.threads[index];
      if (thread.state == State::ready) {
        block_.running = index;
        threadIdx.x = static_cast<unsigned int>(index);
        thread.fiber = std::move(thread.fiber).resume();
      }
    }
  }

  /// Lets a warp or the block go on if all of it waits at the same barrier.
  bool release(std::size_t first, std::size_t count, State barrier) {
    if (!all(first, count, barrier)) {
      return false;
    }
    for (std::size_t i = first; i < first + count; ++i) {
      Thread& thread = block_.threads[i];
      const Thread& leader = block_.threads[first];
      if (thread.where.line() != leader.where.line() ||
          thread.where.column() != leader.where.column()) {
        emulator().faults.push_back("threads wait at different barriers: " +
                                    place(leader.where) + " and " + place(thread.where) +
                                    in_block());
        return false;
      }
      thread.state = State::ready;
    }
    ++emulator().barriers;
    return true;
  }

  /// Nobody was let go on: unless all have ended, somebody waits for ever.
  bool report_stuck() {
    const Thread* waiting = nullptr;
    std::size_t ended = 0;
    for (const Thread& thread : block_.threads) {
      ended += thread.state == State::ended ? 1U : 0U;
      waiting = thread.state == State::ended ? waiting : &thread;
    }
    if (waiting == nullptr) {
      return false;
    }
    const std::string who = ended > 0 ? std::to_string(ended) + " threads left while others wait"
                                      : "threads wait at barriers of different kinds, one";
    emulator().faults.push_back(who + " at " + place(waiting->where) + in_block());
    return true;
  }

  const std::function<void()>& body_;
  Block block_;
};

}  // namespace

void set_seed(std::uint64_t seed) {
  emulator().seed = seed;
  emulator().random = seed;
}

const std::vector<std::string>& faults() { return emulator().faults; }
void clear_faults() { emulator().faults.clear(); }
std::int64_t barriers_completed() { return emulator().barriers; }

int run_grid(const kernels::cuda::LaunchShape& shape, const std::function<void()>& body) {
  if (shape.threads == 0 || shape.threads % kWarp != 0 || shape.threads > 1024) {
    emulator().faults.push_back("a block of " + std::to_string(shape.threads) + " threads");
    return 1;
  }
  blockDim = {shape.threads, 1, 1};
  gridDim = {shape.blocks_x, shape.blocks_y, 1};
  const std::size_t blocks = std::size_t{shape.blocks_x} * shape.blocks_y;
  for (const std::size_t index : permutation(blocks)) {
    blockIdx = {static_cast<unsigned int>(index % shape.blocks_x),
                static_cast<unsigned int>(index / shape.blocks_x), 0};
    Scheduler(shape.threads, body).run();
    if (!emulator().faults.empty()) {
      return 1;
    }
  }
  return 0;
}

int own_lane() { return static_cast<int>(emulator().block->running % kWarp); }

std::uint64_t exchange(unsigned int mask, std::uint64_t bits, int source,
                       std::source_location where) {
  require_whole_warp(mask, where);
  Block& block = *emulator().block;
  const std::size_t self = block.running;
  block.threads[self].slot = bits;
  wait(State::at_warp_barrier, where);
  const std::size_t first = self / kWarp * kWarp;
  const std::uint64_t result = block.threads[first + static_cast<std::size_t>(source)].slot;
  wait(State::at_warp_barrier, where);  // the slots are free again
  return result;
}

unsigned int vote(unsigned int mask, bool predicate, std::source_location where) {
  require_whole_warp(mask, where);
  Block& block = *emulator().block;
  const std::size_t self = block.running;
  block.threads[self].slot = predicate ? 1 : 0;
  wait(State::at_warp_barrier, where);
  unsigned int result = 0;
  for (std::size_t lane = 0; lane < kWarp; ++lane) {
    const std::uint64_t bit = block.threads[self / kWarp * kWarp + lane].slot;
    result |= static_cast<unsigned int>(bit) << lane;
  }
  wait(State::at_warp_barrier, where);
  return result;
}

}  // namespace turnhalle::cuda_on_cpu

void __syncthreads(std::source_location where) {
  turnhalle::cuda_on_cpu::wait(turnhalle::cuda_on_cpu::State::at_block_barrier, where);
}

void __syncwarp(unsigned int mask, std::source_location where) {
  turnhalle::cuda_on_cpu::require_whole_warp(mask, where);
  turnhalle::cuda_on_cpu::wait(turnhalle::cuda_on_cpu::State::at_warp_barrier, where);
}
