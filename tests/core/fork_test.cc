// Forks of worlds: continuations that share a past and nothing else.
#include <gtest/gtest.h>

#include <thread>

#include "core/world.h"
#include "tests/core/commanded_lifecycle.h"

namespace turnhalle {
namespace {

AgentReply say(const std::string& text, SimDuration latency = {}) {
  AgentReply reply;
  reply.text = text;
  reply.latency = latency;
  return reply;
}

std::unique_ptr<World> started(std::int64_t episodes = 3) {
  auto world =
      std::make_unique<World>(std::make_unique<CommandedLifecycle>(episodes),
                              WorldOptions{{0}, RandomKey::from_seed(1), WorldLimits{}}, nullptr);
  world->start();
  return world;
}

const std::vector<AgentReply> kReplies = {
    say("hello"),   say("later 10"), say("x", milliseconds(4)),
    say("wait 20"), say("end"),      say("later 3", milliseconds(2)),
    say("wait 9"),  say("end"),      say("end")};

TEST(Fork, GivenItsParentsRepliesItGoesOnToTheSameState) {
  for (std::size_t turn = 0; turn < kReplies.size(); ++turn) {
    const auto parent = started();
    for (std::size_t i = 0; i < turn; ++i) parent->deliver(kReplies[i]);
    const auto child = parent->fork(parent->options(), nullptr);
    EXPECT_EQ(child->snapshot(), parent->snapshot());
    for (std::size_t i = turn; i < kReplies.size(); ++i) {
      parent->deliver(kReplies[i]);
      child->deliver(kReplies[i]);
      ASSERT_EQ(child->snapshot(), parent->snapshot()) << turn << " " << i;
    }
    EXPECT_TRUE(child->finished());
  }
}

TEST(Fork, ThatPlaysOtherwiseDoesNotTouchItsParentOrItsSiblings) {
  const auto parent = started();
  parent->deliver(say("later 50"));
  const std::string before = parent->snapshot();
  const auto children = branch(*parent, 3);
  children[0]->deliver(say("one", milliseconds(60)));
  children[1]->deliver(say("end"));
  EXPECT_EQ(parent->snapshot(), before);
  EXPECT_EQ(children[2]->snapshot(), before);
  parent->deliver(say("two"));
  EXPECT_EQ(children[2]->snapshot(), before);
  EXPECT_EQ(children[0]->conversation().messages.back().content,
            "later 50 is over at 50000000\nheard 11");
}

TEST(Fork, SharesTheConversationUntilOneOfThemWrites) {
  const auto parent = started();
  parent->deliver(say("hello"));
  const auto child = parent->fork(parent->options(), nullptr);
  EXPECT_EQ(child->conversation().messages.data(), parent->conversation().messages.data());
  child->deliver(say("mine"));
  EXPECT_NE(child->conversation().messages.data(), parent->conversation().messages.data());
}

TEST(Fork, ContinuationZeroDrawsAsTheWorldWouldAndTheOthersDiffer) {
  const auto world = started();
  const auto children = branch(*world, 3);
  EXPECT_EQ(children[0]->conversation().key, world->conversation().key);
  EXPECT_NE(children[1]->conversation().key, world->conversation().key);
  EXPECT_NE(children[1]->conversation().key, children[2]->conversation().key);
}

TEST(Fork, ContinuationsArePlayedOnThreadsOfTheirOwn) {
  const auto parent = started();
  parent->deliver(say("hello"));
  const auto children = branch(*parent, 4);
  std::vector<std::thread> threads;
  for (const auto& child : children) {
    threads.emplace_back([&child] {
      for (int i = 0; !child->finished(); ++i) child->deliver(say(i % 50 == 49 ? "end" : "x"));
    });
    if (threads.size() == 2) parent->deliver(say("meanwhile"));
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& child : children) EXPECT_TRUE(child->finished());
  EXPECT_EQ(parent->conversation().messages.size(), 5U);
}

}  // namespace
}  // namespace turnhalle
