// How fast worlds run: turns per second through the whole path of a lifecycle.
#pragma once

#include <string>
#include <vector>

#include "apps/bench_rows.h"
#include "core/result.h"
#include "core/scenario.h"

namespace turnhalle::app {

struct SimulatorBenchOptions {
  std::string agent = "random";
  std::int64_t lifecycles = 5000;  ///< played in each run
  std::int64_t runs = 5;
  std::vector<int> threads = {1, 2};
};

/// What worlds cost beside their turns (bench_worlds.h); then for each number of threads the rate
/// without and with a store on disk, and how many times as long recording makes a run take, by the
/// clock and in processor time.
Result<std::vector<BenchRow>> bench_simulator(const Scenario& scenario,
                                              const SimulatorBenchOptions& options);

}  // namespace turnhalle::app
