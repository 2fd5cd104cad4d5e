// Memory that notices when a kernel reads or writes beside it.
//
//     | guard | fill 0xA5 … | count numbers | guard |
//
// The numbers end at the second guard. Under emulation the guards are pages without access: one
// step past the end, read or write, stops the program. A write before the first number changes
// the fill, which intact() reports; one that goes further hits the first guard. On a GPU the
// guards hold a fill too, so that intact() reports every write near the numbers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "tests/kernels/device.h"

namespace turnhalle::kernels {

template <class T>
class GuardedBuffer {
 public:
  explicit GuardedBuffer(std::size_t count) : count_(count) {
    const std::size_t page = page_bytes();
    memory_ = allocate_guarded(std::max<std::size_t>(1, (bytes() + page - 1) / page) * page);
    first_ = memory_.first + memory_.inner_bytes - bytes();
    std::fill(memory_.first, first_, kFill);
  }
  explicit GuardedBuffer(const std::vector<T>& from) : GuardedBuffer(from.size()) {
    std::copy(from.begin(), from.end(), data());
  }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;
  ~GuardedBuffer() { free_guarded(memory_); }

  T* data() { return reinterpret_cast<T*>(first_); }
  std::span<const T> span() const { return {reinterpret_cast<const T*>(first_), count_}; }
  std::vector<T> copy() const { return {span().begin(), span().end()}; }
  /// Waits for the device; whether nothing was written beside the numbers, as far as that is not
  /// stopped at once.
  bool intact() const {
    wait_for_device();
    return guards_intact(memory_) &&
           std::all_of(memory_.first, first_, [](std::byte value) { return value == kFill; });
  }

 private:
  static constexpr std::byte kFill{0xA5};
  std::size_t bytes() const { return count_ * sizeof(T); }

  std::size_t count_;
  GuardedMemory memory_;
  std::byte* first_ = nullptr;
};

}  // namespace turnhalle::kernels
