// simulation: runs seeds until one fails.
//
//   simulation --seeds 1000            seeds 0 to 999
//   simulation --first 77 --seeds 1    one again
//   simulation --plant shared_state    with a mistake put in: must fail
//   simulation --environment guess_number --fault slow    one environment under one kind of fault
//
// Exit code 0 when all hold, 1 when one fails (it prints the command that repeats it), 2 on bad
// usage.
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

#include "core/text.h"
#include "envs/all.h"
#include "tests/sim/simulation.h"

namespace {

namespace simulation = turnhalle::simulation;
using simulation::Plant;

struct Options {
  std::int64_t first = 0;
  std::int64_t seeds = 100;
  Plant plant = Plant::none;
  std::string environment;  // with `fault` instead of seeds
  std::optional<turnhalle::FaultKind> fault;
};

bool read_plant(const std::string& name, Plant& plant) {
  for (int i = 0; i < simulation::kPlants; ++i) {
    plant = static_cast<Plant>(i);
    if (simulation::name_of(plant) == name) return true;
  }
  return false;
}

bool read_fault(const std::string& name, std::optional<turnhalle::FaultKind>& fault) {
  for (int i = 0; i < turnhalle::kFaultKinds; ++i) {
    const auto kind = static_cast<turnhalle::FaultKind>(i);
    if (turnhalle::name_of(kind) == name) fault = kind;
  }
  return fault.has_value();
}

bool read_environment(const std::string& name, std::string& environment) {
  environment = name;
  return turnhalle::all_environments().find(name) != nullptr;
}

bool read_options(int count, char** words, Options& options) {
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string flag = words[i];
    const std::string value = words[i + 1];
    const bool good = flag == "--first"         ? turnhalle::parse_integer(value, options.first)
                      : flag == "--seeds"       ? turnhalle::parse_integer(value, options.seeds)
                      : flag == "--plant"       ? read_plant(value, options.plant)
                      : flag == "--fault"       ? read_fault(value, options.fault)
                      : flag == "--environment" ? read_environment(value, options.environment)
                                                : false;
    if (!good) return false;
  }
  const bool paired = options.environment.empty() == !options.fault;
  return count % 2 == 1 && options.first >= 0 && paired;
}

void print(const simulation::Failure& failure) {
  std::cout << "seed " << failure.seed << ": it does not hold that " << failure.rule << "\n  "
            << failure.detail << "\n  again: " << failure.repeat << "\n";
}

}  // namespace

int main(int count, char** words) {
  Options options;
  if (!read_options(count, words, options)) {
    std::cerr << "simulation: expected --first N, --seeds N or --plant NAME, or --environment NAME "
                 "with --fault KIND\n";
    return 2;
  }
  if (options.fault) {
    const auto failure = simulation::run_fault(TURNHALLE_SOURCE_DIR, options.environment,
                                               *options.fault, options.plant);
    if (failure) print(*failure);
    return failure ? 1 : 0;
  }
  for (std::int64_t i = 0; i < options.seeds; ++i) {
    const auto seed = static_cast<std::uint64_t>(options.first + i);
    if (const auto failure = simulation::run_seed(TURNHALLE_SOURCE_DIR, seed, options.plant)) {
      print(*failure);
      return 1;
    }
  }
  std::cout << options.seeds << " seeds hold\n";
  return 0;
}
