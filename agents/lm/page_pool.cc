#include "agents/lm/page_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/check.h"

namespace turnhalle::lm {
namespace {

constexpr std::int64_t kAlign = 16;  // floats in a cache line
constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;
constexpr std::int64_t kSlabFloats = std::int64_t{1} << 20;

}  // namespace

PagePool::PagePool(std::int64_t page_floats)
    : page_floats_(page_floats),
      stride_((page_floats + kAlign - 1) / kAlign * kAlign + kAlign) {}

// The line before a page holds its count.
std::int64_t& PagePool::owners(float* page) {
  return *reinterpret_cast<std::int64_t*>(page - kAlign);
}

void PagePool::Free::operator()(float* slab) const { std::free(slab); }

// Slabs are whole huge pages of the system: attention visits short stretches far from each other,
// which would miss the translation buffer for every page of 4 KiB.
void PagePool::grow() {
  const std::int64_t pages = std::max<std::int64_t>(1, kSlabFloats / stride_);
  const auto size = static_cast<std::size_t>(pages * stride_) * sizeof(float);
  const std::size_t bytes = (size + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  auto* first = static_cast<float*>(std::aligned_alloc(kHugePageBytes, bytes));
  check(first != nullptr, "there is memory for keys and values", bytes);
  madvise(first, bytes, MADV_HUGEPAGE);
  slabs_.emplace_back(first);
  for (std::int64_t i = pages; i > 0; --i) {
    free_.push_back(first + (i - 1) * stride_ + kAlign);
  }
}

float* PagePool::take() {
  if (free_.empty()) {
    grow();
  }
  float* page = free_.back();
  free_.pop_back();
  // Zeros, because what lies beyond a conversation's end is multiplied by probability zero.
  std::memset(page, 0, static_cast<std::size_t>(page_floats_) * sizeof(float));
  owners(page) = 1;
  ++in_use_;
  return page;
}

void PagePool::share(float* page) { ++owners(page); }

void PagePool::release(float* page) {
  check(owners(page) > 0, "a page is given back by an owner");
  if (--owners(page) == 0) {
    free_.push_back(page);
    --in_use_;
  }
}

float* PagePool::writable(float* page) {
  if (owners(page) == 1) {
    return page;
  }
  float* copy = take();
  std::memcpy(copy, page, static_cast<std::size_t>(page_floats_) * sizeof(float));
  release(page);
  return copy;
}

}  // namespace turnhalle::lm
