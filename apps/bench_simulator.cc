#include "apps/bench_simulator.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "apps/bench_worlds.h"
#include "apps/play_run.h"
#include "apps/progress.h"
#include "apps/temporary_folder.h"
#include "core/pool.h"
#include "core/store.h"
#include "envs/task_sequence.h"

namespace turnhalle::app {
namespace {

// Everything that one timed run needs.
struct Course {
  const Scenario& scenario;
  const SeatedAgent& agent;
  std::vector<LifecycleIndex> indices;
  int threads = 1;
  bool record = false;
  RunSeed seed;
};

RunInfo store_info(const Course& course) {
  RunInfo info;
  info.id = "bench";
  info.command = "run";
  info.scenario = course.scenario.document;
  info.scenario_name = course.scenario.name;
  info.environment = course.scenario.environment;
  info.agent = course.agent.name;
  info.lifecycles = std::ssize(course.indices);
  return info;
}

Status play_once(const Course& course, Store* store) {
  PoolTask task;
  task.make_world = [&](LifecycleIndex index) {
    const WorldOptions options{index, course.seed.agent(index), course.scenario.limits};
    return std::make_unique<World>(make_lifecycle(course.scenario, course.seed, index), options,
                                   store != nullptr ? store->recorder(index) : nullptr);
  };
  task.make_agent = course.agent.make;
  task.finished = [](World&, LifecycleIndex) {};
  PoolOptions options;
  options.threads = course.threads;
  if (Result<bool> played = play_all(course.indices, task, options); !played) {
    return played.error();
  }
  return store != nullptr ? store->close() : ok_status();
}

// Of one run, the closing of its store included.
struct Cost {
  double wall = 0.0;
  double processor = 0.0;
};

Result<Cost> cost_of_run(const Course& course, const TemporaryFolder& folder) {
  std::unique_ptr<Store> store;
  const std::string file = folder.file("bench.sqlite");
  if (course.record) {
    for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(file + ending);
    Result<std::unique_ptr<Store>> made = Store::create(file, store_info(course));
    if (!made) {
      return made.error();
    }
    store = std::move(*made);
  }
  const Cost begin{wall_seconds(), processor_seconds()};
  if (Status played = play_once(course, store.get()); !played) {
    return played.error();
  }
  return Cost{wall_seconds() - begin.wall, processor_seconds() - begin.processor};
}

// Play is deterministic: one counted run gives the turns of all.
Result<std::int64_t> count_turns(const Course& course) {
  Sha256 digest;
  Result<PlayedRun> run = play_run({.scenario = course.scenario,
                                    .seed = course.seed,
                                    .agent = course.agent,
                                    .lifecycles = std::ssize(course.indices),
                                    .threads = course.threads,
                                    .output = {.json = false, .quiet = true},
                                    .run = {}},
                                   digest);
  if (!run) {
    return run.error();
  }
  return run->turns;
}

// Runs with and without a store take turns, so that a machine that is busy for a while slows both.
// Their ratios are taken pair by pair.
Status bench_recording(Course course, const SimulatorBenchOptions& options, std::int64_t turns,
                       const TemporaryFolder& folder, std::vector<BenchRow>& rows) {
  std::vector<double> plain, recorded, wall, processor;
  for (std::int64_t run = 0; run <= options.runs; ++run) {
    std::array<Cost, 2> costs;
    for (const bool record : {false, true}) {
      course.record = record;
      Result<Cost> cost = cost_of_run(course, folder);
      if (!cost) {
        return cost.error();
      }
      costs[record ? 1 : 0] = *cost;
    }
    if (run == 0) continue;  // warms up
    plain.push_back(static_cast<double>(turns) / costs[0].wall);
    recorded.push_back(static_cast<double>(turns) / costs[1].wall);
    wall.push_back(costs[1].wall / costs[0].wall);
    processor.push_back(costs[1].processor / costs[0].processor);
  }
  const std::string name = course.scenario.name + ", " + options.agent + ", " +
                           std::to_string(course.threads) +
                           (course.threads == 1 ? " thread" : " threads");
  rows.push_back(summarise_runs(name, "turns/s", std::move(plain)));
  rows.push_back(summarise_runs(name + ", recording", "turns/s", std::move(recorded)));
  rows.push_back(summarise_runs(name + ", time with recording", "x", std::move(wall)));
  rows.push_back(
      summarise_runs(name + ", processor time with recording", "x", std::move(processor)));
  return ok_status();
}

}  // namespace

Result<std::vector<BenchRow>> bench_simulator(const Scenario& scenario,
                                              const SimulatorBenchOptions& options) {
  Result<SeatedAgent> agent = seat_agent(options.agent, scenario, true);
  if (!agent) {
    return agent.error();
  }
  Course course{.scenario = scenario, .agent = *agent, .indices = {}, .seed = {}};
  for (std::int64_t i = 0; i < options.lifecycles; ++i) course.indices.push_back({i});
  Result<std::int64_t> turns = count_turns(course);
  if (!turns) {
    return turns.error();
  }
  const TemporaryFolder folder("bench");
  std::vector<BenchRow> rows = bench_worlds(scenario, {.runs = options.runs});
  Result<BenchRow> hours = bench_ten_hours(scenario, {.runs = options.runs});
  if (!hours) {
    return hours.error();
  }
  rows.push_back(*std::move(hours));
  for (const int threads : options.threads) {
    course.threads = threads;
    if (Status done = bench_recording(course, options, *turns, folder, rows); !done) {
      return done.error();
    }
  }
  return rows;
}

}  // namespace turnhalle::app
