// Anything that can take the agent's seat.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <span>
#include <string>

#include "core/lifecycle.h"

namespace turnhalle {

/// What an agent sees when it is its turn. The view is valid until the reply is given.
struct Conversation {
  std::span<const Message> messages;
  LifecycleIndex lifecycle;
  std::int64_t episode = 0;  ///< in the lifecycle
  EpisodeKind kind = EpisodeKind::solve;
  std::int64_t position = 0;
  std::int64_t turn = 0;            ///< in the episode
  std::size_t episode_begin = 0;    ///< index of the episode's first message
  bool fresh = true;                ///< false: the episode continued the conversation before it
  RandomKey key;                    ///< of this turn's draws
  const Lifecycle* world = nullptr;  ///< for privileged players only
};

/// One object per lifecycle; it may remember. act() is a coroutine on the world's executor and
/// may suspend as long as it likes; a failure is a field of the reply, not an exception.
class Agent {
 public:
  virtual ~Agent() = default;
  virtual boost::asio::awaitable<AgentReply> act(const Conversation& conversation) = 0;
  /// Instead of act(): the turn was played with a reply of somebody else, as before a fork. An
  /// agent that remembers learns from it; one that reads the whole conversation need not.
  virtual void watch(const Conversation& /*conversation*/, const AgentReply& /*given*/) {}
};

/// Makes the agent for one lifecycle. Called from any thread of the pool.
using AgentFactory = std::function<std::unique_ptr<Agent>(LifecycleIndex)>;

}  // namespace turnhalle
