// The page of `turnhalle eval --html`: agents by position, and lifecycles to step through.
#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "core/scenario.h"
#include "core/store_reader.h"

namespace turnhalle::app {

/// The first lifecycles that an agent played, turn by turn.
struct ShownAgent {
  std::string agent;
  std::vector<std::vector<StoredEpisode>> lifecycles;
};

/// What report_page() (apps/report.h) shows of an evaluation; `result` is the object that
/// `eval --json` prints.
Json eval_report(const Scenario& scenario, const Json& result,
                 const std::vector<ShownAgent>& agents);

}  // namespace turnhalle::app
