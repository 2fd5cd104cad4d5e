// Plays the lifecycles of one run and keeps what reports need.
//
//   pool (any order) ─► reorder buffer ─► digest and summaries in lifecycle order
//
// Lifecycles are played in windows, so that the buffer is bounded by one window.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/output.h"
#include "apps/seats.h"
#include "core/replay.h"
#include "core/scenario.h"
#include "core/sha256.h"
#include "core/store_reader.h"

namespace turnhalle::app {

/// What is kept of an episode.
struct EpisodeSummary {
  EpisodeKind kind = EpisodeKind::solve;
  Outcome outcome = Outcome::running;
  bool success = false;
  std::int32_t position = 0;
  std::int32_t turns = 0;
  std::optional<double> reward;
  SimDuration latency;                ///< virtual time that the agent's replies took
  std::optional<std::int64_t> tokens = std::nullopt;  ///< sampled; none where no reply has ids
};

struct PlayedLifecycle {
  LifecycleIndex index;
  std::vector<EpisodeSummary> episodes;
};

/// Where the lifecycles of a forked run come from.
struct ForkOrigin {
  std::string store;
  std::int64_t lifecycle = 0;  ///< its number in that store
  LifecycleIndex index;        ///< in its run: all continuations play its tasks
  ForkPoint point;
  std::shared_ptr<const StoredLifecycle> recording;
};

struct PlayRequest {
  const Scenario& scenario;
  RunSeed seed;
  const SeatedAgent& agent;
  std::int64_t lifecycles = 1;
  int threads = 1;
  int in_flight = 64;
  OutputOptions output;
  Store* store = nullptr;           ///< null: nothing is recorded
  RunNumber run;                    ///< of the store
  /// Of the same store when the run goes on after a stop: what is complete there is not played
  /// again, but counts in the digest and in the summaries.
  const StoreReader* stored = nullptr;
  /// So many of the first lifecycles are kept whole, to be shown.
  std::int64_t keep = 0;
  const ForkOrigin* fork = nullptr;  ///< null: lifecycles are played from their beginning
};

struct PlayedRun {
  std::vector<PlayedLifecycle> lifecycles;  ///< in order, without gaps from the first
  std::vector<std::vector<StoredEpisode>> kept;  ///< the first of them, turn by turn
  std::int64_t turns = 0;                   ///< played, not read from the store
  double seconds = 0.0;
  bool complete = false;                    ///< false: stopped before the end
};

/// `digest` takes the canonical bytes in lifecycle order. The error is of the run: exit code 1.
Result<PlayedRun> play_run(const PlayRequest& request, Sha256& digest);

}  // namespace turnhalle::app
