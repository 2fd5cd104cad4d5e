#include "apps/bench_worlds.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <utility>

#include "apps/output.h"
#include "apps/progress.h"
#include "core/conditions.h"
#include "core/playthrough.h"
#include "envs/all.h"
#include "envs/task_sequence.h"

namespace turnhalle::app {
namespace {

constexpr std::size_t kForksAtOnce = 16;
constexpr double kMicro = 1e6;

// A world with the player that acts in it.
struct Seated {
  std::unique_ptr<World> world;
  std::unique_ptr<Player> player;

  AgentReply reply() { return reply_of(*player, world->conversation()); }
};

Seated seat(const Scenario& scenario, const WorldBenchOptions& options, std::int64_t number) {
  const RunSeed seed;
  const LifecycleIndex index{number};
  const WorldOptions world{index, seed.agent(index), scenario.limits};
  return {std::make_unique<World>(make_lifecycle(scenario, seed, index), world, nullptr),
          scenario.family->make_player(options.player)};
}

struct ForkCosts {
  double fork = 0.0;       // seconds of one fork
  double fork_turn = 0.0;  // of one fork and the first turn of its continuation
};

// Forks each lifecycle at each of its turns.
ForkCosts fork_everywhere(const Scenario& scenario, const WorldBenchOptions& options) {
  ForkCosts costs;
  std::int64_t forks = 0;
  std::vector<std::unique_ptr<World>> copies(kForksAtOnce);
  for (std::int64_t number = 0; number < options.forked; ++number) {
    Seated seated = seat(scenario, options, number);
    seated.world->start();
    while (!seated.world->finished()) {
      const AgentReply reply = seated.reply();
      const double begin = wall_seconds();
      for (auto& copy : copies) copy = seated.world->fork(seated.world->options(), nullptr);
      const double forked = wall_seconds();
      for (auto& copy : copies) copy->deliver(reply);
      costs.fork += forked - begin;
      costs.fork_turn += wall_seconds() - begin;
      forks += std::ssize(copies);
      for (auto& copy : copies) copy.reset();
      seated.world->deliver(reply);
    }
  }
  costs.fork /= static_cast<double>(forks);
  costs.fork_turn /= static_cast<double>(forks);
  return costs;
}

// Memory of this process that is in use, in KiB.
double resident_kib() {
  std::ifstream file("/proc/self/statm");
  double total = 0.0;
  double resident = 0.0;
  file >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024.0;
}

struct CrowdCosts {
  double kib = 0.0;   // for each world
  double step = 0.0;  // 99th percentile, in seconds
};

// Many worlds that take turns: two replies each, then all that are left play to their end.
CrowdCosts play_crowd(const Scenario& scenario, const WorldBenchOptions& options) {
  const double before = resident_kib();
  std::vector<Seated> crowd;
  for (std::int64_t number = 0; number < options.worlds; ++number) {
    crowd.push_back(seat(scenario, options, number));
    crowd.back().world->start();
  }
  std::vector<double> steps;
  CrowdCosts costs;
  for (std::int64_t round = 0;
       std::any_of(crowd.begin(), crowd.end(),
                   [](const Seated& seated) { return !seated.world->finished(); });
       ++round) {
    for (Seated& seated : crowd) {
      if (seated.world->finished()) continue;
      AgentReply reply = seated.reply();
      const double begin = wall_seconds();
      seated.world->deliver(std::move(reply));
      steps.push_back(wall_seconds() - begin);
    }
    costs.kib = std::max(costs.kib, resident_kib() - before);
  }
  costs.kib /= static_cast<double>(options.worlds);
  const auto place = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() * 99 / 100);
  std::nth_element(steps.begin(), place, steps.end());
  costs.step = *place;
  return costs;
}

// The scenario with latencies and events of its own added.
Result<Scenario> with_time(const Scenario& scenario) {
  JsonDocument document{scenario.file, "", scenario.document};
  document.root["latency"] = Json::parse(R"({
    "agent": {"kind": "log_normal", "median_ms": 20000, "sigma": 0.5},
    "action": {"kind": "uniform", "low_ms": 1000, "high_ms": 30000}})");
  document.root["events"] = Json::parse(R"([
    {"at_ms": 10000, "every_ms": 10000, "times": 1000000, "text": "Ten seconds have passed."}])");
  return scenario_from(document, all_environments());
}

// Plays lifecycles until ten hours have passed in them; returns the seconds that it took.
double play_ten_hours(const Scenario& scenario, const WorldBenchOptions& options) {
  constexpr std::int64_t kTenHours = std::int64_t{36'000} * 1'000'000'000;
  const double begin = wall_seconds();
  std::int64_t passed = 0;
  for (std::int64_t number = 0; passed < kTenHours; ++number) {
    Seated seated = seat(scenario, options, number);
    seated.world->start();
    while (!seated.world->finished() && passed + seated.world->now().ns < kTenHours) {
      AgentReply reply = seated.reply();
      const RandomKey key = seated.world->conversation().key.split("latency");
      reply.latency = scenario.conditions->agent.draw(key, 0, reply.text.size());
      seated.world->deliver(std::move(reply));
    }
    passed += seated.world->now().ns;
  }
  return wall_seconds() - begin;
}

}  // namespace

Result<BenchRow> bench_ten_hours(const Scenario& scenario, const WorldBenchOptions& options) {
  Result<Scenario> timed = with_time(scenario);
  if (!timed) {
    return timed.error();
  }
  std::vector<double> milliseconds_taken;
  for (std::int64_t run = 0; run <= options.runs; ++run) {
    const double seconds = play_ten_hours(*timed, options);
    if (run > 0) milliseconds_taken.push_back(seconds * 1e3);  // 0 warms up
  }
  return summarise_runs(scenario.name + ", ten simulated hours with latencies and events", "ms",
                        std::move(milliseconds_taken));
}

std::vector<BenchRow> bench_worlds(const Scenario& scenario, const WorldBenchOptions& options) {
  std::vector<double> kib;
  std::vector<double> step;
  // The crowd comes first: memory that was freed before would hide what it takes.
  for (std::int64_t run = 0; run < options.runs; ++run) {
    const CrowdCosts costs = play_crowd(scenario, options);
    if (run == 0) kib.push_back(costs.kib);
    step.push_back(costs.step * kMicro);
  }
  std::vector<double> fork;
  std::vector<double> fork_turn;
  for (std::int64_t run = 0; run <= options.runs; ++run) {
    const ForkCosts costs = fork_everywhere(scenario, options);
    if (run == 0) continue;  // warms up
    fork.push_back(costs.fork * kMicro);
    fork_turn.push_back(costs.fork_turn * kMicro);
  }
  const std::string crowd = scenario.name + ", " + grouped(options.worlds) + " worlds at once";
  return {summarise_runs(scenario.name + ", fork at any turn", "us", std::move(fork)),
          summarise_runs(scenario.name + ", fork and its first turn", "us", std::move(fork_turn)),
          summarise_runs(crowd + ", memory of each at most", "KiB", std::move(kib)),
          summarise_runs(crowd + ", 99th percentile of a step", "us", std::move(step))};
}

}  // namespace turnhalle::app
