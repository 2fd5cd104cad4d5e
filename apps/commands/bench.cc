// turnhalle bench: measures, and says on which machine and with which command.
#include <memory>

#include "apps/bench_credit.h"
#include "apps/bench_simulator.h"
#include "apps/bench_store.h"
#include "apps/commands/commands.h"
#include "apps/data_folder.h"
#include "apps/kernel_rates.h"
#include "apps/output.h"
#include "apps/recording.h"
#include "envs/all.h"

namespace turnhalle::app {
namespace {

// How the rows are printed.
struct Printing {
  bool csv = false;
  OutputOptions output;
};

void add_printing(Arguments& arguments, Printing& printing) {
  arguments.flag("--csv", printing.csv, "rows as comma-separated values");
  add_output_options(arguments, printing.output);
}

// A benchmark that plays a scenario, with the options of its own.
template <class Options>
struct PlayingBench {
  std::string scenario;
  Options options;
  Printing printing;
};

template <class Options>
CommandResult run_playing(
    const std::string& name, PlayingBench<Options> bench,
    Result<std::vector<BenchRow>> (*measure)(const Scenario&, const Options&)) {
  if (bench.scenario.empty()) {
    bench.scenario = data_folder("scenarios") + "/frozen_lake_obscure_easy.json";
  }
  Result<Scenario> scenario = read_scenario(bench.scenario, all_environments());
  if (!scenario) {
    return scenario.error();
  }
  Result<std::vector<BenchRow>> rows = measure(*scenario, bench.options);
  if (!rows) {
    return rows.error();
  }
  const std::string command = "turnhalle " + name + " --scenario " + bench.scenario +
                              " --agent " + bench.options.agent + " --lifecycles " +
                              std::to_string(bench.options.lifecycles) + " --runs " +
                              std::to_string(bench.options.runs);
  print_bench({name, command, *std::move(rows)}, bench.printing.output, bench.printing.csv);
  return 0;
}

template <class Options>
void add_playing(CommandLine& line, const std::string& name, const std::string& summary,
                 Result<std::vector<BenchRow>> (*measure)(const Scenario&, const Options&)) {
  const auto bench = std::make_shared<PlayingBench<Options>>();
  Arguments arguments = line.command(name, summary);
  arguments.text("--scenario", bench->scenario, "scenario file (frozen_lake_obscure_easy)");
  arguments.text("--agent", bench->options.agent, "who plays (random)");
  arguments.integer("--lifecycles", bench->options.lifecycles, {1, 10'000'000}, "in each run");
  arguments.integer("--runs", bench->options.runs, {1, 1000}, "after one for warming up");
  add_printing(arguments, bench->printing);
  arguments.action([bench, name, measure] { return run_playing(name, *bench, measure); });
}

struct KernelBenchOptions {
  std::int64_t threads = 1;
  std::int64_t runs = 7;
  Printing printing;
};

CommandResult run_kernels(const KernelBenchOptions& options) {
  BenchReport report{"bench kernels",
                     "turnhalle bench kernels --threads " + std::to_string(options.threads) +
                         " --runs " + std::to_string(options.runs),
                     {}};
  for (const KernelRate& rate :
       measure_kernels(static_cast<int>(options.threads), static_cast<int>(options.runs))) {
    std::vector<double> rates;
    for (const double seconds : rate.seconds) rates.push_back(rate.amount / seconds);
    const std::string name =
        rate.name + ", " + rate.shape + ", " + kernel_instruction_set();
    report.rows.push_back(summarise_runs(name, rate.unit, std::move(rates)));
  }
  print_bench(report, options.printing.output, options.printing.csv);
  return 0;
}

void add_kernels(CommandLine& line) {
  const auto options = std::make_shared<KernelBenchOptions>();
  Arguments kernels =
      line.command("bench kernels", "Arithmetic and bytes per second of the CPU kernels");
  kernels.integer("--threads", options->threads, {1, 256}, "of each operator");
  kernels.integer("--runs", options->runs, {1, 1000}, "after one for warming up");
  add_printing(kernels, options->printing);
  kernels.action([options] { return run_kernels(*options); });
}

struct CreditBench {
  CreditBenchOptions options;
  Printing printing;
};

CommandResult run_credit(const CreditBench& bench) {
  Result<std::vector<BenchRow>> rows = bench_credit(bench.options);
  if (!rows) {
    return rows.error();
  }
  const std::string recipe =
      bench.options.recipe.empty() ? "" : " --recipe " + bench.options.recipe;
  print_bench({"bench credit",
               "turnhalle bench credit --tokens " + std::to_string(bench.options.tokens) +
                   recipe + " --runs " + std::to_string(bench.options.runs),
               *std::move(rows)},
              bench.printing.output, bench.printing.csv);
  return 0;
}

void add_credit(CommandLine& line) {
  const auto bench = std::make_shared<CreditBench>();
  Arguments credit = line.command("bench credit", "Time of a recipe's advantages and loss");
  credit.text("--recipe", bench->options.recipe,
              "a file, a name of `list recipes`, or '{…}' (all)");
  credit.integer("--tokens", bench->options.tokens, {1, 100'000'000}, "of the batch, about");
  credit.integer("--runs", bench->options.runs, {1, 1000}, "after one for warming up");
  add_printing(credit, bench->printing);
  credit.action([bench] { return run_credit(*bench); });
}

}  // namespace

void add_bench(CommandLine& line) {
  line.group("bench", "Measures speed: simulator, store, credit, kernels, policy");
  add_playing(line, "bench simulator",
              "Turns per second of whole worlds, with and without a store", bench_simulator);
  add_playing(line, "bench store", "Turns per second of recording and reading, without play",
              bench_store);
  add_credit(line);
  add_kernels(line);
}

}  // namespace turnhalle::app
