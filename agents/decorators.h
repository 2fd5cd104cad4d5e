// Behaviours that wrap an agent: delay and fault, as in "random+delay:250ms+fault:error@0.1".
#pragma once

#include <memory>

#include "core/agent.h"
#include "core/latency.h"

namespace turnhalle {

/// Each reply takes `delay` more of virtual time.
std::unique_ptr<Agent> with_delay(std::unique_ptr<Agent> agent, SimDuration delay);

/// Each reply takes virtual time as a scenario's latency model says, drawn from the turn's own
/// stream "latency".
std::unique_ptr<Agent> with_latency(std::unique_ptr<Agent> agent, LatencyModel model);

enum class AgentFault : std::uint8_t {
  timeout,  ///< the answer never comes: an infrastructure outcome
  error,    ///< the endpoint answers with an error: an infrastructure outcome
  empty,    ///< an empty reply comes instead: the agent's own fault
};

/// Each turn fails with probability `rate`, drawn from the turn's own stream "fault"; a fault
/// moves no other draw.
std::unique_ptr<Agent> with_fault(std::unique_ptr<Agent> agent, AgentFault fault, double rate);

}  // namespace turnhalle
