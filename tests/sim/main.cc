// simulation: runs seeds until one fails.
//
//   simulation --seeds 1000            seeds 0 to 999
//   simulation --first 77 --seeds 1    one again
//   simulation --plant shared_state    with a mistake put in: must fail
//
// Exit code 0 when all hold, 1 when one fails (it prints the command that repeats it), 2 on bad
// usage.
#include <cstdlib>
#include <iostream>
#include <string>

#include "core/text.h"
#include "tests/sim/simulation.h"

namespace {

namespace simulation = turnhalle::simulation;
using simulation::Plant;

struct Options {
  std::int64_t first = 0;
  std::int64_t seeds = 100;
  Plant plant = Plant::none;
};

bool read_plant(const std::string& name, Plant& plant) {
  for (int i = 0; i < simulation::kPlants; ++i) {
    plant = static_cast<Plant>(i);
    if (simulation::name_of(plant) == name) return true;
  }
  return false;
}

bool read_options(int count, char** words, Options& options) {
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string flag = words[i];
    const std::string value = words[i + 1];
    const bool good = flag == "--first"   ? turnhalle::parse_integer(value, options.first)
                      : flag == "--seeds" ? turnhalle::parse_integer(value, options.seeds)
                      : flag == "--plant" ? read_plant(value, options.plant)
                                          : false;
    if (!good) return false;
  }
  return count % 2 == 1 && options.first >= 0;
}

}  // namespace

int main(int count, char** words) {
  Options options;
  if (!read_options(count, words, options)) {
    std::cerr << "simulation: expected --first N, --seeds N or --plant NAME\n";
    return 2;
  }
  for (std::int64_t i = 0; i < options.seeds; ++i) {
    const auto seed = static_cast<std::uint64_t>(options.first + i);
    if (const auto failure = simulation::run_seed(TURNHALLE_SOURCE_DIR, seed, options.plant)) {
      std::cout << "seed " << seed << ": it does not hold that " << failure->rule << "\n  "
                << failure->detail << "\n  again: " << failure->repeat << "\n";
      return 1;
    }
  }
  std::cout << options.seeds << " seeds hold\n";
  return 0;
}
