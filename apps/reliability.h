// The columns of an evaluation beside success and reward: how reliable an agent is over repeated
// trials of the same tasks, whose faults ended episodes, and what an episode took.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/play_run.h"
#include "core/trials.h"

namespace turnhalle::app {

struct Reliability {
  std::vector<Interval> pass_k;  ///< pass^1, pass^2, … of the trials (at most ten)
  Interval cvar_10;              ///< mean reward of the worst tenth of the tasks
  Interval cvar_25;              ///< of the worst quarter
  Interval trial_spread;         ///< P90 − P10 over the trials of a task
  Interval agent_faults;         ///< share of episodes: agent_error, timeout; Wilson
  Interval simulator_faults;     ///< environment_error, infrastructure_error; Wilson
  Interval turns;                ///< per task
  Interval tokens;               ///< sampled per task, where the agent keeps a ledger
  Interval agent_seconds;        ///< virtual seconds that the agent's replies took, per task
};

/// All trials of one agent; `position` as in tally().
Reliability reliability(std::span<const PlayedRun> runs,
                        std::optional<std::int64_t> position = std::nullopt);
/// The tasks with their trials: a solve episode at each position of each lifecycle.
std::vector<TaskTrials> task_trials(std::span<const PlayedRun> runs,
                                    std::optional<std::int64_t> position = std::nullopt);

/// Names of the columns as they stand in a row of the result, in order: "pass_1", "cvar_10", ….
std::vector<std::string> reliability_names(std::size_t trials);
/// Adds the columns to a row.
void add_columns(const Reliability& values, Json& row);

}  // namespace turnhalle::app
