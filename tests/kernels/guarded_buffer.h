// Memory that notices when a kernel reads or writes beside it.
//
//     | page without access | fill 0xA5 … | count numbers | page without access |
//
// The numbers end at the second closed page: one step past the end, read or write, stops the
// program. A write before the first number changes the fill, which intact() reports; one that
// goes further hits the first closed page.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/check.h"

namespace turnhalle::kernels {

template <class T>
class GuardedBuffer {
 public:
  explicit GuardedBuffer(std::size_t count) : count_(count) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t inner = std::max<std::size_t>(1, (bytes() + page - 1) / page) * page;
    mapped_bytes_ = inner + 2 * page;
    void* mapped = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(mapped != MAP_FAILED, "memory is there", mapped_bytes_);
    mapped_ = static_cast<std::byte*>(mapped);
    fill_ = mapped_ + page;
    first_ = fill_ + inner - bytes();
    std::fill(fill_, first_, kFill);
    mprotect(mapped_, page, PROT_NONE);
    mprotect(fill_ + inner, page, PROT_NONE);
  }
  explicit GuardedBuffer(const std::vector<T>& from) : GuardedBuffer(from.size()) {
    std::copy(from.begin(), from.end(), data());
  }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;
  ~GuardedBuffer() { munmap(mapped_, mapped_bytes_); }

  T* data() { return reinterpret_cast<T*>(first_); }
  std::span<const T> span() const { return {reinterpret_cast<const T*>(first_), count_}; }
  std::vector<T> copy() const { return {span().begin(), span().end()}; }
  /// Whether nothing was written before the first number.
  bool intact() const {
    return std::all_of(fill_, first_, [](std::byte value) { return value == kFill; });
  }

 private:
  static constexpr std::byte kFill{0xA5};
  std::size_t bytes() const { return count_ * sizeof(T); }

  std::size_t count_, mapped_bytes_ = 0;
  std::byte* mapped_ = nullptr;
  std::byte* fill_ = nullptr;
  std::byte* first_ = nullptr;
};

}  // namespace turnhalle::kernels
