#include "core/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "core/check.h"
#include "tests/core/store_fixture.h"

namespace turnhalle {
namespace {

using ::testing::HasSubstr;

// A game to replay: each reply adds its length to a sum, an event comes back a while later.
class SumLifecycle final : public Lifecycle {
 public:
  explicit SumLifecycle(std::int64_t seed) : sum_(seed) { spec_.name = "sum"; }
  const EnvironmentSpec& spec() const override { return spec_; }
  std::optional<EpisodeStart> next_episode(std::span<const Message>) override {
    if (episode_ == 3) {
      return std::nullopt;
    }
    EpisodeStart start;
    start.position = episode_++;
    start.turns_max = 3;
    start.context = "sum " + std::to_string(sum_);
    start.messages = {{Role::user, "Add to " + std::to_string(sum_), {}, {}}};
    return start;
  }
  StepResult step(Seat, const AgentReply& reply, Scheduler& scheduler) override {
    sum_ += static_cast<std::int64_t>(reply.text.size());
    scheduler.after(milliseconds(sum_ % 7), 5, reply.text);
    StepResult result;
    result.waiting = true;
    result.reward = static_cast<double>(sum_) / 8;
    result.parts = {{"sum", result.reward}};
    return result;
  }
  StepResult advance(const Event& event, Scheduler&) override {
    StepResult result;
    result.observation = "Sum " + std::to_string(sum_) + " after " + event.payload;
    return result;
  }
  EpisodeEnd end_episode(Outcome outcome, std::int64_t turns) override {
    EpisodeEnd end;
    end.outcome = outcome;
    end.reward = static_cast<double>(turns);
    end.success = sum_ % 2 == 0;
    end.feedback = "Over.";
    return end;
  }
  void snapshot(ByteWriter& out) const override { out.i64(sum_); }
  bool restore(ByteReader& in) override {
    sum_ = in.i64();
    return in.ok();
  }
  std::unique_ptr<Lifecycle> fork() const override {
    return std::make_unique<SumLifecycle>(*this);
  }
  Json hidden_state() const override { return sum_; }
  const Environment& environment() const override {
    check(false, "this lifecycle has no environment");
    std::abort();
  }

 private:
  EnvironmentSpec spec_;
  std::int64_t sum_;
  std::int64_t episode_ = 0;
};

std::unique_ptr<Lifecycle> sum_lifecycle(LifecycleIndex index) {
  return std::make_unique<SumLifecycle>(100 * index.value);
}

Result<ReplayWorld> sum_world(const StoredRun&, LifecycleIndex index) {
  return ReplayWorld{sum_lifecycle(index), WorldOptions{index, RandomKey{}, WorldLimits{}}};
}

void play_sum(World& world) {
  world.start();
  while (!world.finished()) {
    const Conversation view = world.conversation();
    AgentReply reply;
    reply.text = std::string(static_cast<std::size_t>(view.turn + view.episode), 'x');
    reply.latency = milliseconds(2);
    world.deliver(std::move(reply));
  }
}

void write_sum_store(const std::string& path, int lifecycles) {
  auto store = std::move(Store::create(path, sample_run())).value();
  for (int i = 0; i < lifecycles; ++i) {
    World world(sum_lifecycle({i}), {{i}, RandomKey{}, WorldLimits{}}, store->recorder({i}));
    play_sum(world);
  }
  const Status closed = store->close();
  check(closed.ok(), "the store of the test is closed");
}

TEST(ReplayTest, StoredLifecyclesReplayWithoutMismatch) {
  const TestFolder folder;
  write_sum_store(folder.file("s.sqlite"), 5);
  const auto store = std::move(StoreReader::open(folder.file("s.sqlite"))).value();
  const auto report = replay(store, sum_world);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->lifecycles, 5);
  EXPECT_EQ(report->episodes, 15);
  EXPECT_EQ(report->turns, 45);
  EXPECT_EQ(report->events, 45);
  EXPECT_EQ(report->mismatches, 0) << to_json(*report).dump();
}

TEST(ReplayTest, OneLifecycleOrOneEpisodeCanBeChosen) {
  const TestFolder folder;
  write_sum_store(folder.file("s.sqlite"), 3);
  const auto store = std::move(StoreReader::open(folder.file("s.sqlite"))).value();
  ReplayOptions options;
  options.lifecycle = 2;
  options.episode = 1;
  const auto report = replay(store, sum_world, options);
  EXPECT_EQ(report->lifecycles, 1);
  EXPECT_EQ(report->episodes, 1);
  EXPECT_EQ(report->turns, 3);
  options.lifecycle = 77;
  EXPECT_THAT(replay(store, sum_world, options).error().text(),
              HasSubstr("there is no lifecycle 77"));
}

TEST(ReplayTest, ChangedWorldIsLocated) {
  const TestFolder folder;
  write_sum_store(folder.file("s.sqlite"), 3);
  const auto store = std::move(StoreReader::open(folder.file("s.sqlite"))).value();
  const auto other_world = [](const StoredRun&, LifecycleIndex index) -> Result<ReplayWorld> {
    const std::int64_t shift = index.value == 1 ? 1 : 0;
    return ReplayWorld{std::make_unique<SumLifecycle>(100 * index.value + shift),
                       WorldOptions{index, RandomKey{}, WorldLimits{}}};
  };
  const auto report = replay(store, other_world);
  EXPECT_EQ(report->mismatches, 1);
  ASSERT_TRUE(report->first_mismatch.has_value());
  EXPECT_EQ(report->first_mismatch->lifecycle, 1);
  EXPECT_EQ(report->first_mismatch->episode, 0);
  EXPECT_EQ(report->first_mismatch->what, "context");
  EXPECT_EQ(report->first_mismatch->expected, "sum 100");
  EXPECT_EQ(report->first_mismatch->found, "sum 101");
}

TEST(ReplayTest, ChangedByteIsLocatedAsDamage) {
  const TestFolder folder;
  const std::string path = folder.file("s.sqlite");
  write_sum_store(path, 3);
  ASSERT_TRUE(RawDatabase(path).run(
      R"(UPDATE chunks SET turns = replace(turns, '"e":1,"t":1,"r":', '"e":1,"t":1,"o":') )"
      R"(WHERE lifecycle = 2)"));
  const auto store = std::move(StoreReader::open(path)).value();
  const auto report = replay(store, sum_world);
  EXPECT_EQ(report->mismatches, 1);
  const Json first = to_json(*report)["first_mismatch"];
  EXPECT_EQ(first["lifecycle"], 2);
  EXPECT_EQ(first["episode"], 1);
  EXPECT_EQ(first["turn"], 1);
  EXPECT_TRUE(first["event"].is_null());
  EXPECT_EQ(first["what"], "damage");
}

// Somebody who changes a store and makes its hashes fit again is found by playing it.
TEST(ReplayTest, ForgedRewardIsFoundByPlaying) {
  const TestFolder folder;
  const std::string path = folder.file("s.sqlite");
  {
    auto store = std::move(Store::create(path, sample_run())).value();
    auto honest = std::move(Store::create(folder.file("h.sqlite"), sample_run())).value();
    World world(sum_lifecycle({0}), {{0}, RandomKey{}, WorldLimits{}}, honest->recorder({0}));
    play_sum(world);
    ASSERT_TRUE(honest->close().ok());
    const auto reader = StoreReader::open(folder.file("h.sqlite"));
    StoredLifecycle lifecycle = std::move(reader->lifecycle(0)).value();
    lifecycle.episodes[1].turns[2].result.reward += 1.0;
    record(*store->recorder({0}), lifecycle.episodes);
    ASSERT_TRUE(store->close().ok());
  }
  const auto store = std::move(StoreReader::open(path)).value();
  EXPECT_TRUE(store.check_integrity()->ok());
  const auto report = replay(store, sum_world);
  ASSERT_EQ(report->mismatches, 1);
  EXPECT_EQ(report->first_mismatch->episode, 1);
  EXPECT_EQ(report->first_mismatch->turn, 2);
  EXPECT_EQ(report->first_mismatch->what, "reward");
}

TEST(ReplayTest, UnfinishedLifecycleReplaysAsFarAsItWasRecorded) {
  const TestFolder folder;
  const std::string path = folder.file("s.sqlite");
  {
    auto store = std::move(Store::create(path, sample_run())).value();
    World world(sum_lifecycle({0}), {{0}, RandomKey{}, WorldLimits{}}, store->recorder({0}));
    world.start();
    for (int i = 0; i < 4; ++i) {
      world.deliver({});
    }
    ASSERT_TRUE(store->close().ok());
  }
  const auto store = std::move(StoreReader::open(path)).value();
  const auto report = replay(store, sum_world);
  EXPECT_EQ(report->turns, 4);
  EXPECT_EQ(report->mismatches, 0) << to_json(*report).dump();
}

TEST(ReplayTest, ReplayAgentPlaysTheSameLifecycleAgain) {
  const TestFolder folder;
  write_sum_store(folder.file("s.sqlite"), 2);
  const auto reader = std::make_shared<const StoreReader>(
      std::move(StoreReader::open(folder.file("s.sqlite"))).value());
  const AgentFactory agents = make_replay_agents(reader);
  std::string original;
  std::string again;
  World first(sum_lifecycle({1}), {{1}, RandomKey{}, WorldLimits{}},
              make_canonical_recorder([&](std::string bytes) { original = bytes; }));
  play_sum(first);
  World second(sum_lifecycle({1}), {{1}, RandomKey{}, WorldLimits{}},
               make_canonical_recorder([&](std::string bytes) { again = bytes; }));
  second.start();
  const auto agent = agents({1});
  boost::asio::io_context context;
  boost::asio::co_spawn(context, play(second, *agent), [](std::exception_ptr) {});
  context.run();
  EXPECT_FALSE(original.empty());
  EXPECT_EQ(original, again);
}

TEST(ReplayTest, AgentWithoutARecordingFailsAndSaysWhy) {
  const TestFolder folder;
  write_sum_store(folder.file("s.sqlite"), 1);
  const auto reader = std::make_shared<const StoreReader>(
      std::move(StoreReader::open(folder.file("s.sqlite"))).value());
  const auto agent = make_replay_agents(reader)({9});
  World world(sum_lifecycle({9}), {{9}, RandomKey{}, WorldLimits{}}, nullptr);
  world.start();
  boost::asio::io_context context;
  std::string said;
  boost::asio::co_spawn(
      context, agent->act(world.conversation()),
      [&said](std::exception_ptr, AgentReply reply) { said = reply.failure_text; });
  context.run();
  EXPECT_THAT(said, HasSubstr("there is no lifecycle 9"));
}

}  // namespace
}  // namespace turnhalle
