#include "apps/tally.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace turnhalle::app {
namespace {

constexpr std::array kOutcomes = {Outcome::done,
                                  Outcome::truncated,
                                  Outcome::agent_error,
                                  Outcome::environment_error,
                                  Outcome::infrastructure_error,
                                  Outcome::timeout};

// Sums while walking over the episodes.
struct Sums {
  std::vector<double> rewards;
  std::vector<std::int64_t> clusters;
  std::int64_t rated = 0;
  std::int64_t successes = 0;
  std::int64_t solves = 0;
  std::int64_t solve_turns = 0;
  std::int64_t updates = 0;
  std::int64_t readable = 0;

  void add(const EpisodeSummary& episode, LifecycleIndex index) {
    const bool rated_outcome = !is_infrastructure(episode.outcome);
    if (episode.kind == EpisodeKind::update_context) {
      updates += rated_outcome ? 1 : 0;
      readable += rated_outcome && episode.success ? 1 : 0;
      return;
    }
    ++solves;
    solve_turns += episode.turns;
    rated += rated_outcome ? 1 : 0;
    successes += rated_outcome && episode.success ? 1 : 0;
    if (episode.reward) {
      rewards.push_back(*episode.reward);
      clusters.push_back(index.value);
    }
  }
};

}  // namespace

Tally tally(std::span<const PlayedRun> runs, std::optional<std::int64_t> position) {
  Tally result;
  result.outcomes.resize(static_cast<std::size_t>(Outcome::timeout) + 1, 0);
  Sums sums;
  for (const PlayedRun& run : runs) {
    result.lifecycles += std::ssize(run.lifecycles);
    for (const PlayedLifecycle& lifecycle : run.lifecycles) {
      for (const EpisodeSummary& episode : lifecycle.episodes) {
        if (position && episode.position != *position) continue;
        ++result.episodes;
        result.turns += episode.turns;
        ++result.outcomes[static_cast<std::size_t>(episode.outcome)];
        sums.add(episode, lifecycle.index);
      }
    }
  }
  result.reward = cluster_bootstrap(sums.rewards, sums.clusters);
  result.success = wilson(sums.successes, sums.rated);
  result.updates = wilson(sums.readable, sums.updates);
  result.turns_per_episode =
      sums.solves > 0 ? static_cast<double>(sums.solve_turns) / static_cast<double>(sums.solves)
                      : 0.0;
  return result;
}

Json outcomes_json(const Tally& tally) {
  Json counts = Json::object();
  for (const Outcome outcome : kOutcomes) {
    counts[std::string(name_of(outcome))] = tally.outcomes[static_cast<std::size_t>(outcome)];
  }
  return counts;
}

std::string outcomes_text(const Tally& tally) {
  std::string text;
  for (const Outcome outcome : kOutcomes) {
    const std::int64_t count = tally.outcomes[static_cast<std::size_t>(outcome)];
    if (count > 0) {
      text += (text.empty() ? "" : ", ") + std::string(name_of(outcome)) + " " + grouped(count);
    }
  }
  return text;
}

std::string usage_text(const Json& usage) {
  const auto count = [&usage](const char* key) {
    return grouped(usage[key].get<std::int64_t>());
  };
  std::string text = count("tries") + " requests for " + count("turns") + " turns";
  if (const Json& seconds = usage["seconds_per_turn"]; seconds.is_object()) {
    text += ", " + fixed(seconds["mean"].get<double>(), 3) + " s each (90 % within " +
            fixed(seconds["p90"].get<double>(), 3) + " s)";
  }
  if (usage["prompt_tokens"] != 0 || usage["completion_tokens"] != 0) {
    text += ", " + count("prompt_tokens") + " + " + count("completion_tokens") + " tokens";
  }
  if (usage["cost"] != 0.0) text += ", cost " + shortest(usage["cost"].get<double>());
  if (usage["failures"] != 0) {
    text += "\n  failures  " + count("failures") +
            " turns without a reply; the first: " + usage["first_failure"].get<std::string>();
  }
  return text;
}

std::int64_t positions(std::span<const PlayedRun> runs) {
  std::int64_t count = 0;
  for (const PlayedRun& run : runs) {
    for (const PlayedLifecycle& lifecycle : run.lifecycles) {
      for (const EpisodeSummary& episode : lifecycle.episodes) {
        count = std::max<std::int64_t>(count, episode.position + 1);
      }
    }
  }
  return count;
}

}  // namespace turnhalle::app
