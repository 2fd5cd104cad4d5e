#include "core/event_queue.h"

#include <algorithm>

#include "core/check.h"

namespace turnhalle {
namespace {

// A heap keeps its greatest element in front; the earliest event is to be that one.
bool due_later(const Event& left, const Event& right) {
  return left.time != right.time ? left.time > right.time : left.sequence > right.sequence;
}

}  // namespace

std::uint64_t EventQueue::after(SimDuration delay, std::uint32_t kind, std::string payload) {
  check(delay.ns >= 0, "an event is not scheduled into the past", delay.ns);
  heap_.push_back({now_ + delay, next_sequence_, kind, std::move(payload)});
  std::push_heap(heap_.begin(), heap_.end(), due_later);
  return next_sequence_++;
}

Event EventQueue::pop() {
  check(!heap_.empty(), "an event is popped only from a queue that has one");
  std::pop_heap(heap_.begin(), heap_.end(), due_later);
  Event event = std::move(heap_.back());
  heap_.pop_back();
  now_ = event.time;
  return event;
}

void EventQueue::pass(SimDuration span) {
  check(span.ns >= 0, "time does not run backwards", span.ns);
  check(heap_.empty() || next_time() >= now_ + span, "no event is passed over");
  now_ = now_ + span;
}

SimTime EventQueue::next_time() const {
  check(!heap_.empty(), "only a queue with events has a next one");
  return heap_.front().time;
}

void EventQueue::snapshot(ByteWriter& out) const {
  out.i64(now_.ns);
  out.u64(next_sequence_);
  // In order of time, so that equal queues give equal bytes whatever the heap's layout.
  std::vector<Event> sorted = heap_;
  std::sort(sorted.begin(), sorted.end(),
            [](const Event& a, const Event& b) { return due_later(b, a); });
  out.u64(sorted.size());
  for (const Event& event : sorted) {
    out.i64(event.time.ns);
    out.u64(event.sequence);
    out.u64(event.kind);
    out.string(event.payload);
  }
}

bool EventQueue::restore(ByteReader& in) {
  now_ = {in.i64()};
  next_sequence_ = in.u64();
  const std::uint64_t count = in.u64();
  heap_.clear();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    Event event;
    event.time = {in.i64()};
    event.sequence = in.u64();
    event.kind = static_cast<std::uint32_t>(in.u64());
    event.payload = in.string();
    heap_.push_back(std::move(event));
  }
  std::make_heap(heap_.begin(), heap_.end(), due_later);
  return in.ok();
}

}  // namespace turnhalle
