#include "apps/commands/bench_policy.h"

#include <memory>

#include "apps/recording.h"

namespace turnhalle::app {

void add_bench_policy(CommandLine& line,
                      const std::function<CommandResult(const PolicyBenchOptions&)>& run) {
  const auto options = std::make_shared<PolicyBenchOptions>();
  Arguments policy =
      line.command("bench policy", "Tokens per second of generation and training");
  policy.text("--policy", options->policy, "checkpoint folder (the demo's shape, random weights)");
  policy.integer("--conversations", options->conversations, {1, 100'000}, "at once");
  policy.integer("--prompt-tokens", options->prompt_tokens, {1, 1 << 20}, "of each");
  policy.integer("--new-tokens", options->new_tokens, {2, 1 << 20}, "of each");
  policy.integer("--sequences", options->sequences, {1, 100'000}, "of a training step");
  policy.integer("--shared-prompt", options->shared_prompt, {0, 1 << 20},
                 "tokens that each eight sequences begin with alike");
  policy.integer("--runs", options->runs, {1, 1000}, "after one for warming up");
  policy.integer("--threads", options->threads, {0, 1024}, "0: all processors");
  policy.flag("--csv", options->csv, "rows as comma-separated values");
  add_output_options(policy, options->output);
  policy.action([options, run] { return run(*options); });
}

}  // namespace turnhalle::app
