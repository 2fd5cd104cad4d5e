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

 private:
  std::unique_ptr<Agent> agent_;
  SimDuration delay_;
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

 private:
  std::unique_ptr<Agent> agent_;
  AgentFault fault_;
  double rate_;
};

}  // namespace

std::unique_ptr<Agent> with_delay(std::unique_ptr<Agent> agent, SimDuration delay) {
  return std::make_unique<DelayedAgent>(std::move(agent), delay);
}

std::unique_ptr<Agent> with_fault(std::unique_ptr<Agent> agent, AgentFault fault, double rate) {
  return std::make_unique<FaultyAgent>(std::move(agent), fault, rate);
}

}  // namespace turnhalle
