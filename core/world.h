// A world: everything one lifecycle owns, as a state machine without threads or sockets.
//
//   world.start();
//   while (!world.finished()) world.deliver(agent's reply to world.conversation());
//
// Time moves by the world's own events only: the latency of replies and what the environment
// schedules. Saved at a turn boundary and restored, a world goes on to the same bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/agent.h"
#include "core/recorder.h"

namespace turnhalle {

/// What a world is stopped by. Going over a limit of the environment ends the lifecycle as
/// environment_error, with feedback that names the limit.
struct WorldLimits {
  std::int64_t reply_bytes_max = 1 << 16;  ///< longer replies are cut before they are read
  SimDuration reply_deadline{0};           ///< a later reply is a timeout; 0: none
  SimDuration episode_time{0};             ///< a longer episode is truncated; 0: none
  // Of the environment.
  std::int64_t events_per_turn_max = 10'000;
  std::int64_t events_pending_max = 100'000;
  std::int64_t turns_max = 100'000;    ///< of an episode, whatever that allows itself
  std::int64_t episodes_max = 10'000;  ///< of a lifecycle
  std::int64_t conversation_bytes_max = std::int64_t{64} << 20;
  std::int64_t state_bytes_max = std::int64_t{64} << 20;  ///< looked at every 64 turns
};

struct WorldOptions {
  LifecycleIndex index;
  RandomKey agent_key;  ///< of the agent's draws in this lifecycle
  WorldLimits limits;
};

class World {
 public:
  /// `recorder` may be null; it is owned.
  World(std::unique_ptr<Lifecycle> lifecycle, WorldOptions options,
        std::unique_ptr<Recorder> recorder);

  /// Begins the first episode. Once.
  void start();
  bool finished() const { return finished_; }
  /// Whose turn it is: valid when started and not finished, until the next deliver().
  Conversation conversation() const;
  /// Applies the reply and runs events until the agent is asked again or the lifecycle is over.
  void deliver(AgentReply reply);

  SimTime now() const { return queue_.now(); }
  const WorldOptions& options() const { return options_; }
  std::int64_t episodes() const { return episode_ + (started_ ? 1 : 0); }
  const Lifecycle& lifecycle() const { return *lifecycle_; }

  /// A world that goes on by itself from this turn: a copy of the whole state, pending events and
  /// streams included. The conversation is shared until one of the two writes to it. The copy
  /// has the options given and reports to `recorder` (may be null) from here on.
  std::unique_ptr<World> fork(const WorldOptions& options, std::unique_ptr<Recorder> recorder);

  /// The whole state at a turn boundary. The recorder is not part of it.
  std::string snapshot() const;
  /// Into a world made with the same scenario; false when the bytes are not what snapshot() writes,
  /// and then the world is of no more use.
  bool restore(std::string_view bytes);

 private:
  void begin_episode();
  void end_lifecycle();
  void run_event(StepResult& result);
  StepResult settle(StepResult result);
  StepResult play_turn(const AgentReply& reply, SimTime arrival);
  void take(StepResult& into, StepResult later);
  void apply_limits(const AgentReply& reply, StepResult& result) const;
  void finish_turn(const AgentReply& reply, const StepResult& result, SimTime replied);
  void finish_episode(Outcome outcome);
  std::vector<Message>& own_messages();

  std::unique_ptr<Lifecycle> lifecycle_;
  WorldOptions options_;
  std::unique_ptr<Recorder> recorder_;
  EventQueue queue_;
  std::shared_ptr<std::vector<Message>> messages_ = std::make_shared<std::vector<Message>>();
  bool messages_shared_ = false;  ///< by a fork: copied before they change
  std::vector<Event> turn_events_;
  EpisodeKind kind_ = EpisodeKind::solve;
  std::int64_t position_ = 0;
  std::int64_t turns_max_ = 1;
  std::int64_t episode_ = -1;
  std::int64_t turn_ = 0;
  std::size_t episode_begin_ = 0;
  std::int64_t message_bytes_ = 0;
  SimTime began_;  ///< the episode
  bool fresh_ = true;
  bool started_ = false;
  bool finished_ = false;
  SimTime asked_;
};

/// Branches a running world into `count` continuations at its turn. Continuation 0 draws as the
/// world itself would, the others from streams of their own (branch_key).
std::vector<std::unique_ptr<World>> branch(World& world, std::int64_t count);

/// The key of the agent's draws in continuation `number` of a lifecycle whose key is `key`.
RandomKey branch_key(RandomKey key, std::int64_t number);

/// Plays a started world to its end with one agent, or until the agent is interrupted or `stop`
/// (may be empty) says so between two turns.
boost::asio::awaitable<void> play(World& world, Agent& agent, std::function<bool()> stop = nullptr);

}  // namespace turnhalle
