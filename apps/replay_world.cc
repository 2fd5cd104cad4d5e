#include "apps/replay_world.h"

#include <map>
#include <memory>
#include <utility>

#include "envs/all.h"
#include "envs/task_sequence.h"

namespace turnhalle::app {
namespace {

// Keeps scenarios alive for the lifecycles that point into them.
class WorldMaker {
 public:
  Result<ReplayWorld> make(const StoredRun& run, LifecycleIndex index) {
    auto found = scenarios_.find(run.number);
    if (found == scenarios_.end()) {
      Result<Scenario> scenario = scenario_of(run, registry_);
      if (!scenario) {
        return scenario.error();
      }
      found = scenarios_.emplace(run.number, std::make_unique<const Scenario>(std::move(*scenario)))
                  .first;
    }
    const Split split = run.info.split == "train" ? Split::train : Split::test;
    const RunSeed seed{run.info.seed, split, run.info.trial};
    const Scenario& scenario = *found->second;
    // Every lifecycle of a forked run plays the tasks of the one that it branched off.
    const Json forked = run.info.details.value("forked_from", Json());
    const LifecycleIndex tasks =
        forked.is_object() ? LifecycleIndex{forked.value("index", std::int64_t{0})} : index;
    return ReplayWorld{make_lifecycle(scenario, seed, tasks),
                       WorldOptions{index, seed.agent(tasks), scenario.limits}};
  }

 private:
  EnvironmentRegistry registry_ = all_environments();
  std::map<RunNumber, std::unique_ptr<const Scenario>> scenarios_;
};

}  // namespace

Result<Scenario> scenario_of(const StoredRun& run, const EnvironmentRegistry& registry) {
  const JsonDocument document{run.info.scenario_name + ".json", canonical(run.info.scenario),
                              run.info.scenario};
  return scenario_from(document, registry);
}

ReplayWorldMaker make_replay_worlds() {
  return [maker = std::make_shared<WorldMaker>()](const StoredRun& run, LifecycleIndex index) {
    return maker->make(run, index);
  };
}

}  // namespace turnhalle::app
