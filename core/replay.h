// Replay: plays stored lifecycles again with their recorded replies and compares everything.
//
// Starts, observations, rewards, outcomes, virtual times and events must come out equal; the
// first difference is located. The environment comes from the caller, so that this file needs to
// know none.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/agent.h"
#include "core/store_reader.h"
#include "core/world.h"

namespace turnhalle {

/// What is needed to play one lifecycle of a run again.
struct ReplayWorld {
  std::unique_ptr<Lifecycle> lifecycle;
  WorldOptions options;
};
/// Makes it from the run's scenario, seed and split. Called from one thread.
using ReplayWorldMaker =
    std::function<Result<ReplayWorld>(const StoredRun& run, LifecycleIndex index)>;

struct ReplayOptions {
  std::optional<std::int64_t> lifecycle;  ///< number in the store; all when absent
  std::optional<std::int64_t> episode;    ///< compare only this one
};

/// Where the replay first differs from the record. −1: not within one.
struct ReplayMismatch {
  std::int64_t lifecycle = -1;
  std::int64_t episode = -1;
  std::int64_t turn = -1;
  std::int64_t event = -1;
  std::string what;      ///< "observation", "reward", "damage", …
  std::string expected;  ///< as stored, shortened
  std::string found;     ///< as replayed, shortened
};

struct ReplayReport {
  std::int64_t lifecycles = 0;
  std::int64_t episodes = 0;
  std::int64_t turns = 0;
  std::int64_t events = 0;
  /// Lifecycles that differ or are damaged; a lifecycle is left at its first difference.
  std::int64_t mismatches = 0;
  std::optional<ReplayMismatch> first_mismatch;
};

/// The result as `turnhalle replay --json` prints it.
Json to_json(const ReplayReport& report);

/// An error only when the store or the scenario cannot be read; differences are in the report.
Result<ReplayReport> replay(const StoreReader& store, const ReplayWorldMaker& make,
                            const ReplayOptions& options = {});

/// An agent that answers as recorded; past the end of the recording it fails.
std::unique_ptr<Agent> make_replay_agent(StoredLifecycle recording);
/// A turn of a lifecycle at which others branch off: the first one that is played anew.
struct ForkPoint {
  std::int64_t episode = 0;
  std::int64_t turn = 0;
};
/// Agents that answer as recorded before `point`, while the one that `inner` makes watches, and
/// from there on let that one act.
AgentFactory make_forking_agents(std::shared_ptr<const StoredLifecycle> recording, ForkPoint point,
                                 AgentFactory inner);
/// One for each lifecycle, from the first run of a store. A lifecycle that is not recorded, or is
/// damaged, gets an agent that fails and says so.
AgentFactory make_replay_agents(std::shared_ptr<const StoreReader> store);

}  // namespace turnhalle
