// What worlds cost beside their turns: forks, memory, the latency of a single step.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/bench_rows.h"
#include "core/result.h"
#include "core/scenario.h"

namespace turnhalle::app {

struct WorldBenchOptions {
  std::string player = "random";  ///< of the environment
  std::int64_t forked = 200;      ///< lifecycles that are forked at each of their turns
  std::int64_t worlds = 10'000;   ///< that exist at the same time
  std::int64_t runs = 5;
};

/// One row: wall time of ten simulated hours. The scenario is played with an agent that thinks for
/// seconds, actions that take a while, and events that come by themselves.
Result<BenchRow> bench_ten_hours(const Scenario& scenario, const WorldBenchOptions& options);

/// Rows: a fork at any turn, the same with the first turn of the continuation, memory for each of
/// many worlds in the middle of their episodes, and the latency of a step among them.
std::vector<BenchRow> bench_worlds(const Scenario& scenario, const WorldBenchOptions& options);

}  // namespace turnhalle::app
