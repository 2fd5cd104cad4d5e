// The files of a run's folder: which experiment it holds, its checkpoints, its evaluations.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/lm/policy.h"
#include "core/json.h"
#include "core/result.h"
#include "trainers/learner.h"

namespace turnhalle {

/// What trainer.json remembers beside weights and moments.
struct TrainerState {
  std::int64_t step = 0;            ///< steps completed
  std::int64_t weight_version = 0;
  std::int64_t bad_steps = 0;       ///< consecutive steps that were skipped
  std::int64_t bad_steps_total = 0;
};

class RunFolder {
 public:
  /// Makes the folder, or opens one that holds the same experiment. `resume` says whether a
  /// folder with checkpoints is expected; without it such a folder is an error.
  static Result<RunFolder> open(const std::string& path, const Json& experiment, bool resume);

  const std::string& path() const { return path_; }
  /// The newest complete checkpoint.
  const std::optional<std::string>& latest() const { return latest_; }
  Result<TrainerState> read_state() const;
  /// Writes step_NNNNNN beside its place, renames it, then moves `latest`: a reader sees a whole
  /// checkpoint or the one before.
  Status write_checkpoint(const lm::Transformer& model, const Learner& learner,
                          const std::string& tokenizer_folder, const TrainerState& state);
  /// Evaluations up to and with `step`.
  std::vector<Json> read_evaluations(std::int64_t step) const;
  Status write_evaluations(const std::vector<Json>& evaluations) const;

 private:
  std::string path_;
  std::optional<std::string> latest_;
};

/// step_000120.
std::string checkpoint_name(std::int64_t step);

}  // namespace turnhalle
