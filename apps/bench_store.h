// How fast a store takes and gives back what was played, without the play itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/bench_rows.h"
#include "core/result.h"
#include "core/scenario.h"

namespace turnhalle::app {

struct StoreBenchOptions {
  std::string agent = "random";
  std::int64_t lifecycles = 3000;  ///< recorded in each run
  std::int64_t flushes = 200;      ///< turns that are each made durable by themselves
  std::int64_t runs = 5;
};

/// Recording (wall and processor time), durable turns one by one, reading back with the check of
/// every hash, and the size of the file.
Result<std::vector<BenchRow>> bench_store(const Scenario& scenario,
                                          const StoreBenchOptions& options);

}  // namespace turnhalle::app
