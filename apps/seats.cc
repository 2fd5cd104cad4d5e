#include "apps/seats.h"

#include <memory>
#include <utility>

#include "agents/agent_spec.h"
#include "agents/wire/exec_agent.h"
#include "agents/wire/openai_agent.h"
#include "apps/policy_seam.h"
#include "apps/signals.h"
#include "core/conditions.h"
#include "core/replay.h"

namespace turnhalle::app {
namespace {

Result<AgentFactory> replay_agents(const AgentSpec& spec) {
  Result<StoreReader> store = StoreReader::open(spec.argument);
  if (!store) {
    return store.error();
  }
  return make_replay_agents(std::make_shared<const StoreReader>(std::move(*store)));
}

bool is_over_the_wire(const AgentSpec& spec) {
  return spec.name == "openai" || spec.name == "exec";
}

Result<AgentFactory> wire_agents(const AgentSpec& spec, std::shared_ptr<UsageLog> usage) {
  const auto stopped = [] { return stop_flag().load(std::memory_order_relaxed); };
  if (spec.name == "openai") {
    Result<OpenAiOptions> options = read_openai_options(spec);
    return options ? Result<AgentFactory>(make_openai_agents(*options, stopped, std::move(usage)))
                   : options.error();
  }
  Result<ExecOptions> options = read_exec_options(spec);
  return options ? Result<AgentFactory>(make_exec_agents(*options, stopped, std::move(usage)))
                 : options.error();
}

// Adds the latency that the scenario gives its agents. Recorded replies have theirs already.
AgentFactory timed(AgentFactory make, const Scenario& scenario) {
  if (scenario.conditions == nullptr || scenario.conditions->agent.is_zero()) {
    return make;
  }
  return [make = std::move(make), model = scenario.conditions->agent](LifecycleIndex index) {
    return with_latency(make(index), model);
  };
}

}  // namespace

Result<SeatedAgent> seat_agent(const std::string& name, const Scenario& scenario,
                               bool deterministic) {
  Result<AgentSpec> spec = parse_agent(name);
  if (!spec) {
    return spec.error();
  }
  SeatedAgent seated{.name = name, .make = {}, .pump = {}};
  if (spec->name == "policy") {
    Result<PolicyAgents> policy = make_policy_agents(*spec, deterministic);
    if (!policy) {
      return policy.error();
    }
    seated.make = timed(decorate(*spec, std::move(policy->make)), scenario);
    seated.pump = std::move(policy->pump);
    seated.deterministic = deterministic;
    return seated;
  }
  if (is_over_the_wire(*spec)) {
    seated.usage = std::make_shared<UsageLog>();
    Result<AgentFactory> wired = wire_agents(*spec, seated.usage);
    if (!wired) {
      return wired.error();
    }
    seated.make = timed(decorate(*spec, std::move(*wired)), scenario);
    seated.deterministic = false;
    return seated;
  }
  const bool replays = spec->name == "replay";
  Result<AgentFactory> made = replays ? replay_agents(*spec) : make_agent_factory(*spec, scenario);
  if (!made) {
    return made.error();
  }
  seated.make = replays ? decorate(*spec, std::move(*made)) : timed(std::move(*made), scenario);
  seated.alone = spec->name == "human";
  seated.deterministic = !seated.alone;
  return seated;
}

Status check_users(const std::vector<std::string>& users, const Scenario& scenario) {
  if (users.empty()) {
    return ok_status();
  }
  return Error{"--user " + users[0], "expected no user, because " + scenario.environment +
                                         " has no user's seat; found \"" + users[0] + "\""};
}

}  // namespace turnhalle::app
