// Managed memory of a GPU; guards are pages with a fill that a write changes.
#include <algorithm>

#include "core/check.h"
#include "kernels/cuda_kernels.h"
#include "tests/kernels/device.h"

namespace turnhalle::kernels {
namespace {

constexpr std::byte kFill{0xA5};

}  // namespace

std::size_t page_bytes() { return 4096; }

GuardedMemory allocate_guarded(std::size_t inner_bytes) {
  const std::size_t bytes = inner_bytes + 2 * page_bytes();
  auto* mapped = static_cast<std::byte*>(cuda::allocate_managed(bytes));
  check(mapped != nullptr, "a GPU with managed memory is there", bytes);
  std::fill(mapped, mapped + bytes, kFill);
  return {mapped + page_bytes(), inner_bytes};
}

void free_guarded(const GuardedMemory& memory) {
  wait_for_device();
  cuda::free_managed(memory.first - page_bytes());
}

bool guards_intact(const GuardedMemory& memory) {
  const auto filled = [](std::byte value) { return value == kFill; };
  std::byte* end = memory.first + memory.inner_bytes;
  return std::all_of(memory.first - page_bytes(), memory.first, filled) &&
         std::all_of(end, end + page_bytes(), filled);
}

void set_thread_order(std::uint64_t /*seed*/) {}

void wait_for_device() {
  const int error = cuda::synchronize();
  check(error == 0, "the GPU ran what was queued; cudaError_t", error);
}

std::vector<std::string> take_faults() {
  wait_for_device();
  return {};
}

}  // namespace turnhalle::kernels
