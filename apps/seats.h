// Who sits in the agent's seat: from a name on the command line to agents.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agents/usage.h"
#include "core/agent.h"
#include "core/result.h"
#include "core/scenario.h"

namespace turnhalle::app {

struct SeatedAgent {
  std::string name;            ///< as the user wrote it
  AgentFactory make;
  std::function<bool()> pump;  ///< of a policy; empty for the rest
  bool alone = false;          ///< one lifecycle at a time: a person at the terminal
  bool deterministic = true;   ///< equal digests are promised
  std::shared_ptr<UsageLog> usage = nullptr;  ///< of agents outside this process; null for others
};

/// Reads the name and makes the agents. A policy is loaded, which may replace the process
/// (policy_seam.h): call it before anything is written.
Result<SeatedAgent> seat_agent(const std::string& name, const Scenario& scenario,
                               bool deterministic);
/// Refuses users for a scenario whose environment has no user's seat.
Status check_users(const std::vector<std::string>& users, const Scenario& scenario);

}  // namespace turnhalle::app
