// Memory for keys and values: equal pages that conversations take, share and give back.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace turnhalle::lm {

/// Pages are counted: a page of a shared prompt belongs to several conversations, and whoever
/// wants to write to it takes a copy first. All memory is freed with the pool.
class PagePool {
 public:
  explicit PagePool(std::int64_t page_floats);

  /// A page of zeros with one owner.
  float* take();
  /// One owner more.
  void share(float* page);
  /// One owner less; the last one frees the page.
  void release(float* page);
  /// The page itself for its only owner; else a copy, and one owner less of the original.
  float* writable(float* page);

  std::int64_t pages_in_use() const { return in_use_; }

 private:
  void grow();
  static std::int64_t& owners(float* page);
  std::int64_t page_floats_;
  std::int64_t stride_;  ///< floats from page to page; the count of owners stands before a page
  std::int64_t in_use_ = 0;
  struct Free {
    void operator()(float* slab) const;
  };
  std::vector<std::unique_ptr<float[], Free>> slabs_;
  std::vector<float*> free_;
};

}  // namespace turnhalle::lm
