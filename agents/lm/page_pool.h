// Memory for keys and values: equal pages that conversations take, share and give back.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace turnhalle::lm {

/// Number of a page: 0, 1, 2, …
using PageIndex = std::int32_t;

/// Where pages lie.
class PageMemory {
 public:
  virtual ~PageMemory() = default;
  /// Makes room for at least one page more and returns how many there are now.
  virtual PageIndex grow() = 0;
  virtual void clear(PageIndex page) = 0;
  virtual void copy(PageIndex from, PageIndex to) = 0;
};

/// Pages in this process's memory.
class HostPages final : public PageMemory {
 public:
  explicit HostPages(std::int64_t page_floats);
  PageIndex grow() override;
  void clear(PageIndex page) override;
  void copy(PageIndex from, PageIndex to) override;
  float* address(PageIndex page) const {
    return slabs_[static_cast<std::size_t>(page / pages_per_slab_)].get() +
           page % pages_per_slab_ * stride_;
  }

 private:
  struct Free {
    void operator()(float* slab) const;
  };
  std::int64_t page_floats_;
  std::int64_t stride_;  ///< floats from page to page
  std::int64_t pages_per_slab_;
  std::vector<std::unique_ptr<float[], Free>> slabs_;
};

/// Who owns which page. Pages are counted: a page of a shared prompt belongs to several
/// conversations, and whoever wants to write to it takes a copy first.
class PagePool {
 public:
  /// The memory must outlive the pool.
  explicit PagePool(PageMemory& memory) : memory_(memory) {}

  /// A page of zeros with one owner.
  PageIndex take();
  /// One owner more.
  void share(PageIndex page);
  /// One owner less; the last one frees the page.
  void release(PageIndex page);
  /// The page itself for its only owner; else a copy, and one owner less of the original.
  PageIndex writable(PageIndex page);

  std::int64_t pages_in_use() const { return in_use_; }

 private:
  PageMemory& memory_;
  std::int64_t in_use_ = 0;
  std::vector<std::int32_t> owners_;  ///< of each page
  std::vector<PageIndex> free_;       ///< the one to be taken next is last
};

}  // namespace turnhalle::lm
