// Metrics of training steps: metrics.jsonl and TensorBoard, under verl's names, with TRL's names
// as aliases. trainers/README.md says what each number means.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/result.h"
#include "trainers/tensorboard.h"

namespace turnhalle {

/// Values of one step by name; sorted, so that files compare.
using StepMetrics = std::map<std::string, double>;

/// Adds TRL's name for every metric that has one: critic/rewards/mean also as reward, …
void add_trl_aliases(StepMetrics& metrics);

/// Drops the lines of a file of JSON lines whose "step" is after `last_step`, and a half-written
/// last one. A file that is not there is left so.
Status keep_lines_until(const std::string& path, std::int64_t last_step);
/// Appends lines and flushes.
Status append_lines(const std::string& path, const std::vector<Json>& lines);

class MetricsLog {
 public:
  /// Appends to FOLDER/metrics.jsonl and FOLDER/tb. Lines of steps after `last_step` are dropped
  /// first: they will be computed again.
  static Result<std::unique_ptr<MetricsLog>> open(const std::string& folder,
                                                  std::int64_t last_step);
  /// Writes one line {"step": …, "phase": …, name: value, …}; NaN becomes null.
  Status write(std::int64_t step, const std::string& phase, const StepMetrics& metrics);

 private:
  MetricsLog(std::string path, std::unique_ptr<TensorBoardWriter> board)
      : path_(std::move(path)), board_(std::move(board)) {}
  std::string path_;
  std::unique_ptr<TensorBoardWriter> board_;
};

}  // namespace turnhalle
