// What is fuzzed: one function from bytes for each place where bytes of others come in. A target
// must not crash, hang or break its own promise, whatever it is given.
//
//   scripts/fuzz          libFuzzer with sanitizers on each of them
//   fuzz_test             the kept corpora and a fixed number of mutations, in every build
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace turnhalle::fuzz {

struct Target {
  const char* name;  ///< also of its folder in corpus/
  /// A broken promise stops the program, as a crash does.
  void (*run)(std::string_view bytes);
  /// Inputs to start from that depend on the program, such as snapshots.
  std::vector<std::string> (*seeds)();
  int mutations;  ///< how many fuzz_test tries
};

std::span<const Target> targets();
/// Null when there is none of that name.
const Target* find_target(std::string_view name);

}  // namespace turnhalle::fuzz
