// A model of others in the agent's seat: openai:URL#MODEL, over chat completions.
//
//   openai:http://127.0.0.1:8000/v1#my-model@temperature=0.7@max_tokens=256
//
// The whole conversation is sent at every turn, with the tools of the environment; the seed comes
// from the turn's key. What goes wrong around the model (no connection, no answer in time, a body
// that does not read, 429 and 5xx) is tried again and is then an infrastructure outcome without a
// reward; what the model wrote is the environment's to judge.
//
// Virtual time does not see the endpoint's real latency unless the name says @latency=measured:
// results then depend on the endpoint's load. Tokens, tries, seconds and cost are in the UsageLog.
//
// Token ids, where the server gives them (vLLM, @token_ids=true), make the reply's ledger as long
// as each prompt extends the ledger before it. A prompt that does not (the server renders past
// turns differently) ends the ledger of this conversation: no ids rather than wrong ones.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agents/agent_spec.h"
#include "agents/usage.h"
#include "agents/wire/chat_completions.h"
#include "agents/wire/http_client.h"
#include "core/agent.h"

namespace turnhalle {

struct OpenAiOptions {
  HttpUrl base;  ///< requests go to {base}/chat/completions
  ChatRequestOptions request;
  bool seeded = true;  ///< send a seed
  std::string key;     ///< of the Authorization header; "" sends none. Never recorded or printed
  HttpLimits limits{.deadline = std::chrono::milliseconds(120'000)};
  HttpRetries retries;
  int concurrency = 64;  ///< requests at a time, over all lifecycles
  double price_in = 0.0;   ///< per million tokens of prompts
  double price_out = 0.0;  ///< per million tokens of completions
  bool measured_latency = false;
};

/// Reads URL#MODEL and the options of the name. A URL without a path means /v1.
Result<OpenAiOptions> read_openai_options(const AgentSpec& spec);

/// Agents that share one limit of concurrency. `stopped` (may be empty) is asked while they wait:
/// true interrupts the turn. `usage` may be null.
AgentFactory make_openai_agents(OpenAiOptions options, std::function<bool()> stopped,
                                std::shared_ptr<UsageLog> usage);

}  // namespace turnhalle
