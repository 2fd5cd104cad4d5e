#include "apps/reliability.h"

#include <algorithm>
#include <map>
#include <utility>

namespace turnhalle::app {
namespace {

constexpr std::size_t kPassMax = 10;

// Values of tasks and the lifecycles that they belong to.
struct Column {
  std::vector<double> values;
  std::vector<std::int64_t> clusters;

  void add(double value, LifecycleIndex index) {
    values.push_back(value);
    clusters.push_back(index.value);
  }
  Interval interval() const { return cluster_bootstrap(values, clusters); }
};

template <class Visit>
void visit_episodes(std::span<const PlayedRun> runs, std::optional<std::int64_t> position,
                    const Visit& visit) {
  for (const PlayedRun& run : runs) {
    for (const PlayedLifecycle& lifecycle : run.lifecycles) {
      for (const EpisodeSummary& episode : lifecycle.episodes) {
        if (!position || episode.position == *position) visit(lifecycle.index, episode);
      }
    }
  }
}

}  // namespace

std::vector<TaskTrials> task_trials(std::span<const PlayedRun> runs,
                                    std::optional<std::int64_t> position) {
  std::map<std::pair<std::int64_t, std::int64_t>, TaskTrials> tasks;
  visit_episodes(runs, position, [&](LifecycleIndex index, const EpisodeSummary& episode) {
    if (episode.kind != EpisodeKind::solve) return;
    TaskTrials& task = tasks[{index.value, episode.position}];
    task.cluster = index.value;
    if (episode.reward) {
      task.rewards.push_back(*episode.reward);
      task.successes += episode.success ? 1 : 0;
    }
  });
  std::vector<TaskTrials> list;
  for (auto& [place, task] : tasks) list.push_back(std::move(task));
  return list;
}

Reliability reliability(std::span<const PlayedRun> runs, std::optional<std::int64_t> position) {
  Reliability result;
  Column turns, tokens, seconds;
  std::int64_t episodes = 0, by_agent = 0, by_simulator = 0;
  visit_episodes(runs, position, [&](LifecycleIndex index, const EpisodeSummary& episode) {
    ++episodes;
    by_agent += episode.outcome == Outcome::agent_error || episode.outcome == Outcome::timeout;
    by_simulator += is_infrastructure(episode.outcome) ? 1 : 0;
    if (episode.kind != EpisodeKind::solve) return;
    turns.add(episode.turns, index);
    seconds.add(static_cast<double>(episode.latency.ns) * 1e-9, index);
    if (episode.tokens) tokens.add(static_cast<double>(*episode.tokens), index);
  });
  const std::vector<TaskTrials> tasks = task_trials(runs, position);
  for (std::size_t k = 1; k <= std::min(runs.size(), kPassMax); ++k) {
    result.pass_k.push_back(pass_hat_k(tasks, static_cast<std::int64_t>(k)));
  }
  result.cvar_10 = cvar(tasks, 0.1);
  result.cvar_25 = cvar(tasks, 0.25);
  result.trial_spread = trial_spread(tasks);
  result.agent_faults = wilson(by_agent, episodes);
  result.simulator_faults = wilson(by_simulator, episodes);
  result.turns = turns.interval();
  result.tokens = tokens.interval();
  result.agent_seconds = seconds.interval();
  return result;
}

std::vector<std::string> reliability_names(std::size_t trials) {
  std::vector<std::string> names;
  for (std::size_t k = 1; k <= std::min(trials, kPassMax); ++k) {
    names.push_back("pass_" + std::to_string(k));
  }
  for (const char* name : {"cvar_10", "cvar_25", "trial_spread", "agent_faults",
                           "simulator_faults", "turns", "tokens", "agent_seconds"}) {
    names.emplace_back(name);
  }
  return names;
}

void add_columns(const Reliability& values, Json& row) {
  for (std::size_t k = 0; k < values.pass_k.size(); ++k) {
    row["pass_" + std::to_string(k + 1)] = to_json(values.pass_k[k]);
  }
  row["cvar_10"] = to_json(values.cvar_10);
  row["cvar_25"] = to_json(values.cvar_25);
  row["trial_spread"] = to_json(values.trial_spread);
  row["agent_faults"] = to_json(values.agent_faults);
  row["simulator_faults"] = to_json(values.simulator_faults);
  row["turns"] = to_json(values.turns);
  row["tokens"] = to_json(values.tokens);
  row["agent_seconds"] = to_json(values.agent_seconds);
}

}  // namespace turnhalle::app
