// What environments have in common in which nothing happens between the agent's turns.
#pragma once

#include "core/env.h"

namespace turnhalle {

/// Keeps the outcome; until the first reset nothing can be done.
class UntimedEnvironment : public Environment {
 public:
  /// Events change nothing: the environment schedules none.
  StepResult advance(const Event&, Scheduler&) final {
    StepResult result;
    result.outcome = outcome_;
    return result;
  }

 protected:
  void write_outcome(ByteWriter& out) const { out.u8(static_cast<std::uint8_t>(outcome_)); }
  /// False when the byte is no outcome.
  static bool read_outcome(ByteReader& in, Outcome& outcome) {
    const std::uint8_t value = in.u8();
    outcome = static_cast<Outcome>(value);
    return in.ok() && value <= static_cast<std::uint8_t>(Outcome::timeout);
  }

  Outcome outcome_ = Outcome::truncated;
};

}  // namespace turnhalle
