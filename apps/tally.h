// From summaries of episodes to the numbers of a report.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "apps/play_run.h"
#include "core/statistics.h"

namespace turnhalle::app {

/// Counts and means of some episodes.
struct Tally {
  std::int64_t episodes = 0;
  std::int64_t turns = 0;
  std::int64_t lifecycles = 0;
  std::vector<std::int64_t> outcomes;  ///< by Outcome
  Interval reward;                     ///< of solve episodes; cluster bootstrap by lifecycle
  Interval success;                    ///< of solve episodes with a reward; Wilson
  Interval updates;                    ///< readable updates of contexts; Wilson
  double turns_per_episode = 0.0;      ///< of solve episodes
};

/// Over several runs of the same tasks (trials): a cluster is a lifecycle with all its trials.
/// `position` keeps the episodes of one task's place; all when absent.
Tally tally(std::span<const PlayedRun> runs, std::optional<std::int64_t> position = std::nullopt);
/// {"done": …, "truncated": …, …} with all six outcomes.
Json outcomes_json(const Tally& tally);
/// "done 1 300, truncated 100": those that happened.
std::string outcomes_text(const Tally& tally);
/// What UsageLog::to_json() gives, in one line for people: seconds, tokens, cost, first failure.
std::string usage_text(const Json& usage);
/// Tasks of the longest lifecycle.
std::int64_t positions(std::span<const PlayedRun> runs);

}  // namespace turnhalle::app
