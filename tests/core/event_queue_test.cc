// Virtual time: events come in order, and a restored queue goes on as the first one.
#include "core/event_queue.h"

#include <gtest/gtest.h>

#include "core/rng.h"

namespace turnhalle {
namespace {

TEST(EventQueue, GivesTheEarliestFirstAndMovesTheClock) {
  EventQueue queue;
  queue.after(milliseconds(30), 3, "c");
  queue.after(milliseconds(10), 1, "a");
  queue.after(milliseconds(20), 2, "b");
  EXPECT_EQ(queue.next_time(), SimTime{} + milliseconds(10));
  for (const std::string expected : {"a", "b", "c"}) {
    const Event event = queue.pop();
    EXPECT_EQ(event.payload, expected);
    EXPECT_EQ(queue.now(), event.time);
  }
  EXPECT_TRUE(queue.empty());
}

TEST(EventQueue, AmongEqualTimesTheFirstScheduledComesFirst) {
  EventQueue queue;
  for (std::uint32_t i = 0; i < 50; ++i) {
    EXPECT_EQ(queue.after(milliseconds(5), i, ""), i);
  }
  for (std::uint32_t i = 0; i < 50; ++i) EXPECT_EQ(queue.pop().kind, i);
}

TEST(EventQueue, DelaysCountFromNow) {
  EventQueue queue;
  queue.after(milliseconds(10), 0, "");
  (void)queue.pop();
  queue.pass(milliseconds(5));
  queue.after(milliseconds(1), 0, "");
  EXPECT_EQ(queue.pop().time, SimTime{} + milliseconds(16));
}

TEST(EventQueue, RandomSchedulesComeOutSorted) {
  Random random(RandomKey::from_seed(4));
  EventQueue queue;
  SimTime last;
  std::uint64_t sequence = 0;
  for (int i = 0; i < 2000; ++i) {
    if (queue.empty() || random.chance(1, 2)) {
      queue.after({static_cast<std::int64_t>(random.below(40))}, 0, "");
      continue;
    }
    const Event event = queue.pop();
    EXPECT_GE(event.time, last);
    if (event.time == last) {
      EXPECT_GE(event.sequence, sequence);
    }
    last = event.time;
    sequence = event.sequence;
  }
}

TEST(EventQueue, ARestoredQueueGoesOnTheSame) {
  Random random(RandomKey::from_seed(5));
  EventQueue queue;
  for (int i = 0; i < 40; ++i) {
    queue.after({static_cast<std::int64_t>(random.below(9))}, 7, std::to_string(i));
  }
  for (int i = 0; i < 9; ++i) (void)queue.pop();
  std::string bytes;
  ByteWriter out(bytes);
  queue.snapshot(out);
  EventQueue restored;
  restored.after(milliseconds(1), 0, "is forgotten");
  ByteReader in(bytes);
  ASSERT_TRUE(restored.restore(in));
  EXPECT_TRUE(in.finished());
  EXPECT_EQ(restored.now(), queue.now());
  EXPECT_EQ(restored.after({}, 1, "new"), queue.after({}, 1, "new"));
  while (!queue.empty()) {
    const Event expected = queue.pop();
    const Event found = restored.pop();
    EXPECT_EQ(found.time, expected.time);
    EXPECT_EQ(found.sequence, expected.sequence);
    EXPECT_EQ(found.payload, expected.payload);
  }
  EXPECT_TRUE(restored.empty());
}

TEST(EventQueue, EqualQueuesGiveEqualBytesInWhateverOrderTheyWereFilled) {
  const auto bytes_after = [](std::initializer_list<std::int64_t> extra) {
    EventQueue queue;
    for (const std::int64_t delay : {5, 1, 4, 2, 3}) queue.after(milliseconds(delay), 0, "");
    for (const std::int64_t delay : extra) queue.after(milliseconds(delay), 0, "");
    for (std::size_t i = 0; i < extra.size(); ++i) (void)queue.pop();
    std::string bytes;
    ByteWriter out(bytes);
    queue.snapshot(out);
    return bytes;
  };
  EXPECT_EQ(bytes_after({0, 0}), bytes_after({0, 0}));
  EXPECT_NE(bytes_after({0, 0}), bytes_after({0}));
}

TEST(EventQueue, RefusesTruncatedBytes) {
  EventQueue queue;
  queue.after(milliseconds(1), 3, "payload");
  std::string bytes;
  ByteWriter out(bytes);
  queue.snapshot(out);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EventQueue restored;
    ByteReader in(std::string_view(bytes).substr(0, size));
    EXPECT_FALSE(restored.restore(in)) << size;
  }
}

TEST(EventQueueDeathTest, TimeDoesNotRunBackwards) {
  EventQueue queue;
  EXPECT_DEATH(queue.after(milliseconds(-1), 0, ""), "not scheduled into the past");
  EXPECT_DEATH(queue.pass(milliseconds(-1)), "time does not run backwards");
  EXPECT_DEATH((void)queue.pop(), "from a queue that has one");
  queue.after(milliseconds(1), 0, "");
  EXPECT_DEATH(queue.pass(milliseconds(2)), "no event is passed over");
}

}  // namespace
}  // namespace turnhalle
