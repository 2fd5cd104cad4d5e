// Where the torch-free program and the one with the policy differ.
//
// turnhalle        forwards: it becomes turnhalle-torch from its own folder, with the same words
// turnhalle-torch  loads the policy
#pragma once

#include <functional>

#include "agents/agent_spec.h"
#include "core/agent.h"
#include "core/result.h"

namespace turnhalle::app {

/// Agents that share one policy. Everything of theirs runs on one thread.
struct PolicyAgents {
  AgentFactory make;
  /// One step of the engine: goes into PoolOptions::pump.
  std::function<bool()> pump;
};

/// The agents of `policy:DIR@option=value`. In turnhalle this does not return when
/// turnhalle-torch is there; call it before anything is written.
Result<PolicyAgents> make_policy_agents(const AgentSpec& spec, bool deterministic);

/// Makes sure that this process can run torch: returns in turnhalle-torch, becomes it in
/// turnhalle, or says why that is impossible.
Status need_torch();

}  // namespace turnhalle::app
