// Guards are pages without access: the first read or write beside an array stops the program.
#include <sys/mman.h>
#include <unistd.h>

#include "core/check.h"
#include "tests/kernels/cuda_on_cpu.h"
#include "tests/kernels/device.h"

namespace turnhalle::kernels {

std::size_t page_bytes() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

GuardedMemory allocate_guarded(std::size_t inner_bytes) {
  const std::size_t page = page_bytes();
  void* mapped = mmap(nullptr, inner_bytes + 2 * page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(mapped != MAP_FAILED, "memory is there", inner_bytes);
  std::byte* first = static_cast<std::byte*>(mapped) + page;
  mprotect(mapped, page, PROT_NONE);
  mprotect(first + inner_bytes, page, PROT_NONE);
  return {first, inner_bytes};
}

void free_guarded(const GuardedMemory& memory) {
  const std::size_t page = page_bytes();
  munmap(memory.first - page, memory.inner_bytes + 2 * page);
}

bool guards_intact(const GuardedMemory& /*memory*/) { return true; }

void set_thread_order(std::uint64_t seed) { cuda_on_cpu::set_seed(seed); }

void wait_for_device() {}

std::vector<std::string> take_faults() {
  std::vector<std::string> faults = cuda_on_cpu::faults();
  cuda_on_cpu::clear_faults();
  return faults;
}

}  // namespace turnhalle::kernels
