// Plays single episodes of a user gym with one of its players.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/envs/family_case.h"

namespace turnhalle::user_gyms {

inline Task task_of(std::uint64_t number) {
  const RandomKey key = RandomKey::from_seed(3);
  return {key.split("hidden"), key.split("task").split(number), 0};
}

/// How one episode went.
struct Played {
  double sum = 0.0;
  std::int64_t turns = 0;
  std::string text;  ///< everything that was said, each message with a line break after it
  std::vector<std::string> messages;
};

inline Played play(const EnvironmentFamily& family, const std::string& role, const Task& task,
                   RandomKey key) {
  const auto game = family.make();
  const auto player = family.make_player(role);
  Played played;
  played.messages.push_back(game->reset(task).user);
  for (Outcome outcome = Outcome::running; outcome == Outcome::running; ++played.turns) {
    const RandomKey turn = key.split(static_cast<std::uint64_t>(played.turns));
    const std::string reply = player->play({*game, {}, EpisodeKind::solve, 0, played.turns}, turn);
    const StepResult result = say(*game, reply);
    played.messages.push_back(reply);
    played.messages.push_back(result.observation);
    played.sum += result.reward;
    outcome = result.outcome;
  }
  for (const std::string& message : played.messages) played.text += message + "\n";
  return played;
}

/// Share of tasks that the player solves.
inline double success(const EnvironmentFamily& family, const std::string& role,
                      std::uint64_t games) {
  std::uint64_t solved = 0;
  for (std::uint64_t i = 0; i < games; ++i) {
    const Played played = play(family, role, task_of(i), RandomKey::from_seed(i));
    solved += played.sum >= family.spec().success_from ? 1 : 0;
  }
  return static_cast<double>(solved) / static_cast<double>(games);
}

/// Share of groups of eight rollouts of one task that all return the same.
inline double equal_groups(const EnvironmentFamily& family, const std::string& role,
                           std::uint64_t groups) {
  std::uint64_t equal = 0;
  for (std::uint64_t i = 0; i < groups; ++i) {
    bool same = true;
    double first = 0.0;
    for (std::uint64_t rollout = 0; rollout < 8; ++rollout) {
      const RandomKey key = RandomKey::from_seed(i).split("rollout").split(rollout);
      const double sum = play(family, role, task_of(i), key).sum;
      if (rollout == 0) first = sum;
      same = same && sum == first;
    }
    equal += same ? 1 : 0;
  }
  return static_cast<double>(equal) / static_cast<double>(groups);
}

}  // namespace turnhalle::user_gyms
