// Names of agents on the command line: NAME[:ARGUMENT][@key=value…][+decorator…].
//
//   random                           a player that the environment ships
//   script:replies.json              replies from a file
//   policy:runs/demo/step_000080@temperature=0.7
//   openai:http://127.0.0.1:8000/v1#my-model@temperature=0.7
//   exec:python3 my_agent.py
//   random+delay:250ms+fault:timeout@0.1
//
// After openai: and exec:, `@` begins an option only where a word of small letters and `=` follow,
// and `+` a decorator only where a word and `:` follow; the rest belongs to URL, model or command.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/decorators.h"
#include "core/result.h"
#include "core/scenario.h"

namespace turnhalle {

struct AgentSpec {
  std::string text;                            ///< as the user wrote it
  std::string name;                            ///< "policy"
  std::string argument;                        ///< "runs/demo/step_000080"
  std::map<std::string, std::string> options;  ///< {"temperature": "0.7"}
  SimDuration delay;
  struct Fault {
    AgentFault kind = AgentFault::error;
    double rate = 0.0;
  };
  std::vector<Fault> faults;
};

/// Names that need no argument or explain it, for `list agents` and for suggestions.
struct AgentName {
  std::string name;
  std::string summary;
};
const std::vector<AgentName>& agent_names();

/// Reads a name; the error suggests the nearest one.
Result<AgentSpec> parse_agent(std::string_view text);

/// Makes agents that need neither a policy nor a store nor a wire: players, scripts and test
/// doubles, with their decorators. An unknown player of this environment is an error.
Result<AgentFactory> make_agent_factory(const AgentSpec& spec, const Scenario& scenario);

/// The decorators of `spec` around what `inner` makes.
AgentFactory decorate(const AgentSpec& spec, AgentFactory inner);

}  // namespace turnhalle
