// Virtual time of one world: a clock and the events that are due, ordered by (time, sequence).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/ids.h"

namespace turnhalle {

/// Something that happens at a virtual time. `kind` and `payload` belong to who scheduled it.
struct Event {
  SimTime time;
  std::uint64_t sequence = 0;  ///< breaks ties: earlier scheduled, earlier due
  std::uint32_t kind = 0;
  std::string payload;
};

/// Kinds from here on belong to the world and to the conditions it is played under
/// (conditions.h); environments use smaller ones.
inline constexpr std::uint32_t kReservedEvents = 0xFFFF0000;
/// An exogenous event of the scenario that the environment understands: payload is JSON.
inline constexpr std::uint32_t kExogenousEvent = kReservedEvents + 1;
/// The ledger of faults: nothing is due, the event says what was injected; payload is JSON.
inline constexpr std::uint32_t kFaultEvent = kReservedEvents + 2;

/// An event that is asked for before there is a clock.
struct Timer {
  SimDuration delay;
  std::uint32_t kind = 0;
  std::string payload;
};

/// What an environment may do about time: read it, and ask to be called later.
class Scheduler {
 public:
  virtual ~Scheduler() = default;
  virtual SimTime now() const = 0;
  /// Schedules Environment::advance() for now + delay (delay ≥ 0). Returns the sequence number.
  virtual std::uint64_t after(SimDuration delay, std::uint32_t kind, std::string payload) = 0;
};

/// The queue. Time moves forward only, by popping events.
class EventQueue final : public Scheduler {
 public:
  SimTime now() const override { return now_; }
  std::uint64_t after(SimDuration delay, std::uint32_t kind, std::string payload) override;
  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  /// Removes the earliest event and moves the clock to it. The queue must not be empty.
  Event pop();
  /// Lets `span` pass; nothing may be due before its end.
  void pass(SimDuration span);
  /// When the earliest event is due. The queue must not be empty.
  SimTime next_time() const;
  void clear() { heap_.clear(); }

  void snapshot(ByteWriter& out) const;
  bool restore(ByteReader& in);

 private:
  SimTime now_;
  std::uint64_t next_sequence_ = 0;
  std::vector<Event> heap_;
};

}  // namespace turnhalle
