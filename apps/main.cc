// turnhalle: everything but the policy, starts in milliseconds.
#include "apps/commands/bench_policy.h"
#include "apps/commands/commands.h"
#include "apps/forward.h"
#include "apps/policy_seam.h"
#include "apps/recording.h"

namespace turnhalle::app {

Result<PolicyAgents> make_policy_agents(const AgentSpec&, bool) { return forward_to_torch(); }

Status need_torch() { return forward_to_torch(); }

}  // namespace turnhalle::app

int main(int count, char** words) {
  turnhalle::app::remember_words(words);
  turnhalle::app::CommandLine line("A gym and trainer for multi-turn LLM agents.",
                                   turnhalle::app::program_version());
  turnhalle::app::add_commands(line);
  turnhalle::app::add_bench_policy(line, [](const turnhalle::app::PolicyBenchOptions&) {
    return turnhalle::app::CommandResult(turnhalle::app::forward_to_torch());
  });
  line.delegate("train", "Trains a policy by an experiment",
                [] { return turnhalle::app::CommandResult(turnhalle::app::forward_to_torch()); });
  return line.run(count, words);
}
