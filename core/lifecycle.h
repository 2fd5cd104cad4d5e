// A lifecycle: the episodes that one agent lives through in one hidden world.
//
// The world (world.h) drives a Lifecycle; envs/task_sequence.h makes them around any environment.
// A plain task is a lifecycle of one episode.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/env.h"

namespace turnhalle {

/// The beginning of an episode, as the agent sees it.
struct EpisodeStart {
  EpisodeKind kind = EpisodeKind::solve;
  /// The task's place; for an update: of the task whose context it writes (first use).
  std::int64_t position = 0;
  /// Whether the messages go on in the conversation of the episode before.
  bool continues = false;
  std::vector<Message> messages;
  std::int64_t turns_max = 1;
  std::string context;  ///< under which a solve episode is played
  std::vector<Timer> timers = {};  ///< events due after the episode's beginning
};

/// How an episode ended. `reward` is after the scenario's shaping.
struct EpisodeEnd {
  Outcome outcome = Outcome::done;
  std::optional<double> reward;  ///< null for infrastructure outcomes
  bool success = false;          ///< the task's goal was reached; an update was readable
  std::vector<RewardPart> parts;
  std::string feedback;  ///< final words of the environment
};

class Lifecycle {
 public:
  virtual ~Lifecycle() = default;
  virtual const EnvironmentSpec& spec() const = 0;
  /// The next episode, or nothing when the lifecycle is over. `conversation` is that of the
  /// episode before (empty at the start).
  virtual std::optional<EpisodeStart> next_episode(std::span<const Message> conversation) = 0;
  virtual StepResult step(Seat seat, const AgentReply& reply, Scheduler& scheduler) = 0;
  virtual StepResult advance(const Event& event, Scheduler& scheduler) = 0;
  /// Closes the current episode with the outcome it came to; `turns` were played.
  virtual EpisodeEnd end_episode(Outcome outcome, std::int64_t turns) = 0;
  virtual void snapshot(ByteWriter& out) const = 0;
  virtual bool restore(ByteReader& in) = 0;
  /// A copy that goes on by itself from here.
  virtual std::unique_ptr<Lifecycle> fork() const = 0;
  virtual Json hidden_state() const = 0;
  /// For privileged players.
  virtual const Environment& environment() const = 0;
};

}  // namespace turnhalle
