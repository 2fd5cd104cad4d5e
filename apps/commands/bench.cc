// turnhalle bench: measures, and says on which machine and with which command.
#include <memory>

#include "apps/bench_simulator.h"
#include "apps/commands/commands.h"
#include "apps/data_folder.h"
#include "apps/output.h"
#include "apps/recording.h"
#include "envs/all.h"

namespace turnhalle::app {
namespace {

struct BenchOptions {
  std::string scenario;
  SimulatorBenchOptions simulator;
  bool csv = false;
  OutputOptions output;
};

std::string command_of(const BenchOptions& options) {
  return "turnhalle bench simulator --scenario " + options.scenario + " --agent " +
         options.simulator.agent + " --lifecycles " +
         std::to_string(options.simulator.lifecycles) + " --runs " +
         std::to_string(options.simulator.runs);
}

CommandResult run_simulator(BenchOptions options) {
  if (options.scenario.empty()) {
    options.scenario = data_folder("scenarios") + "/frozen_lake_obscure_easy.json";
  }
  Result<Scenario> scenario = read_scenario(options.scenario, all_environments());
  if (!scenario) {
    return scenario.error();
  }
  Result<std::vector<BenchRow>> rows = bench_simulator(*scenario, options.simulator);
  if (!rows) {
    return rows.error();
  }
  print_bench({"bench simulator", command_of(options), *std::move(rows)}, options.output,
              options.csv);
  return 0;
}

}  // namespace

void add_bench(CommandLine& line) {
  line.group("bench", "Measures speed: simulator, policy");
  const auto options = std::make_shared<BenchOptions>();
  Arguments simulator =
      line.command("bench simulator", "Turns per second of whole worlds, with and without a store");
  simulator.text("--scenario", options->scenario, "scenario file (frozen_lake_obscure_easy)");
  simulator.text("--agent", options->simulator.agent, "who plays (random)");
  simulator.integer("--lifecycles", options->simulator.lifecycles, {1, 10'000'000}, "in each run");
  simulator.integer("--runs", options->simulator.runs, {5, 1000}, "after one for warming up");
  simulator.flag("--csv", options->csv, "rows as comma-separated values");
  add_output_options(simulator, options->output);
  simulator.action([options] { return run_simulator(*options); });
}

}  // namespace turnhalle::app
