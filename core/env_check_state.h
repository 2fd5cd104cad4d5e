// The parts of core/env_check.cc that look at state: what every check shares, and the checks of
// repeatability, snapshots and forks.
#pragma once

#include <memory>
#include <string>

#include "core/env_check.h"

namespace turnhalle::env_check {

/// What is checked, and how.
struct Setting {
  const Scenario& scenario;
  const LifecycleFactory& make_lifecycle;
  const EnvironmentCheckOptions& options;

  RunSeed seed() const { return {options.seed, Split::test, 0}; }
  std::unique_ptr<World> world(const RunSeed& seed, std::int64_t index,
                               std::unique_ptr<Recorder> recorder = nullptr) const;
  std::unique_ptr<Player> player(const std::string& role) const {
    return scenario.family->make_player(role);
  }
};

/// What is wrong; empty when nothing is.
using Finding = std::string;

/// A task of its own for checks of bare environments.
Task task_of(std::uint64_t seed, std::uint64_t number);

Finding check_repeatable(const Setting& setting);
Finding check_threads(const Setting& setting);
Finding check_neighbours(const Setting& setting);
Finding check_fresh(const Setting& setting);
Finding check_ended(const Setting& setting);
Finding check_snapshots(const Setting& setting);
Finding check_forks(const Setting& setting);

}  // namespace turnhalle::env_check
