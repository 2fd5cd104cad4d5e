#include "agents/human.h"

#include <istream>
#include <ostream>
#include <string>

namespace turnhalle {
namespace {

class HumanAgent final : public Agent {
 public:
  HumanAgent(std::istream& in, std::ostream& out) : in_(in), out_(out) {}

  boost::asio::awaitable<AgentReply> act(const Conversation& conversation) override {
    if (conversation.turn == 0) {
      out_ << "\n=== " << name_of(conversation.kind) << ", task " << conversation.position + 1
           << " ===\n";
      shown_ = conversation.episode_begin;
    }
    for (; shown_ < conversation.messages.size(); ++shown_) {
      const Message& message = conversation.messages[shown_];
      if (message.role != Role::assistant) {
        out_ << "[" << name_of(message.role) << "] " << message.content << "\n";
      }
    }
    out_ << "> " << std::flush;
    AgentReply reply;
    if (!std::getline(in_, reply.text)) {
      reply.failure = ReplyFailure::interrupted;
    }
    co_return reply;
  }

 private:
  std::istream& in_;
  std::ostream& out_;
  std::size_t shown_ = 0;
};

}  // namespace

std::unique_ptr<Agent> make_human_agent(std::istream& in, std::ostream& out) {
  return std::make_unique<HumanAgent>(in, out);
}

}  // namespace turnhalle
