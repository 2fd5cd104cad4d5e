// The central abstraction: an environment plays one episode at a time.
//
// An environment is a state machine. It has no clock, file, network, thread or global; chance
// comes from the keys of its task, time from the scheduler. Outside work leaves as a job and
// comes back as an event. That is what makes snapshots, forks and replays possible at every turn.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/event_queue.h"
#include "core/ids.h"
#include "core/json_reader.h"
#include "core/rng.h"
#include "core/transcript.h"

namespace turnhalle {

/// How an episode stands. The last four are faults; only an agent's own has a reward.
enum class Outcome : std::uint8_t {
  running,
  done,                  ///< ended by the task's rules, won or lost
  truncated,             ///< a limit of turns, tokens or time cut it
  agent_error,           ///< an unreadable or forbidden action ended it
  environment_error,     ///< the world broke: no reward
  infrastructure_error,  ///< something around it broke: no reward
  timeout,               ///< the agent missed its deadline in virtual time
};
std::string_view name_of(Outcome outcome);
/// Whether an outcome carries no reward (null, never 0) and is masked in training.
bool is_infrastructure(Outcome outcome);

/// `solve` plays a task; `update_context` rewrites the context between two tasks.
enum class EpisodeKind : std::uint8_t { solve, update_context };
std::string_view name_of(EpisodeKind kind);

/// Immutable facts about an environment with its options fixed.
struct EnvironmentSpec {
  std::string name;
  std::int64_t version = 1;
  std::string action_grammar;     ///< one line for people
  double reward_low = 0.0;        ///< of one episode, before the scenario's shaping
  double reward_high = 1.0;
  double success_from = 1.0;      ///< an episode that returns at least this counts as a success
  std::int64_t turns_max = 1;     ///< of a solve episode
  bool replay_is_exact = true;    ///< false: only recorded answers can be replayed
  /// Whether the agent may be told the reward, when it rewrites its context for one. No for rewards
  /// that are measured against the hidden truth (PDE discovery in the code of Connect the Dots).
  bool tells_reward = true;
  Json tools = Json::array();     ///< OpenAI-shaped tool definitions
  /// Whether each tool call of a reply may come in a reply of its own (without text), at a time
  /// of its own: then calls of one reply may be in flight together.
  bool calls_one_by_one = false;
  /// Exogenous events of scenarios that advance() understands, by name (kExogenousEvent).
  std::vector<std::string> events = {};
};

/// One instance. `hidden` fixes what stays the same over a lifecycle, `task` this instance.
struct Task {
  RandomKey hidden;
  RandomKey task;
  std::int64_t position = 0;  ///< in the lifecycle
  std::int64_t number = 0;    ///< which of the lifecycle's tasks: not `position` where one repeats
};

/// The first messages of an episode.
struct Opening {
  std::string system;  ///< rules; the lifecycle may add the context to it
  std::string user;    ///< first observation
  std::vector<Timer> timers = {};  ///< events due after the episode's beginning
};

struct RewardPart {
  std::string name;
  double value = 0.0;
};

/// What one action or event brought about.
struct StepResult {
  std::string observation;            ///< next user message; at the end: the final feedback
  std::vector<Message> tool_results;  ///< answers to tool calls, by id, before the observation
  Outcome outcome = Outcome::running;
  double reward = 0.0;                ///< of this step; the episode's return is their sum
  std::vector<RewardPart> parts;      ///< named parts that sum to `reward`; may be empty
  bool waiting = false;               ///< nobody acts until an event is due
  /// Faults that were injected, as canonical JSON; the world enters them into the turn's events.
  std::vector<std::string> faults = {};
};

class Environment {
 public:
  virtual ~Environment() = default;
  virtual const EnvironmentSpec& spec() const = 0;
  /// Begins an episode; deterministic in the options and the task. Forgets the one before, except
  /// what the environment's header says that it keeps over a lifecycle; position 0 forgets all.
  virtual Opening reset(const Task& task) = 0;
  /// Applies one action at the scheduler's time. A bad action is an outcome, never an exception.
  virtual StepResult step(Seat seat, const AgentReply& reply, Scheduler& scheduler) = 0;
  /// The same, broken off after the first of the action's effects (a fault, see conditions.h).
  /// Where an action has one effect, that takes place.
  virtual StepResult step_in_part(Seat seat, const AgentReply& reply, Scheduler& scheduler) {
    return step(seat, reply, scheduler);
  }
  /// A scheduled event is due.
  virtual StepResult advance(const Event& event, Scheduler& scheduler) = 0;
  /// The whole state; restore ∘ snapshot is the identity. restore() returns false, and leaves an
  /// environment that must be reset, when the bytes are not a snapshot of it.
  virtual void snapshot(ByteWriter& out) const = 0;
  virtual bool restore(ByteReader& in) = 0;
  /// A copy that goes on by itself, where copying is cheaper than snapshot() and restore(); else
  /// null, and the caller takes those.
  virtual std::unique_ptr<Environment> fork() const { return nullptr; }
  /// For viewers, oracles and tests; never shown to agents.
  virtual Json hidden_state() const = 0;
  /// The environment itself, below what wraps it: what privileged players look at.
  virtual const Environment& unwrapped() const { return *this; }
};

/// How tasks are worded: the paper's long prompts, or the short form a small policy can learn.
enum class PromptStyle : std::uint8_t { paper, compact };

/// What an environment tells the lifecycle about contexts in its style of prompt.
struct ContextWords {
  std::string placeholder;  ///< the context of the first task
  std::string failed;       ///< the context after an update that could not be read
  /// The pieces that every text of the compact style consists of: the vocabulary of a small
  /// policy. Empty where there is no such list.
  std::vector<std::string> chunks;
  std::vector<std::string> stops;  ///< those of them that end a reply
};

/// What a privileged player is shown: the environment itself, and the agent's conversation.
struct PlayerView {
  const Environment& environment;
  std::span<const Message> messages;
  EpisodeKind kind = EpisodeKind::solve;
  std::int64_t position = 0;
  std::int64_t turn = 0;
};

/// A scripted player that an environment ships: expert, demonstrator, random legal play. One
/// object plays one lifecycle and may remember what it saw. Whether it uses hidden state is said
/// in the environment's header.
class Player {
 public:
  virtual ~Player() = default;
  /// The text of the reply; deterministic in the view, the player's memory and the key.
  virtual std::string play(const PlayerView& view, RandomKey key) = 0;
};

/// One environment with its options fixed; makes its instances and players. Shared by threads.
class EnvironmentFamily {
 public:
  virtual ~EnvironmentFamily() = default;
  virtual const EnvironmentSpec& spec() const = 0;
  virtual ContextWords context_words() const = 0;
  virtual std::unique_ptr<Environment> make() const = 0;
  /// `role` is "expert", "random" or another that the registry entry lists; else null.
  virtual std::unique_ptr<Player> make_player(std::string_view role) const = 0;
};

}  // namespace turnhalle
