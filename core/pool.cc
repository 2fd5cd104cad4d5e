#include "core/pool.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

namespace turnhalle {
namespace {

namespace asio = boost::asio;

// Shared by the coroutines of one play_all() call: the next index is claimed by an atomic
// counter; the first error is kept under the mutex.
struct Shared {
  Shared(std::span<const LifecycleIndex> all, const PoolTask& work, const PoolOptions& how)
      : indices(all), task(work), options(how) {}

  std::span<const LifecycleIndex> indices;
  const PoolTask& task;
  const PoolOptions& options;
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> played{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::optional<Error> error;

  bool stopping() const {
    return failed.load(std::memory_order_relaxed) ||
           (options.stop != nullptr && options.stop->load(std::memory_order_relaxed));
  }

  void fail(LifecycleIndex index, const char* what) {
    const std::lock_guard lock(mutex);
    failed = true;
    if (!error) {
      error = Error{"lifecycle " + std::to_string(index.value), what};
    }
  }
};

// One lane: plays lifecycle after lifecycle until none is left.
asio::awaitable<void> lane(Shared& shared) {
  const std::function<bool()> stop = [&shared] { return shared.stopping(); };
  while (!shared.stopping()) {
    const std::size_t slot = shared.next.fetch_add(1, std::memory_order_relaxed);
    if (slot >= shared.indices.size()) {
      co_return;
    }
    const LifecycleIndex index = shared.indices[slot];
    const char* what = nullptr;
    try {
      const std::unique_ptr<World> world = shared.task.make_world(index);
      const std::unique_ptr<Agent> agent = shared.task.make_agent(index);
      world->start();
      co_await play(*world, *agent, stop);
      if (world->finished()) {
        shared.task.finished(*world, index);
        shared.played.fetch_add(1, std::memory_order_relaxed);
      }
    } catch (const std::exception& exception) {
      what = exception.what();
      shared.fail(index, what);
    }
  }
}

void report(std::exception_ptr failure) {
  // A lane catches what its world throws; anything else is a bug.
  check(failure == nullptr, "a lane of the pool ends without an exception");
}

int lane_count(const Shared& shared) {
  const auto wanted = static_cast<std::size_t>(std::max(1, shared.options.in_flight));
  return static_cast<int>(std::min(wanted, shared.indices.size()));
}

void run_with_pump(Shared& shared) {
  asio::io_context context(1);
  for (int i = 0; i < lane_count(shared); ++i) {
    asio::co_spawn(context, lane(shared), report);
  }
  // When the pool stops, the replies in flight are still waited for: a coroutine that is left
  // hanging in an engine would outlive its executor.
  bool busy = true;
  while (busy) {
    const bool moved = context.poll() > 0;
    context.restart();
    busy = shared.options.pump() || moved;
  }
}

void run_on_threads(Shared& shared) {
  asio::thread_pool pool(static_cast<std::size_t>(std::max(1, shared.options.threads)));
  for (int i = 0; i < lane_count(shared); ++i) {
    asio::co_spawn(asio::make_strand(pool), lane(shared), report);
  }
  pool.join();
}

}  // namespace

Result<bool> play_all(std::span<const LifecycleIndex> indices, const PoolTask& task,
                      const PoolOptions& options) {
  Shared shared(indices, task, options);
  if (options.pump) {
    run_with_pump(shared);
  } else {
    run_on_threads(shared);
  }
  if (shared.error) {
    return *shared.error;
  }
  return shared.played == indices.size();
}

}  // namespace turnhalle
