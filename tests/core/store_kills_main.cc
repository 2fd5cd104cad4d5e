// store_kills: kills programs that record until a store is not as it should be.
//
//   store_kills --kills 10000 --seed 3 --folder DIR
//
// Exit code 0 when every store held, 1 when one did not, 2 on bad usage.
#include <iostream>
#include <optional>
#include <string>

#include "core/text.h"
#include "tests/core/store_kills.h"
#include "tests/test_folder.h"

namespace {

bool read_options(int count, char** words, turnhalle::KillOptions& options) {
  std::int64_t seed = 0;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string flag = words[i];
    const std::string value = words[i + 1];
    if (flag == "--folder") options.folder = value;
    const bool good = flag == "--kills"  ? turnhalle::parse_integer(value, options.kills)
                      : flag == "--seed" ? turnhalle::parse_integer(value, seed)
                                         : flag == "--folder";
    if (!good) return false;
  }
  options.seed = static_cast<std::uint64_t>(seed);
  return count % 2 == 1;
}

}  // namespace

int main(int count, char** words) {
  turnhalle::KillOptions options;
  if (!read_options(count, words, options)) {
    std::cerr << "store_kills: expected --kills N, --seed N or --folder DIR\n";
    return 2;
  }
  std::optional<turnhalle::TestFolder> memory;
  if (options.folder.empty()) {
    options.folder = memory.emplace(turnhalle::memory_folder()).path();
  }
  const turnhalle::KillReport report = turnhalle::kill_recorders(options);
  std::cout << report.kills << " kills, " << report.acknowledged << " acknowledged turns, "
            << report.runs << " runs finished with the same digest\n";
  if (report.problem.empty()) return 0;
  std::cout << "seed " << options.seed << ", kill " << report.kills << ": " << report.problem
            << "\n";
  return 1;
}
