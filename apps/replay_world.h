// Worlds of stored runs: from a run's record back to a world that can be played again.
#pragma once

#include "core/registry.h"
#include "core/replay.h"
#include "core/scenario.h"

namespace turnhalle::app {

/// The scenario of a stored run.
Result<Scenario> scenario_of(const StoredRun& run, const EnvironmentRegistry& registry);
/// Makes the worlds of any run of one store; scenarios are read once.
ReplayWorldMaker make_replay_worlds();

}  // namespace turnhalle::app
