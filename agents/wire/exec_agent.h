// A program in the agent's seat: exec:COMMAND, which speaks one JSON line per turn.
//
//   exec:python3 my_agent.py@timeout=30+delay:250ms
//
// One child process for each lifecycle, from its first turn to its end: the program may remember
// as it likes, and nothing of one lifecycle reaches another. At most @concurrency=N of them live
// at a time (the other lifecycles wait). Each turn it is told on one line
//
//   {"type":"turn","lifecycle":3,"episode":0,"turn":1,"position":0,"kind":"solve","fresh":true,
//    "seed":1234,"new_from":2,"messages":[…],"tools":[…]}
//
// with the whole conversation in OpenAI's shape; what it has not been told yet begins at index
// `new_from`, and `fresh` says that the episode began a new conversation. It answers with one line,
// an assistant's message: {"content":"…"} and perhaps "tool_calls", or {"error":"…"} when it
// cannot. When its input ends it should exit; two seconds later it is killed.
//
// A program that crashes, says no line of this shape, or misses its deadline is an infrastructure
// outcome without a reward, with the end of its standard error in the message.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "agents/agent_spec.h"
#include "agents/usage.h"
#include "core/agent.h"

namespace turnhalle {

struct ExecOptions {
  std::string command;
  std::chrono::milliseconds deadline{60'000};  ///< of a turn
  int concurrency = 16;                        ///< child processes at a time
  bool measured_latency = false;               ///< real time becomes virtual time
};

Result<ExecOptions> read_exec_options(const AgentSpec& spec);

/// `stopped` (may be empty) is asked while they wait: true interrupts the turn. `usage` may be
/// null.
AgentFactory make_exec_agents(ExecOptions options, std::function<bool()> stopped,
                              std::shared_ptr<UsageLog> usage);

/// The line that a program is told; `new_from` is an index of the conversation's messages.
std::string exec_turn_line(const Conversation& conversation, std::size_t new_from);
/// Reads the answer; an error says what is wrong with it.
Result<AgentReply> read_exec_answer(const std::string& line);

}  // namespace turnhalle
