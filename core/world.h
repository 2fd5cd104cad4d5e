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

struct WorldLimits {
  std::int64_t reply_bytes_max = 1 << 16;    ///< longer replies are cut before they are read
  std::int64_t events_per_turn_max = 10'000;  ///< more end the episode as environment_error
  SimDuration reply_deadline{0};             ///< a later reply is a timeout; 0: none
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
  std::int64_t episodes() const { return episode_ + (started_ ? 1 : 0); }
  const Lifecycle& lifecycle() const { return *lifecycle_; }

  /// The whole state at a turn boundary. The recorder is not part of it.
  std::string snapshot() const;
  /// Into a world made with the same scenario; false when the bytes do not fit.
  bool restore(std::string_view bytes);

 private:
  void begin_episode();
  void run_event(StepResult& result);
  StepResult settle(StepResult result);
  void finish_turn(const AgentReply& reply, const StepResult& result, SimTime replied);
  void finish_episode(Outcome outcome);

  std::unique_ptr<Lifecycle> lifecycle_;
  WorldOptions options_;
  std::unique_ptr<Recorder> recorder_;
  EventQueue queue_;
  std::vector<Message> messages_;
  std::vector<Event> turn_events_;
  EpisodeKind kind_ = EpisodeKind::solve;
  std::int64_t position_ = 0;
  std::int64_t turns_max_ = 1;
  std::int64_t episode_ = -1;
  std::int64_t turn_ = 0;
  std::size_t episode_begin_ = 0;
  bool fresh_ = true;
  bool started_ = false;
  bool finished_ = false;
  SimTime asked_;
};

/// Plays a started world to its end with one agent, or until the agent is interrupted or `stop`
/// (may be empty) says so between two turns.
boost::asio::awaitable<void> play(World& world, Agent& agent,
                                  std::function<bool()> stop = nullptr);

}  // namespace turnhalle
