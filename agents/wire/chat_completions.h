// Chat completions as OpenAI's endpoint and its many doubles speak them: pure functions between
// conversations and bytes. No sockets, no clocks.
//
//   POST {base}/chat/completions   encode_chat_request()
//   200, application/json          decode_chat_response()
//   200, text/event-stream         decode_chat_stream()
//   anything else                  error_text()
//
// What a model wrote is never an error: arguments of a tool call that are not a JSON object reach
// the environment as a JSON string of the very text, so that its answer to the call can say what
// is wrong with them; sent back they are that text again. Errors are of the endpoint's shape.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/result.h"
#include "core/transcript.h"

namespace turnhalle {

enum class ChatStreaming : std::uint8_t {
  off,
  on,
  usage,  ///< with stream_options.include_usage, which some servers refuse
};

/// What stands in a request beside the conversation. Absent values are not sent: the server's
/// defaults hold, and servers refuse what they do not know.
struct ChatRequestOptions {
  std::string model;
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<std::int64_t> max_tokens;             ///< understood by nearly every server
  std::optional<std::int64_t> max_completion_tokens;  ///< OpenAI's own name for it
  std::optional<std::int64_t> seed;
  std::optional<bool> parallel_tool_calls;  ///< sent with tools only
  ChatStreaming stream = ChatStreaming::off;
  bool logprobs = false;
  bool token_ids = false;  ///< vLLM's return_token_ids
};

struct ChatUsage {
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t cached_tokens = 0;  ///< of the prompt
};

/// One choice of a response.
struct ChatReply {
  std::string text;  ///< content, or the refusal where there is no content
  std::vector<ToolCall> tool_calls;
  std::string finish_reason;
  std::optional<ChatUsage> usage;
  std::vector<double> logprobs;  ///< of the sampled tokens, where the server gave them
  /// Where the server gave them (vLLM); the prompt's are of the whole conversation.
  std::optional<std::vector<std::int32_t>> prompt_ids;
  std::optional<std::vector<std::int32_t>> sampled_ids;
};

/// At most so many calls of one reply are taken; the rest are dropped.
inline constexpr std::size_t kToolCallsMax = 128;

/// The body of a request. `tools` is an array of OpenAI-shaped definitions. Every call of the
/// conversation gets an answer, as servers demand: an empty one where the world gave none.
std::string encode_chat_request(std::span<const Message> messages, const Json& tools,
                                const ChatRequestOptions& options);

/// The conversation as a JSON array of OpenAI-shaped messages.
Json chat_messages(std::span<const Message> messages);

/// Reads an assistant's message {"content", "tool_calls", …}: text, calls, nothing else.
Result<ChatReply> decode_chat_message(const Json& message);
Result<ChatReply> decode_chat_response(std::string body);
/// Reads server-sent events up to [DONE] or the end. A stream that ends without either [DONE] or
/// a finish reason is truncated: an error.
Result<ChatReply> decode_chat_stream(std::string_view body);
/// Whether the events so far end with [DONE]: nothing more needs to be read.
bool chat_stream_is_done(std::string_view body);

/// What an error response says, in one line, shortened: {"error":{"message"}}, {"detail"}, text.
std::string error_text(std::string_view body);

/// Gives calls without an id, or with one that an earlier call of the reply has, the id
/// PREFIX_NUMBER, so that every result finds its call.
void give_ids(std::vector<ToolCall>& calls, std::string_view prefix);

}  // namespace turnhalle
