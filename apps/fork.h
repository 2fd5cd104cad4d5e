// Forks on the command line: a stored lifecycle that others branch off at one of its turns.
#pragma once

#include <string>

#include "apps/play_run.h"

namespace turnhalle::app {

/// A turn of a store as the user names it: STORE:LIFECYCLE:EPISODE:TURN.
struct StoredFork {
  ForkOrigin origin;
  StoredRun run;  ///< that the lifecycle belongs to
};

/// Reads the name, the store and the lifecycle, and plays that again up to its end to see that it
/// comes out as it is stored. Turn T keeps the first T turns of the episode.
Result<StoredFork> read_fork(const std::string& text);

/// {"store", "lifecycle", "index", "episode", "turn"}: as it stands in results and in
/// runs.details, where replays find it.
Json to_json(const ForkOrigin& origin);

/// Writes the lineage of `continuations` lifecycles of the store's run 0. Those that a run which
/// goes on has written already are left out.
Status record_lineage(Store& store, const StoreReader* stored, const ForkOrigin& origin,
                      std::int64_t continuations);

}  // namespace turnhalle::app
