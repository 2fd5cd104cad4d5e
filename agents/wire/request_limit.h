// At most so many at a time, over all lifecycles and threads; the others wait in their order
// without holding a thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace turnhalle {

class RequestLimit : public std::enable_shared_from_this<RequestLimit> {
 public:
  /// `count` ≥ 1. Held by shared pointers, so that it outlives its permits.
  static std::shared_ptr<RequestLimit> make(int count);

  /// The right to be one of them; given back when it goes.
  class Permit {
   public:
    Permit() = default;
    explicit Permit(std::shared_ptr<RequestLimit> limit) : limit_(std::move(limit)) {}
    Permit(Permit&& other) noexcept : limit_(std::exchange(other.limit_, nullptr)) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(limit_, other.limit_);
      return *this;
    }
    ~Permit() {
      if (limit_ != nullptr) limit_->give_back();
    }
    explicit operator bool() const { return limit_ != nullptr; }

   private:
    std::shared_ptr<RequestLimit> limit_;
  };

  /// Suspends the caller until it is its turn; it goes on by its own executor.
  boost::asio::awaitable<Permit> take();

 private:
  explicit RequestLimit(int count) : free_(count) {}
  void give_back();
  /// Calls `go_on` at once or when a permit comes back.
  void enqueue(std::function<void()> go_on);

  std::mutex mutex_;  // guards what follows
  int free_;
  std::deque<std::function<void()>> waiting_;
};

}  // namespace turnhalle
