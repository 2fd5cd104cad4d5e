#include "agents/wire/chat_completions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "agents/wire/chat_stream.h"
#include "core/text.h"

namespace turnhalle {
namespace {

Error bad_reply(const std::string& expected, const std::string& found) {
  return {"", "expected " + expected + "; found " + found};
}

// The text of arguments on the wire. A string is what a model wrote instead of an object.
std::string arguments_text(const Json& arguments) {
  return arguments.is_string() ? arguments.get<std::string>() : canonical(arguments);
}

Json call_json(const ToolCall& call) {
  return {{"id", call.id},
          {"type", "function"},
          {"function", {{"name", call.name}, {"arguments", arguments_text(call.arguments)}}}};
}

Json message_json(const Message& message) {
  Json json = {{"role", name_of(message.role)}, {"content", message.content}};
  if (message.role == Role::tool) json["tool_call_id"] = message.tool_call_id;
  if (message.role == Role::assistant && !message.tool_calls.empty()) {
    if (message.content.empty()) json["content"] = nullptr;
    Json& calls = json["tool_calls"] = Json::array();
    for (const ToolCall& call : message.tool_calls) calls.push_back(call_json(call));
  }
  return json;
}

// Answers to the calls of `call_message` that the tool messages after it do not answer.
void answer_the_rest(std::span<const Message> messages, std::size_t call_message, Json& out) {
  std::set<std::string> answered;
  for (std::size_t i = call_message + 1;
       i < messages.size() && messages[i].role == Role::tool; ++i) {
    answered.insert(messages[i].tool_call_id);
  }
  for (const ToolCall& call : messages[call_message].tool_calls) {
    if (answered.insert(call.id).second) {
      out.push_back({{"role", "tool"}, {"tool_call_id", call.id}, {"content", ""}});
    }
  }
}

// Arguments are a text of JSON; some servers give the object itself.
Json read_arguments(const Json* given) {
  if (given == nullptr || given->is_null()) {
    return Json::object();
  }
  if (!given->is_string()) {
    return *given;
  }
  const auto& text = given->get_ref<const std::string&>();
  if (trim(text).empty()) {
    return Json::object();
  }
  Result<JsonDocument> read = parse_json(text);
  return read && read->root.is_object() ? std::move(read->root) : Json(text);
}

std::string string_of(const Json* value) {
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

ToolCall read_call(const Json& json) {
  ToolCall call;
  call.id = string_of(child_of(json, "id"));
  const Json* function = child_of(json, "function");
  const Json& named = function != nullptr ? *function : json;
  call.name = string_of(child_of(named, "name"));
  call.arguments = read_arguments(child_of(named, "arguments"));
  return call;
}

// Text, or a list of parts of which the texts count.
Status read_content(const Json* content, std::string& text) {
  if (content == nullptr || content->is_null()) {
    return ok_status();
  }
  if (content->is_string()) {
    text = content->get<std::string>();
    return ok_status();
  }
  if (!content->is_array()) {
    return bad_reply("content that is a string, an array or null", kind_of(*content));
  }
  for (const Json& part : *content) text += string_of(child_of(part, "text"));
  return ok_status();
}

// A count or an id: an integer from 0 up; strict JSON knows none beyond 64 bits.
std::optional<std::int64_t> natural(const Json* value) {
  if (value == nullptr || !value->is_number_integer()) {
    return std::nullopt;
  }
  const auto number = value->get<std::int64_t>();
  return number >= 0 ? std::optional<std::int64_t>(number) : std::nullopt;
}

std::int64_t count_of(const Json* value) { return natural(value).value_or(0); }

std::optional<ChatUsage> read_usage(const Json* json) {
  if (json == nullptr || !json->is_object()) {
    return std::nullopt;
  }
  ChatUsage usage{count_of(child_of(*json, "prompt_tokens")),
                  count_of(child_of(*json, "completion_tokens")), 0};
  if (const Json* details = child_of(*json, "prompt_tokens_details")) {
    usage.cached_tokens = count_of(child_of(*details, "cached_tokens"));
  }
  return usage;
}

std::optional<std::vector<std::int32_t>> read_ids(const Json* json) {
  if (json == nullptr || !json->is_array()) {
    return std::nullopt;
  }
  std::vector<std::int32_t> ids;
  for (const Json& value : *json) {
    const std::optional<std::int64_t> id = natural(&value);
    if (!id || *id > std::numeric_limits<std::int32_t>::max()) {
      return std::nullopt;
    }
    ids.push_back(static_cast<std::int32_t>(*id));
  }
  return ids;
}

// {"content": [{"token", "logprob", …}, …]}. −9999 stands for "unlikely"; nothing is above 0.
std::vector<double> read_logprobs(const Json* json) {
  const Json* content = json != nullptr ? child_of(*json, "content") : nullptr;
  std::vector<double> logprobs;
  if (content == nullptr || !content->is_array()) {
    return logprobs;
  }
  for (const Json& token : *content) {
    const Json* value = child_of(token, "logprob");
    if (value == nullptr || !value->is_number()) {
      return {};
    }
    logprobs.push_back(std::min(0.0, value->get<double>()));
  }
  return logprobs;
}

Result<ChatReply> decode_choice(const Json& root, const Json& choice) {
  const Json* message = child_of(choice, "message");
  if (message == nullptr || !message->is_object()) {
    return bad_reply("choices[0].message, an object",
                     message == nullptr ? "none" : kind_of(*message));
  }
  Result<ChatReply> reply = decode_chat_message(*message);
  if (!reply) {
    return reply;
  }
  reply->finish_reason = string_of(child_of(choice, "finish_reason"));
  reply->usage = read_usage(child_of(root, "usage"));
  reply->logprobs = read_logprobs(child_of(choice, "logprobs"));
  reply->prompt_ids = read_ids(child_of(root, "prompt_token_ids"));
  reply->sampled_ids = read_ids(child_of(choice, "token_ids"));
  return reply;
}

}  // namespace

Json chat_messages(std::span<const Message> messages) {
  Json out = Json::array();
  std::size_t calls_at = messages.size();  // of the message whose calls wait for answers
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (calls_at < i && messages[i].role != Role::tool) {
      answer_the_rest(messages, calls_at, out);
      calls_at = messages.size();
    }
    out.push_back(message_json(messages[i]));
    if (!messages[i].tool_calls.empty()) calls_at = i;
  }
  if (calls_at < messages.size()) answer_the_rest(messages, calls_at, out);
  return out;
}

std::string encode_chat_request(std::span<const Message> messages, const Json& tools,
                                const ChatRequestOptions& options) {
  Json body = {{"model", options.model}, {"messages", chat_messages(messages)}};
  if (!tools.empty()) {
    body["tools"] = tools;
    if (options.parallel_tool_calls) body["parallel_tool_calls"] = *options.parallel_tool_calls;
  }
  if (options.temperature) body["temperature"] = *options.temperature;
  if (options.top_p) body["top_p"] = *options.top_p;
  if (options.max_tokens) body["max_tokens"] = *options.max_tokens;
  if (options.max_completion_tokens) {
    body["max_completion_tokens"] = *options.max_completion_tokens;
  }
  if (options.seed) body["seed"] = *options.seed;
  if (options.logprobs) body["logprobs"] = true;
  if (options.token_ids) body["return_token_ids"] = true;
  if (options.stream != ChatStreaming::off) body["stream"] = true;
  if (options.stream == ChatStreaming::usage) body["stream_options"] = {{"include_usage", true}};
  return canonical(body);
}

Result<ChatReply> decode_chat_message(const Json& message) {
  if (!message.is_object()) {
    return bad_reply("a message, an object", kind_of(message));
  }
  ChatReply reply;
  if (Status read = read_content(child_of(message, "content"), reply.text); !read) {
    return read.error();
  }
  if (reply.text.empty()) reply.text = string_of(child_of(message, "refusal"));
  if (const Json* calls = child_of(message, "tool_calls"); calls && !calls->is_null()) {
    if (!calls->is_array()) {
      return bad_reply("tool_calls, an array", kind_of(*calls));
    }
    for (const Json& call : *calls) {
      if (reply.tool_calls.size() == kToolCallsMax) break;
      reply.tool_calls.push_back(read_call(call));
    }
  } else if (const Json* call = child_of(message, "function_call"); call && call->is_object()) {
    reply.tool_calls.push_back(read_call(*call));  // the older form, of one call
  }
  return reply;
}

Result<ChatReply> decode_chat_response(std::string body) {
  Result<JsonDocument> document = parse_json(std::move(body));
  if (!document) {
    return bad_reply("a chat completion in JSON", "text that does not read (" +
                                                      document.error().text() + ")");
  }
  const Json* choices = child_of(document->root, "choices");
  if (choices == nullptr || !choices->is_array() || choices->empty()) {
    const Json* error = child_of(document->root, "error");
    return error != nullptr && !error->is_null()
               ? Error{"", error_text(document->text)}
               : bad_reply("choices, an array of at least one", shown(document->root));
  }
  return decode_choice(document->root, choices->front());
}

Result<ChatReply> decode_chat_stream(std::string_view body) {
  Result<Json> whole = assemble_chat_stream(body);
  if (!whole) {
    return whole.error();
  }
  return decode_choice(*whole, (*whole)["choices"][0]);
}

std::string error_text(std::string_view body) {
  constexpr std::size_t kShown = 300;
  const Result<JsonDocument> document = parse_json(std::string(body));
  if (!document) {
    return shortened(one_line(trim(body)), kShown);
  }
  const Json* said = &document->root;
  for (const char* key : {"error", "detail", "message"}) {
    if (const Json* inner = child_of(*said, key)) said = inner;
  }
  return shortened(one_line(said->is_string() ? said->get<std::string>() : canonical(*said)),
                   kShown);
}

void give_ids(std::vector<ToolCall>& calls, std::string_view prefix) {
  std::set<std::string> taken;
  for (const ToolCall& call : calls) taken.insert(call.id);
  std::set<std::string> seen;
  std::size_t number = 0;
  for (ToolCall& call : calls) {
    if (!call.id.empty() && seen.insert(call.id).second) {
      continue;
    }
    do {
      call.id = std::string(prefix) + "_" + std::to_string(number++);
    } while (!taken.insert(call.id).second);
    seen.insert(call.id);
  }
}

}  // namespace turnhalle
