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

HostPages::HostPages(std::int64_t page_floats)
    : page_floats_(page_floats),
      stride_((page_floats + kAlign - 1) / kAlign * kAlign),
      pages_per_slab_(std::max<std::int64_t>(1, kSlabFloats / stride_)) {}

void HostPages::Free::operator()(float* slab) const { std::free(slab); }

// Slabs are whole huge pages of the system: attention visits short stretches far from each other,
// which would miss the translation buffer for every page of 4 KiB.
PageIndex HostPages::grow() {
  const auto size = static_cast<std::size_t>(pages_per_slab_ * stride_) * sizeof(float);
  const std::size_t bytes = (size + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  auto* slab = static_cast<float*>(std::aligned_alloc(kHugePageBytes, bytes));
  check(slab != nullptr, "there is memory for keys and values", bytes);
  madvise(slab, bytes, MADV_HUGEPAGE);
  slabs_.emplace_back(slab);
  return static_cast<PageIndex>(static_cast<std::int64_t>(slabs_.size()) * pages_per_slab_);
}

void HostPages::clear(PageIndex page) {
  std::memset(address(page), 0, static_cast<std::size_t>(page_floats_) * sizeof(float));
}

void HostPages::copy(PageIndex from, PageIndex to) {
  std::memcpy(address(to), address(from), static_cast<std::size_t>(page_floats_) * sizeof(float));
}

PageIndex PagePool::take() {
  if (free_.empty()) {
    const auto before = static_cast<PageIndex>(owners_.size());
    const PageIndex now = memory_.grow();
    owners_.resize(static_cast<std::size_t>(now), 0);
    for (PageIndex page = now; page > before; --page) {
      free_.push_back(page - 1);
    }
  }
  const PageIndex page = free_.back();
  free_.pop_back();
  // Zeros, because what lies beyond a conversation's end is multiplied by probability zero.
  memory_.clear(page);
  owners_[static_cast<std::size_t>(page)] = 1;
  ++in_use_;
  return page;
}

void PagePool::share(PageIndex page) { ++owners_[static_cast<std::size_t>(page)]; }

void PagePool::release(PageIndex page) {
  std::int32_t& owners = owners_[static_cast<std::size_t>(page)];
  check(owners > 0, "a page is given back by an owner");
  if (--owners == 0) {
    free_.push_back(page);
    --in_use_;
  }
}

PageIndex PagePool::writable(PageIndex page) {
  if (owners_[static_cast<std::size_t>(page)] == 1) {
    return page;
  }
  const PageIndex copy = take();
  memory_.copy(page, copy);
  release(page);
  return copy;
}

}  // namespace turnhalle::lm
