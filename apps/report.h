// A run's folder as one page for a browser: what was learned, how fast, and what it looks like.
//
// Inputs, as the trainer writes them (trainers/trainer.h): experiment.json, evaluations.json,
// metrics.jsonl, store.sqlite; and any number of files that `turnhalle eval --json` printed.
// A run that is still being written may be read. A missing input leaves its section out with a
// note; one that cannot be read is an error.
#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "core/result.h"

namespace turnhalle::app {

struct ReportInputs {
  std::string folder;             ///< of the run
  std::vector<std::string> rows;  ///< files of `turnhalle eval --json`, in the order to be shown
};

/// Everything that the page of a training run shows:
/// {"kind": "run", "command": "report", "title", "summary", "facts": [[name, text]],
///  "warm_steps", "steps",
///  "curves": {name: [[step, value]]}, "evaluations": [trainers/evaluation.h],
///  "agents": [{"agent", "rows": [{"position", "success", "reward"}]}],
///  "recordings": [{"label", "step", "lifecycles": [{"index", "episodes"}]}],
///  "notes": {section: text}}.
/// The page of `turnhalle eval --html` has the same keys with "kind": "eval"; it has no curves,
/// and its recordings are those of its agents. That of `turnhalle compare --html` ("compare") has
/// "groups" of runs (apps/compare.h) instead of curves and recordings.
Result<Json> collect_report(const ReportInputs& inputs);

/// One self-contained HTML file around the data; it loads nothing from anywhere.
std::string report_page(const Json& data);

}  // namespace turnhalle::app
