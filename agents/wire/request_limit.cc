#include "agents/wire/request_limit.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/check.h"

namespace turnhalle {

namespace asio = boost::asio;

std::shared_ptr<RequestLimit> RequestLimit::make(int count) {
  check(count >= 1, "a limit lets one through", count);
  return std::shared_ptr<RequestLimit>(new RequestLimit(count));
}

asio::awaitable<RequestLimit::Permit> RequestLimit::take() {
  const auto executor = co_await asio::this_coro::executor;
  // A named object: g++ 12 destroys the captures of one that is made inside co_await twice.
  auto start = [this, executor](auto handler) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    enqueue([shared, executor] { asio::post(executor, [shared] { std::move (*shared)(); }); });
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(start,
                                                                       asio::use_awaitable);
  co_return Permit(shared_from_this());
}

void RequestLimit::enqueue(std::function<void()> go_on) {
  {
    const std::lock_guard lock(mutex_);
    if (free_ == 0) {
      waiting_.push_back(std::move(go_on));
      return;
    }
    --free_;
  }
  go_on();
}

void RequestLimit::give_back() {
  std::function<void()> next;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) {
      ++free_;
      return;
    }
    next = std::move(waiting_.front());
    waiting_.pop_front();
  }
  next();
}

}  // namespace turnhalle
