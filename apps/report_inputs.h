// The inputs of a report, each read and checked by itself (internal to apps/report.cc).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/result.h"
#include "core/store_reader.h"

namespace turnhalle::app {

/// What experiment.json says about a run.
struct RunFacts {
  std::string scenario;  ///< name for people
  std::string summary;
  std::int64_t warm_steps = 0;
  std::int64_t rl_steps = 0;
  Json shown = Json::array();  ///< [[name, text], …]

  /// "before training", "warm start", "after RL, step 120".
  std::string label(std::int64_t step) const;
};
Result<RunFacts> read_run_facts(const std::string& path);

/// The numbers of metrics.jsonl that are drawn, thinned to a few hundred points per curve.
struct RunCurves {
  Json curves = Json::object();  ///< {name: [[step, value], …]}
  std::int64_t steps = 0;        ///< of the last line
  double imitate_seconds = 0.0;
  double reinforce_seconds = 0.0;
};
Result<RunCurves> read_curves(const std::string& path);

/// evaluations.json, checked.
Result<Json> read_evaluations_file(const std::string& path);

/// The rows of files that `turnhalle eval --json` printed, by agent, in the order of the files.
Result<Json> read_agent_rows(const std::vector<std::string>& paths, const RunFacts& facts);

/// Lifecycles that a page shows of one evaluation.
inline constexpr std::size_t kShownLifecycles = 12;
/// {"index", "episodes"}: a lifecycle as the page steps through it.
Json lifecycle_json(LifecycleIndex index, const std::vector<StoredEpisode>& episodes);

/// Recorded lifecycles of the first evaluation, of the warm start and of the last evaluation.
Result<Json> read_recordings(const std::string& path, const RunFacts& facts);

}  // namespace turnhalle::app
