// How fast worlds run: turns per second through the whole path of a lifecycle.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"
#include "core/scenario.h"

namespace turnhalle::app {

/// One measurement: the median of `runs` runs after one for warming up, with the extremes.
struct BenchRow {
  std::string name;
  std::string unit;
  double median = 0.0;
  double low = 0.0;
  double high = 0.0;
  std::int64_t runs = 0;
};

struct SimulatorBenchOptions {
  std::string agent = "random";
  std::int64_t lifecycles = 5000;  ///< played in each run
  std::int64_t runs = 5;
  std::vector<int> threads = {1, 2};
};

/// The median and the extremes of some values.
BenchRow summarise_runs(std::string name, std::string unit, std::vector<double> values);

/// One row for each number of threads without recording, and one with a store on disk.
Result<std::vector<BenchRow>> bench_simulator(const Scenario& scenario,
                                              const SimulatorBenchOptions& options);

}  // namespace turnhalle::app
