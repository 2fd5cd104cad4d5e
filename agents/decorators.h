// Behaviours that wrap an agent: delay and fault, as in "random+delay:250ms+fault:error@0.1".
#pragma once

#include <memory>

#include "core/agent.h"

namespace turnhalle {

/// Each reply takes `delay` more of virtual time.
std::unique_ptr<Agent> with_delay(std::unique_ptr<Agent> agent, SimDuration delay);

enum class AgentFault : std::uint8_t {
  timeout,  ///< the answer never comes: an infrastructure outcome
  error,    ///< the endpoint answers with an error: an infrastructure outcome
  empty,    ///< an empty reply comes instead: the agent's own fault
};

/// Each turn fails with probability `rate`, drawn from the turn's own stream "fault"; a fault
/// moves no other draw.
std::unique_ptr<Agent> with_fault(std::unique_ptr<Agent> agent, AgentFault fault, double rate);

}  // namespace turnhalle
