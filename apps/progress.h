// A line on the terminal that shows how far a run is, its rate, and the time left.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "apps/output.h"

namespace turnhalle::app {

/// Seconds of a clock that only moves forward.
double wall_seconds();

/// Draws on standard error when that is a terminal, at most ten times a second; else does
/// nothing. Thread-safe.
class Progress {
 public:
  /// `total` units called `unit` ("lifecycles").
  Progress(const OutputOptions& options, std::string title, std::string unit, std::int64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void add(std::int64_t count);
  /// Wipes the line.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;  // null: nothing is drawn
};

}  // namespace turnhalle::app
