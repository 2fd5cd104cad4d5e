// The machine that a test's kernels::cuda functions run on: the emulation (device_emulated.cc) or
// a GPU (device_gpu.cc). The tests of the kernels are linked with the one or the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace turnhalle::kernels {

/// Memory that host and device reach at the same address, with a guard of at least a page on
/// either side. first is page-aligned, and inner_bytes a multiple of a page.
struct GuardedMemory {
  std::byte* first = nullptr;
  std::size_t inner_bytes = 0;
};

std::size_t page_bytes();
GuardedMemory allocate_guarded(std::size_t inner_bytes);
void free_guarded(const GuardedMemory& memory);
/// Whether nothing was written into the guards, where that is not stopped at once.
bool guards_intact(const GuardedMemory& memory);

/// Chooses an order of the threads, where the device lets a test do so.
void set_thread_order(std::uint64_t seed);
/// Returns when everything that was queued has run.
void wait_for_device();
/// What went wrong since the last call.
std::vector<std::string> take_faults();

}  // namespace turnhalle::kernels
