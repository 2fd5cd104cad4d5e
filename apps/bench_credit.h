// How long the algorithms take: a step's advantages, and its loss with the gradient.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/bench_rows.h"
#include "core/result.h"

namespace turnhalle::app {

struct CreditBenchOptions {
  std::string recipe;              ///< one; empty: all of the folder
  std::int64_t tokens = 1'000'000;  ///< of the batch, about
  std::int64_t runs = 5;
};

/// Milliseconds for a whole batch on one thread, two rows for each recipe. The batch has every
/// array: groups of 8 lifecycles of 4 tasks and 3 updates, 3 turns of 16 tokens to an episode.
Result<std::vector<BenchRow>> bench_credit(const CreditBenchOptions& options);

}  // namespace turnhalle::app
