// A scenario: which environment, its options, and how its tasks follow each other.
//
// The file is described line by line in scenarios/README.md and by `turnhalle schema scenario`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/registry.h"
#include "core/result.h"
#include "core/world.h"

namespace turnhalle {

struct Conditions;  // conditions.h

/// Which tasks a lifecycle strings together (Connect the Dots, arXiv 2606.20002; the code's
/// packing strategies). In all of them the hidden world is one.
enum class Packing : std::uint8_t {
  sequence,      ///< S different tasks
  ralph_sample,  ///< one task, the first of each run of S, S times
  ralph_full,    ///< every task of a run becomes a lifecycle of its own, S times the same task
};

struct LifecycleOptions {
  std::int64_t tasks = 1;      ///< S
  Packing packing = Packing::sequence;
  bool update_context = true;  ///< false: no update episodes, the placeholder stays
  bool fixed_context = false;  ///< true: updates are played, but the placeholder stays (a control)
  std::int64_t context_bytes_max = 8192;  ///< longer contexts are cut
};

/// Shaping of rewards (paper, section 2.1 of the code's reward; 0 switches a term off).
struct RewardOptions {
  double turn_penalty = 0.0;            ///< c: success in n of T turns gives 1 − c·n/T
  double context_format_penalty = 0.0;  ///< k: an unreadable update gives −k
};

struct Scenario {
  std::string name;   ///< the file's stem
  std::string file;
  std::string environment;
  PromptStyle style = PromptStyle::paper;
  LifecycleOptions lifecycle;
  RewardOptions reward;
  WorldLimits limits;
  /// Latencies, faults and exogenous events; null when there are none. `family` plays under them.
  std::shared_ptr<const Conditions> conditions;
  std::shared_ptr<const EnvironmentFamily> family;
  Json document;  ///< as read; its canonical bytes name the scenario in a store
};

/// The tasks of train and test never meet.
enum class Split : std::uint8_t { train, test };
std::string_view name_of(Split split);

/// Reads a scenario; every error names file, line, column and pointer.
Result<Scenario> read_scenario(const std::string& path, const EnvironmentRegistry& registry);
Result<Scenario> scenario_from(const JsonDocument& document, const EnvironmentRegistry& registry);
/// JSON Schema (2020-12) of scenario files, with the options of every registered environment.
Json scenario_schema(const EnvironmentRegistry& registry);

/// Seeds of one run. Task keys depend on (seed, split, lifecycle) alone, so the evaluation tasks
/// of a seed stay the same over checkpoints and agents; `trial` moves only the agent's draws.
struct RunSeed {
  std::uint64_t seed = 0;
  Split split = Split::test;
  std::int64_t trial = 0;

  RandomKey tasks(LifecycleIndex lifecycle) const;
  RandomKey agent(LifecycleIndex lifecycle) const;
};

}  // namespace turnhalle
