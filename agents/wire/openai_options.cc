#include <cmath>

#include "agents/wire/openai_agent.h"
#include "agents/wire/wire_options.h"
#include "core/text.h"

namespace turnhalle {
namespace {

constexpr double kDeadlineMax = 86'400.0;  // seconds
constexpr std::int64_t kTokensMax = 1 << 24;

Status read_place(const AgentSpec& spec, OpenAiOptions& options) {
  const std::string where = "--agent " + spec.text;
  const std::size_t mark = spec.argument.find('#');
  if (mark == std::string::npos || mark + 1 == spec.argument.size()) {
    return Error{where, "expected openai:URL#MODEL; found " + in_quotes(spec.argument) +
                            (mark == std::string::npos ? " without #" : " without a model")};
  }
  Result<HttpUrl> base = parse_http_url(std::string_view(spec.argument).substr(0, mark));
  if (!base) {
    return Error{where, base.error().message};
  }
  options.base = *std::move(base);
  if (options.base.path.empty()) options.base.path = "/v1";
  options.request.model = spec.argument.substr(mark + 1);
  if (!is_utf8(options.request.model)) {
    return Error{where, "expected a model's name in UTF-8; found other bytes"};
  }
  return ok_status();
}

ChatStreaming streaming_of(const std::string& word) {
  if (word == "usage") return ChatStreaming::usage;
  return word == "true" ? ChatStreaming::on : ChatStreaming::off;
}

}  // namespace

Result<OpenAiOptions> read_openai_options(const AgentSpec& spec) {
  OpenAiOptions options;
  if (Status read = read_place(spec, options); !read) {
    return read.error();
  }
  WireOptions given(spec);
  ChatRequestOptions& request = options.request;
  request.temperature = given.number("temperature", {0.0, 100.0});
  request.top_p = given.number("top_p", {0.0, 1.0});
  request.max_tokens = given.integer("max_tokens", {1, kTokensMax});
  request.max_completion_tokens = given.integer("max_completion_tokens", {1, kTokensMax});
  request.parallel_tool_calls = given.boolean("parallel_tool_calls");
  request.stream = streaming_of(given.one_of("stream", {"false", "true", "usage"})
                                    .value_or("false"));
  request.logprobs = given.boolean("logprobs").value_or(false);
  request.token_ids = given.boolean("token_ids").value_or(false);
  options.seeded = given.boolean("seed").value_or(true);
  options.key = given.secret("key_env").value_or("");
  if (const auto seconds = given.number("timeout", {0.001, kDeadlineMax})) {
    options.limits.deadline = std::chrono::milliseconds(std::llround(*seconds * 1000.0));
  }
  options.retries.count = static_cast<int>(
      given.integer("retries", {0, 100}).value_or(options.retries.count));
  options.concurrency = static_cast<int>(
      given.integer("concurrency", {1, 100'000}).value_or(options.concurrency));
  options.price_in = given.number("price_in", {.low = 0.0}).value_or(0.0);
  options.price_out = given.number("price_out", {.low = 0.0}).value_or(0.0);
  options.measured_latency = given.one_of("latency", {"none", "measured"}) == "measured";
  if (Status finished = given.finish(); !finished) {
    return finished.error();
  }
  return options;
}

}  // namespace turnhalle
