// Messages, tool calls, replies, and the token ledger of a reply.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/json.h"

namespace turnhalle {

enum class Role : std::uint8_t { system, user, assistant, tool };
std::string_view name_of(Role role);

/// One call of a tool, as the agent wrote it.
struct ToolCall {
  std::string id;
  std::string name;
  Json arguments;
};

/// One OpenAI-shaped message of a conversation.
struct Message {
  Role role = Role::user;
  std::string content;
  std::vector<ToolCall> tool_calls;  ///< of an assistant's message
  std::string tool_call_id;          ///< of a tool's message: which call it answers
};

/// The token ids of one turn as a policy saw and produced them. A conversation's ledger is the
/// concatenation over its turns of `observed` and `sampled`; text is derived from ids, never the
/// other way round.
struct ReplyTokens {
  std::vector<std::int32_t> observed;  ///< templated suffix since the last reply
  std::vector<std::int32_t> sampled;   ///< what the policy produced
  std::vector<float> logprobs;         ///< one per sampled token, of the sampling distribution
  std::int64_t weight_version = 0;
};

/// Why a reply did not come.
enum class ReplyFailure : std::uint8_t {
  none,
  agent,           ///< the agent refused or broke: its own fault, reward of the task's rule
  infrastructure,  ///< an endpoint, a machine, an injected fault: no reward
  interrupted,     ///< the run is being stopped
};

/// What an agent answers in one turn.
struct AgentReply {
  std::string text;
  std::vector<ToolCall> tool_calls;
  SimDuration latency;  ///< virtual time that the answer took
  ReplyFailure failure = ReplyFailure::none;
  std::string failure_text;                   ///< for people, when failure ≠ none
  std::shared_ptr<const ReplyTokens> tokens;  ///< null unless a policy produced it
};

}  // namespace turnhalle
