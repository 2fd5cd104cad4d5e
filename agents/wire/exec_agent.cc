#include "agents/wire/exec_agent.h"

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cmath>
#include <utility>

#include "agents/wire/chat_completions.h"
#include "agents/wire/child_process.h"
#include "agents/wire/request_limit.h"
#include "agents/wire/wire_options.h"
#include "core/text.h"

namespace turnhalle {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

// What the agents of one name share.
struct Program {
  ExecOptions options;
  std::function<bool()> stopped;
  std::shared_ptr<UsageLog> usage;
  std::shared_ptr<RequestLimit> limit;
};

AgentReply program_failed(ReplyFailure failure, const std::string& why) {
  AgentReply reply;
  reply.failure = failure;
  if (!why.empty()) reply.failure_text = "The agent's program " + why + ".";
  return reply;
}

class ExecAgent final : public Agent {
 public:
  explicit ExecAgent(std::shared_ptr<Program> program) : program_(std::move(program)) {}

  asio::awaitable<AgentReply> act(const Conversation& conversation) override {
    if (!permit_) permit_ = co_await program_->limit->take();
    if (program_->stopped && program_->stopped()) {
      co_return program_failed(ReplyFailure::interrupted, "");
    }
    const auto begin = Clock::now();
    AgentReply reply = co_await ask(conversation);
    const std::chrono::nanoseconds elapsed = Clock::now() - begin;
    if (reply.failure == ReplyFailure::interrupted) {
      co_return reply;
    }
    if (program_->options.measured_latency) reply.latency.ns += elapsed.count();
    if (program_->usage != nullptr) {
      program_->usage->add(conversation.lifecycle,
                           {.turns = 1,
                            .tries = 1,
                            .failures = reply.failure == ReplyFailure::none ? 0 : 1,
                            .seconds = std::chrono::duration<double>(elapsed).count()},
                           reply.failure_text);
    }
    // What follows in the conversation is the reply, which the program knows, then what is new.
    told_ = conversation.messages.size() + 1;
    co_return reply;
  }

 private:
  asio::awaitable<AgentReply> ask(const Conversation& conversation) {
    if (child_ == nullptr) {
      const auto executor = co_await asio::this_coro::executor;
      auto started = ChildProcess::start(executor, program_->options.command);
      if (!started) {
        co_return program_failed(ReplyFailure::infrastructure,
                                 "was not started: " + started.error().message);
      }
      child_ = *std::move(started);
    }
    if (conversation.fresh && conversation.turn == 0) told_ = 0;
    ChildExchange exchange;
    exchange.line = exec_turn_line(conversation, told_);
    exchange.deadline = program_->options.deadline;
    exchange.stopped = program_->stopped;
    const ChildAnswer answer = co_await child_->ask(exchange);
    if (answer.fault == ChildFault::stopped) {
      co_return program_failed(ReplyFailure::interrupted, "");
    }
    if (answer.fault != ChildFault::none) {
      child_.reset();
      co_return program_failed(ReplyFailure::infrastructure, answer.error);
    }
    Result<AgentReply> read = read_exec_answer(answer.line);
    if (!read) {
      co_return program_failed(ReplyFailure::infrastructure, read.error().message);
    }
    give_ids(read->tool_calls, "call_" + std::to_string(conversation.episode) + "_" +
                                   std::to_string(conversation.turn));
    co_return *std::move(read);
  }

  std::shared_ptr<Program> program_;
  RequestLimit::Permit permit_;
  std::unique_ptr<ChildProcess> child_;
  std::size_t told_ = 0;
};

}  // namespace

Result<ExecOptions> read_exec_options(const AgentSpec& spec) {
  ExecOptions options;
  options.command = spec.argument;
  WireOptions given(spec);
  if (const auto seconds = given.number("timeout", {0.001, 86'400.0})) {
    options.deadline = std::chrono::milliseconds(std::llround(*seconds * 1000.0));
  }
  options.concurrency = static_cast<int>(
      given.integer("concurrency", {1, 10'000}).value_or(options.concurrency));
  options.measured_latency = given.one_of("latency", {"none", "measured"}) == "measured";
  if (Status finished = given.finish(); !finished) {
    return finished.error();
  }
  return options;
}

AgentFactory make_exec_agents(ExecOptions options, std::function<bool()> stopped,
                              std::shared_ptr<UsageLog> usage) {
  const auto limit = RequestLimit::make(options.concurrency);
  const auto program = std::make_shared<Program>(
      Program{std::move(options), std::move(stopped), std::move(usage), limit});
  return [program](LifecycleIndex) { return std::make_unique<ExecAgent>(program); };
}

std::string exec_turn_line(const Conversation& conversation, std::size_t new_from) {
  const Json tools =
      conversation.world != nullptr ? conversation.world->spec().tools : Json::array();
  const Json line = {{"type", "turn"},
                     {"lifecycle", conversation.lifecycle.value},
                     {"episode", conversation.episode},
                     {"turn", conversation.turn},
                     {"position", conversation.position},
                     {"kind", name_of(conversation.kind)},
                     {"fresh", conversation.fresh},
                     {"seed", conversation.key.split("seed").low & 0x7fff'ffffU},
                     {"new_from", new_from},
                     {"messages", chat_messages(conversation.messages)},
                     {"tools", tools}};
  return canonical(line);
}

Result<AgentReply> read_exec_answer(const std::string& line) {
  Result<JsonDocument> document = parse_json(line);
  if (!document || !document->root.is_object()) {
    return Error{"", "said no JSON object: " + in_quotes(line)};
  }
  if (const Json* error = child_of(document->root, "error"); error && !error->is_null()) {
    return Error{"", "reported an error: " + error_text(document->text)};
  }
  const Json& root = document->root;
  if (!root.contains("content") && !root.contains("tool_calls")) {
    return Error{"", "said no message {\"content\": …}: " + in_quotes(line)};
  }
  Result<ChatReply> message = decode_chat_message(root);
  if (!message) {
    return Error{"", "said no message: " + message.error().message};
  }
  AgentReply reply;
  reply.text = std::move(message->text);
  reply.tool_calls = std::move(message->tool_calls);
  return reply;
}

}  // namespace turnhalle
