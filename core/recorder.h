// Where a world reports what happened. A store, a digest, a trainer and a verifier listen.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/lifecycle.h"

namespace turnhalle {

/// One turn: the reply and what it brought about. References are valid during the call only.
struct TurnRecord {
  std::int64_t episode = 0;
  std::int64_t turn = 0;
  const AgentReply& reply;
  const StepResult& result;
  SimTime asked;     ///< when it became the agent's turn
  SimTime replied;   ///< when the reply arrived
  SimTime finished;  ///< when the next turn or the end was due
  std::span<const Event> events;  ///< events of the environment between reply and finish
};

/// Listens to one lifecycle. Calls come in order, from one thread at a time.
class Recorder {
 public:
  virtual ~Recorder() = default;
  virtual void episode_started(std::int64_t episode, const EpisodeStart& start) = 0;
  virtual void turn_played(const TurnRecord& turn) = 0;
  virtual void episode_ended(std::int64_t episode, const EpisodeEnd& end) = 0;
  virtual void lifecycle_ended() = 0;
};

/// The canonical bytes of a trajectory: what digests are taken over and replays are compared by.
std::string canonical_start(std::int64_t episode, const EpisodeStart& start);
std::string canonical_turn(const TurnRecord& turn);
std::string canonical_end(std::int64_t episode, const EpisodeEnd& end);

/// Forwards to several recorders in order; null ones are left out.
std::unique_ptr<Recorder> tee(std::vector<std::unique_ptr<Recorder>> recorders);

/// Calls `finished` with a lifecycle's canonical bytes when it ends.
std::unique_ptr<Recorder> make_canonical_recorder(std::function<void(std::string)> finished);

}  // namespace turnhalle
