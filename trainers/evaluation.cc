#include "trainers/evaluation.h"

#include <map>

namespace turnhalle {
namespace {

// What was seen at one position.
struct Tally {
  std::vector<double> rewards;
  std::vector<std::int64_t> clusters;
  std::int64_t successes = 0;

  void add(const RolloutRow& row, std::int64_t lifecycle) {
    rewards.push_back(*row.reward);
    clusters.push_back(lifecycle);
    successes += row.success ? 1 : 0;
  }
  PositionScore score(std::int64_t position) const {
    return {position, wilson(successes, static_cast<std::int64_t>(rewards.size())),
            cluster_bootstrap(rewards, clusters)};
  }
};

}  // namespace

Json to_json(const EvaluationReport& report) {
  Json positions = Json::array();
  for (const PositionScore& score : report.positions) {
    positions.push_back({{"position", score.position < 0 ? Json("all") : Json(score.position)},
                         {"success", to_json(score.success)},
                         {"reward", to_json(score.reward)}});
  }
  return {{"step", report.step},
          {"lifecycles", report.lifecycles},
          {"positions", std::move(positions)},
          {"update_readable", to_json(report.update_readable)},
          {"turns", report.turns_mean}};
}

EvaluationReport summarise(std::int64_t step, std::span<const LifecycleRollout> rollouts) {
  EvaluationReport report;
  report.step = step;
  report.lifecycles = static_cast<std::int64_t>(rollouts.size());
  std::map<std::int64_t, Tally> tallies;
  Tally all;
  std::int64_t updates = 0, readable = 0, turns = 0, solves = 0;
  for (std::size_t i = 0; i < rollouts.size(); ++i) {
    for (const RolloutRow& row : rollouts[i].rows) {
      if (!row.reward) continue;
      if (row.kind == EpisodeKind::update_context) {
        ++updates;
        readable += row.success ? 1 : 0;
        continue;
      }
      tallies[row.position].add(row, static_cast<std::int64_t>(i));
      all.add(row, static_cast<std::int64_t>(i));
      ++solves;
      turns += static_cast<std::int64_t>(row.turn_reward.size());
    }
  }
  for (const auto& [position, tally] : tallies) report.positions.push_back(tally.score(position));
  report.positions.push_back(all.score(-1));
  report.update_readable = wilson(readable, updates);
  report.turns_mean = solves > 0 ? static_cast<double>(turns) / static_cast<double>(solves) : 0.0;
  return report;
}

}  // namespace turnhalle
