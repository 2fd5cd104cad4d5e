#include "agents/decorators.h"

#include <utility>

namespace turnhalle {
namespace {

class DelayedAgent final : public Agent {
 public:
  DelayedAgent(std::unique_ptr<Agent> agent, SimDuration delay)
      : agent_(std::move(agent)), delay_(delay) {}
  boost::asio::awaitable<AgentReply> act(const Conversation& conversation) override {
    AgentReply reply = co_await agent_->act(conversation);
    reply.latency.ns += delay_.ns;
    co_return reply;
  }
  void watch(const Conversation& conversation, const AgentReply& given) override {
    agent_->watch(conversation, given);
  }

 private:
  std::unique_ptr<Agent> agent_;
  SimDuration delay_;
};

class SlowAgent final : public Agent {
 public:
  SlowAgent(std::unique_ptr<Agent> agent, LatencyModel model)
      : agent_(std::move(agent)), model_(std::move(model)) {}
  boost::asio::awaitable<AgentReply> act(const Conversation& conversation) override {
    AgentReply reply = co_await agent_->act(conversation);
    reply.latency.ns += model_.draw(conversation.key.split("latency"), 0, reply.text.size()).ns;
    co_return reply;
  }
  void watch(const Conversation& conversation, const AgentReply& given) override {
    agent_->watch(conversation, given);
  }

 private:
  std::unique_ptr<Agent> agent_;
  LatencyModel model_;
};

class FaultyAgent final : public Agent {
 public:
  FaultyAgent(std::unique_ptr<Agent> agent, AgentFault fault, double rate)
      : agent_(std::move(agent)), fault_(fault), rate_(rate) {}
  boost::asio::awaitable<AgentReply> act(const Conversation& conversation) override {
    AgentReply reply = co_await agent_->act(conversation);
    if (reply.failure != ReplyFailure::none ||
        uniform_at(conversation.key.split("fault"), 0) >= rate_) {
      co_return reply;
    }
    AgentReply broken;
    broken.latency = reply.latency;
    if (fault_ != AgentFault::empty) {
      broken.failure = ReplyFailure::infrastructure;
      broken.failure_text = fault_ == AgentFault::timeout ? "The agent did not answer (injected)."
                                                          : "The agent failed (injected).";
    }
    co_return broken;
  }
  void watch(const Conversation& conversation, const AgentReply& given) override {
    agent_->watch(conversation, given);
  }

 private:
  std::unique_ptr<Agent> agent_;
  AgentFault fault_;
  double rate_;
};

}  // namespace

std::unique_ptr<Agent> with_delay(std::unique_ptr<Agent> agent, SimDuration delay) {
  return std::make_unique<DelayedAgent>(std::move(agent), delay);
}

std::unique_ptr<Agent> with_latency(std::unique_ptr<Agent> agent, LatencyModel model) {
  return std::make_unique<SlowAgent>(std::move(agent), std::move(model));
}

std::unique_ptr<Agent> with_fault(std::unique_ptr<Agent> agent, AgentFault fault, double rate) {
  return std::make_unique<FaultyAgent>(std::move(agent), fault, rate);
}

}  // namespace turnhalle
