// Training runs beside each other. Runs that differ in their seed only are one group; groups are
// named by what is different between their experiments.
#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "core/result.h"

namespace turnhalle::app {

/// {"groups": [{"name", "runs", "seeds", "curve": [{"step", "positions": [{"position", "success",
/// "reward"}]}]}], "rows": [{"group", "position", "success", "reward", "difference"}]}.
/// Steps are those of reinforcement at which all runs of the group were evaluated. Intervals are
/// Student's over the runs of a group; of a single run they are those of its evaluation, over
/// lifecycles. "difference": reward minus that of the first group, with Welch's interval.
/// Settings at the JSON pointers `ignored` do not tell groups apart, as the seed never does.
Result<Json> collect_comparison(const std::vector<std::string>& folders,
                                const std::vector<std::string>& ignored);

/// The same as the data of report_page() (apps/report.h), "kind": "compare".
Json comparison_report(const Json& comparison);

}  // namespace turnhalle::app
