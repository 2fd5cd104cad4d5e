#include "agents/wire/openai_agent.h"

#include <algorithm>
#include <utility>

#include "agents/wire/request_limit.h"
#include "core/text.h"

namespace turnhalle {
namespace {

namespace asio = boost::asio;

// What the agents of one name share.
struct Endpoint {
  OpenAiOptions options;
  std::function<bool()> stopped;
  std::shared_ptr<UsageLog> usage;
  std::shared_ptr<RequestLimit> limit;

  bool is_stopped() const { return stopped && stopped(); }
  std::string url() const { return options.base.text() + "/chat/completions"; }
};

// A server may repeat the key it was sent, in an error or in a reply.
void hide_key(std::string& text, const std::string& key) {
  if (key.empty()) {
    return;
  }
  for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at)) {
    text.replace(at, key.size(), "[key]");
  }
}

// Reads a response into `reply`; returns what is wrong with it, or "".
std::string read_response(const HttpResponse& response, const std::string& key, ChatReply& reply) {
  std::string body = response.body;
  hide_key(body, key);
  if (response.status != 200) {
    const std::string said = error_text(body);
    return "status " + std::to_string(response.status) + (said.empty() ? "" : ": " + said);
  }
  const std::string& type = response.content_type;
  const bool events = type == "text/event-stream";
  if (!events && type != "application/json") {
    return "expected application/json or text/event-stream; found " + in_quotes(type);
  }
  Result<ChatReply> read =
      events ? decode_chat_stream(body) : decode_chat_response(std::move(body));
  if (!read) {
    return read.error().message;
  }
  reply = *std::move(read);
  return "";
}

std::int64_t seed_of(RandomKey key) {
  return static_cast<std::int64_t>(key.split("seed").low & 0x7fff'ffffU);
}

// The ids of a conversation so far, as the server saw and produced them.
class IdLedger {
 public:
  void begin() {
    ids_.clear();
    whole_ = true;
  }
  /// The reply's part of the ledger; null when the server gave none, or others than before.
  std::shared_ptr<const ReplyTokens> extend(const ChatReply& reply) {
    const auto& prompt = reply.prompt_ids;
    whole_ = whole_ && prompt && reply.sampled_ids && prompt->size() >= ids_.size() &&
             std::equal(ids_.begin(), ids_.end(), prompt->begin());
    if (!whole_) {
      return nullptr;
    }
    auto tokens = std::make_shared<ReplyTokens>();
    const auto known = static_cast<std::ptrdiff_t>(ids_.size());
    tokens->observed.assign(prompt->begin() + known, prompt->end());
    tokens->sampled = *reply.sampled_ids;
    if (reply.logprobs.size() == tokens->sampled.size()) {
      for (const double value : reply.logprobs) {
        tokens->logprobs.push_back(static_cast<float>(value));
      }
    }
    ids_ = *prompt;
    ids_.insert(ids_.end(), tokens->sampled.begin(), tokens->sampled.end());
    return tokens;
  }

 private:
  std::vector<std::int32_t> ids_;
  bool whole_ = true;
};

AgentReply failed(ReplyFailure failure, std::string why) {
  AgentReply reply;
  reply.failure = failure;
  reply.failure_text = std::move(why);
  return reply;
}

class OpenAiAgent final : public Agent {
 public:
  explicit OpenAiAgent(std::shared_ptr<Endpoint> endpoint) : endpoint_(std::move(endpoint)) {}

  asio::awaitable<AgentReply> act(const Conversation& conversation) override {
    if (conversation.fresh && conversation.turn == 0) ledger_.begin();
    const RequestLimit::Permit permit = co_await endpoint_->limit->take();
    if (endpoint_->is_stopped()) {
      co_return failed(ReplyFailure::interrupted, "");
    }
    ChatReply chat;
    const HttpRequest request = request_for(conversation);
    const std::string& key = endpoint_->options.key;
    const std::function<std::string(const HttpResponse&)> complaint =
        [&chat, &key](const HttpResponse& response) {
          return read_response(response, key, chat);
        };
    const HttpOutcome outcome = co_await http_request_with_retries(
        request, endpoint_->options.retries, conversation.key.split("retry"), complaint);
    if (outcome.last.fault == HttpFault::stopped) {
      co_return failed(ReplyFailure::interrupted, "");
    }
    AgentReply reply = reply_of(conversation, outcome, chat);
    note(conversation.lifecycle, outcome, chat, reply.failure_text);
    co_return reply;
  }

 private:
  HttpRequest request_for(const Conversation& conversation) const {
    const OpenAiOptions& options = endpoint_->options;
    ChatRequestOptions chat = options.request;
    if (options.seeded) chat.seed = seed_of(conversation.key);
    HttpRequest request;
    request.base = options.base;
    request.path = "/chat/completions";
    request.headers = {{"Content-Type", "application/json"},
                       {"Accept", "application/json, text/event-stream"}};
    if (!options.key.empty()) {
      request.headers.emplace_back("Authorization", "Bearer " + options.key);
    }
    const Json tools =
        conversation.world != nullptr ? conversation.world->spec().tools : Json::array();
    request.body = encode_chat_request(conversation.messages, tools, chat);
    request.limits = options.limits;
    request.stopped = endpoint_->stopped;
    if (chat.stream != ChatStreaming::off) request.complete = chat_stream_is_done;
    return request;
  }

  AgentReply reply_of(const Conversation& conversation, const HttpOutcome& outcome,
                      ChatReply& chat) {
    AgentReply reply;
    if (!outcome.complaint.empty()) {
      reply = failed(ReplyFailure::infrastructure,
                     "The endpoint " + endpoint_->url() + " gave no reply (" +
                         (outcome.tries == 1 ? "one try"
                                             : std::to_string(outcome.tries) + " tries") +
                         "): " + outcome.complaint +
                         (outcome.complaint.ends_with('.') ? "" : "."));
    } else {
      reply.text = std::move(chat.text);
      reply.tool_calls = std::move(chat.tool_calls);
      give_ids(reply.tool_calls, "call_" + std::to_string(conversation.episode) + "_" +
                                     std::to_string(conversation.turn));
      reply.tokens = ledger_.extend(chat);
    }
    if (endpoint_->options.measured_latency) reply.latency.ns = outcome.elapsed.count();
    return reply;
  }

  void note(LifecycleIndex lifecycle, const HttpOutcome& outcome, const ChatReply& chat,
            const std::string& failure) const {
    if (endpoint_->usage == nullptr) {
      return;
    }
    AgentUsage usage{.turns = 1, .tries = outcome.tries, .failures = failure.empty() ? 0 : 1};
    if (chat.usage && failure.empty()) {
      usage.prompt_tokens = chat.usage->prompt_tokens;
      usage.completion_tokens = chat.usage->completion_tokens;
      usage.cached_tokens = chat.usage->cached_tokens;
    }
    usage.logprob_tokens = static_cast<std::int64_t>(chat.logprobs.size());
    for (const double value : chat.logprobs) usage.logprob_sum += value;
    usage.seconds = std::chrono::duration<double>(outcome.elapsed).count();
    usage.cost = 1e-6 * (endpoint_->options.price_in * static_cast<double>(usage.prompt_tokens) +
                         endpoint_->options.price_out *
                             static_cast<double>(usage.completion_tokens));
    endpoint_->usage->add(lifecycle, usage, failure);
  }

  std::shared_ptr<Endpoint> endpoint_;
  IdLedger ledger_;
};

}  // namespace

AgentFactory make_openai_agents(OpenAiOptions options, std::function<bool()> stopped,
                                std::shared_ptr<UsageLog> usage) {
  const auto limit = RequestLimit::make(options.concurrency);
  const auto endpoint = std::make_shared<Endpoint>(
      Endpoint{std::move(options), std::move(stopped), std::move(usage), limit});
  return [endpoint](LifecycleIndex) { return std::make_unique<OpenAiAgent>(endpoint); };
}

}  // namespace turnhalle
