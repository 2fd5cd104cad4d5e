// Many worlds on several threads: the same results for any number of threads.
#include "core/pool.h"

#include <gtest/gtest.h>

#include <mutex>

#include "tests/core/commanded_lifecycle.h"

namespace turnhalle {
namespace {

// Draws its commands from the turn's key and ends after some turns.
class DrawingAgent final : public Agent {
 public:
  boost::asio::awaitable<AgentReply> act(const Conversation& conversation) override {
    Random random(conversation.key);
    AgentReply reply;
    reply.latency = milliseconds(random.between(0, 20));
    const std::string ms = std::to_string(random.between(0, 30));
    switch (random.below(5)) {
      case 0: reply.text = "end"; break;
      case 1: reply.text = "wait " + ms; break;
      case 2: reply.text = "later " + ms; break;
      default: reply.text = std::string(random.below(9), 'x'); break;
    }
    co_return reply;
  }
};

class SayingAgent final : public Agent {
 public:
  explicit SayingAgent(AgentReply reply) : reply_(std::move(reply)) {}
  boost::asio::awaitable<AgentReply> act(const Conversation&) override { co_return reply_; }

 private:
  AgentReply reply_;
};

// Asks for a stop in the 50th turn of all.
class StoppingAgent final : public Agent {
 public:
  StoppingAgent(std::atomic<int>& turns, std::atomic<bool>& stop) : turns_(turns), stop_(stop) {}
  boost::asio::awaitable<AgentReply> act(const Conversation&) override {
    if (++turns_ == 50) stop_ = true;
    AgentReply reply;
    reply.text = "x";
    co_return reply;
  }

 private:
  std::atomic<int>& turns_;
  std::atomic<bool>& stop_;
};

std::vector<LifecycleIndex> indices_up_to(std::int64_t count) {
  std::vector<LifecycleIndex> indices;
  for (std::int64_t i = 0; i < count; ++i) indices.push_back({i});
  return indices;
}

PoolTask task_with(std::function<std::unique_ptr<Agent>(LifecycleIndex)> agents) {
  PoolTask task;
  task.make_agent = std::move(agents);
  task.make_world = [](LifecycleIndex index) {
    const RandomKey key = RandomKey::from_seed(6).split(static_cast<std::uint64_t>(index.value));
    return std::make_unique<World>(std::make_unique<CommandedLifecycle>(3),
                                   WorldOptions{index, key, {}}, nullptr);
  };
  task.finished = [](World&, LifecycleIndex) {};
  return task;
}

PoolTask drawing_task() {
  return task_with([](LifecycleIndex) { return std::make_unique<DrawingAgent>(); });
}

PoolOptions options_of(int threads, int in_flight = 64) {
  PoolOptions options;
  options.threads = threads;
  options.in_flight = in_flight;
  return options;
}

std::vector<std::string> trajectories(const PoolOptions& options) {
  std::vector<std::string> bytes(200);
  PoolTask task = drawing_task();
  task.make_world = [&bytes](LifecycleIndex index) {
    const RandomKey key = RandomKey::from_seed(6).split(static_cast<std::uint64_t>(index.value));
    return std::make_unique<World>(
        std::make_unique<CommandedLifecycle>(3), WorldOptions{index, key, {}},
        make_canonical_recorder([&bytes, index](std::string content) {
          bytes[static_cast<std::size_t>(index.value)] = std::move(content);
        }));
  };
  EXPECT_TRUE(play_all(indices_up_to(200), task, options).value());
  return bytes;
}

TEST(Pool, GivesTheSameBytesForAnyNumberOfThreadsAndWorldsInFlight) {
  const std::vector<std::string> expected = trajectories(options_of(1, 1));
  for (const std::string& bytes : expected) EXPECT_FALSE(bytes.empty());
  EXPECT_NE(expected[0], expected[1]);
  for (const int threads : {1, 2, 4}) {
    for (const int in_flight : {2, 64, 1000}) {
      EXPECT_EQ(trajectories(options_of(threads, in_flight)), expected);
    }
  }
  PoolOptions pumped;
  pumped.pump = [] { return false; };
  EXPECT_EQ(trajectories(pumped), expected);
}

TEST(Pool, AnExceptionIsAnErrorThatNamesTheLifecycle) {
  for (const int threads : {1, 3}) {
    PoolTask task = task_with([](LifecycleIndex index) -> std::unique_ptr<Agent> {
      if (index.value != 17) return std::make_unique<DrawingAgent>();
      AgentReply reply;
      reply.text = "throw";
      return std::make_unique<SayingAgent>(reply);
    });
    const Result<bool> played = play_all(indices_up_to(40), task, options_of(threads));
    ASSERT_FALSE(played);
    EXPECT_EQ(played.error().text(), "lifecycle 17: broken on purpose");
  }
}

TEST(Pool, KeepsToTheNumberOfWorldsInFlight) {
  std::atomic<int> alive{0};
  std::atomic<int> most{0};
  PoolTask task = drawing_task();
  const auto make = task.make_world;
  task.make_world = [&](LifecycleIndex index) {
    int now = ++alive;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    return make(index);
  };
  task.finished = [&](World& world, LifecycleIndex) {
    EXPECT_TRUE(world.finished());
    --alive;
  };
  EXPECT_TRUE(play_all(indices_up_to(300), task, options_of(4, 3)).value());
  EXPECT_LE(most, 3);
  EXPECT_EQ(alive, 0);
}

TEST(Pool, StopsBetweenTurnsWhenItIsTold) {
  for (const bool pumped : {false, true}) {
    std::atomic<bool> stop{false};
    std::atomic<int> turns{0};
    PoolTask task = task_with(
        [&](LifecycleIndex) { return std::make_unique<StoppingAgent>(turns, stop); });
    PoolOptions options = options_of(1, 4);
    options.stop = &stop;
    if (pumped) options.pump = [] { return false; };
    EXPECT_FALSE(play_all(indices_up_to(50), task, options).value());
    EXPECT_LE(turns, 50 + 4);
  }
}

TEST(Pool, AnInterruptedAgentLeavesItsWorldUnfinished) {
  AgentReply interrupted;
  interrupted.failure = ReplyFailure::interrupted;
  int finished = 0;
  PoolTask task = task_with([&](LifecycleIndex index) -> std::unique_ptr<Agent> {
    if (index.value == 1) return std::make_unique<SayingAgent>(interrupted);
    return std::make_unique<DrawingAgent>();
  });
  task.finished = [&](World&, LifecycleIndex) { ++finished; };
  EXPECT_FALSE(play_all(indices_up_to(3), task, {}).value());
  EXPECT_EQ(finished, 2);
}

TEST(Pool, NothingToPlayIsPlayed) {
  EXPECT_TRUE(play_all({}, drawing_task(), {}).value());
}

}  // namespace
}  // namespace turnhalle
