// turnhalle bench: measures, and says on which machine and with which command.
#include <iostream>
#include <memory>

#include "apps/bench_simulator.h"
#include "apps/commands/commands.h"
#include "apps/data_folder.h"
#include "apps/machine.h"
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

void print_csv(const BenchOptions& options, const std::vector<BenchRow>& rows) {
  std::cout << "name,unit,median,low,high,runs,command\n";
  for (const BenchRow& row : rows) {
    std::cout << '"' << row.name << "\"," << row.unit << "," << fixed(row.median, 0) << ","
              << fixed(row.low, 0) << "," << fixed(row.high, 0) << "," << row.runs << ",\""
              << command_of(options) << "\"\n";
  }
  std::cout << std::flush;
}

void print_table(const BenchOptions& options, const std::vector<BenchRow>& rows) {
  const Json machine = describe_machine();
  std::cout << machine["processor"].get<std::string>() << ", " << machine["cores"] << " cores, "
            << machine["compiler"].get<std::string>() << "\n"
            << command_of(options) << "\n\n";
  Table table({"what", "unit", ">median", ">lowest", ">highest", ">runs"});
  for (const BenchRow& row : rows) {
    table.row({row.name, row.unit, grouped(static_cast<std::int64_t>(row.median)),
               grouped(static_cast<std::int64_t>(row.low)),
               grouped(static_cast<std::int64_t>(row.high)), std::to_string(row.runs)});
  }
  std::cout << table.text() << std::flush;
}

void print_json_rows(const BenchOptions& options, const std::vector<BenchRow>& rows) {
  Json list = Json::array();
  for (const BenchRow& row : rows) {
    list.push_back({{"name", row.name},
                    {"unit", row.unit},
                    {"median", row.median},
                    {"low", row.low},
                    {"high", row.high},
                    {"runs", row.runs},
                    {"command", command_of(options)}});
  }
  print_json({{"command", "bench simulator"},
              {"machine", describe_machine()},
              {"rows", std::move(list)}});
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
  if (options.output.json) {
    print_json_rows(options, *rows);
  } else if (options.csv) {
    print_csv(options, *rows);
  } else {
    print_table(options, *rows);
  }
  return 0;
}

}  // namespace

void add_bench(CommandLine& line) {
  line.group("bench", "Measures speed: simulator");
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
