// turnhalle bench policy: how fast a model generates and trains. Measured in turnhalle-torch only.
#pragma once

#include <functional>
#include <string>

#include "apps/arguments.h"
#include "apps/output.h"

namespace turnhalle::app {

struct PolicyBenchOptions {
  std::string policy;  ///< a checkpoint folder; empty: the demo's shape with random weights
  std::int64_t conversations = 32;
  std::int64_t prompt_tokens = 64;
  std::int64_t new_tokens = 64;
  std::int64_t sequences = 64;
  std::int64_t shared_prompt = 0;
  std::int64_t runs = 5;
  std::int64_t threads = 0;  ///< 0: all processors
  bool csv = false;
  OutputOptions output;
};

/// Adds the command; `run` measures, or makes the process one that can.
void add_bench_policy(CommandLine& line,
                      const std::function<CommandResult(const PolicyBenchOptions&)>& run);

/// Measures; in turnhalle-torch.
CommandResult run_bench_policy(const PolicyBenchOptions& options);

}  // namespace turnhalle::app
