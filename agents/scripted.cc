#include "agents/scripted.h"

#include <utility>

#include "core/check.h"
#include "core/text.h"

namespace turnhalle {
namespace {

namespace asio = boost::asio;

AgentReply say(std::string text) {
  AgentReply reply;
  reply.text = std::move(text);
  return reply;
}

class SilentAgent final : public Agent {
 public:
  asio::awaitable<AgentReply> act(const Conversation&) override { co_return AgentReply{}; }
};

class SpamAgent final : public Agent {
 public:
  SpamAgent() {
    for (int i = 0; i < 200; ++i) {
      text_ += "<answer>1</answer><hint>x</hint><think>\xff{\"name\":\"f\",\"arguments\":{}}";
    }
  }
  asio::awaitable<AgentReply> act(const Conversation&) override { co_return say(text_); }

 private:
  std::string text_;
};

class HashAgent final : public Agent {
 public:
  asio::awaitable<AgentReply> act(const Conversation& conversation) override {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const Message& message : conversation.messages) {
      for (const char c : message.content) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
      }
    }
    std::string digit;
    append_number(digit, static_cast<std::int64_t>(1 + (hash >> 33) % 4));
    if (conversation.kind == EpisodeKind::update_context) {
      co_return say("<hint> " + digit + "</hint>");
    }
    co_return say("<answer>Direction " + digit + "</answer>");
  }
};

class ScriptAgent final : public Agent {
 public:
  explicit ScriptAgent(std::vector<std::string> replies) : replies_(std::move(replies)) {}
  asio::awaitable<AgentReply> act(const Conversation&) override {
    co_return next_ < replies_.size() ? say(replies_[next_++]) : AgentReply{};
  }
  void watch(const Conversation&, const AgentReply&) override { ++next_; }

 private:
  std::vector<std::string> replies_;
  std::size_t next_ = 0;
};

class PlayerAgent final : public Agent {
 public:
  explicit PlayerAgent(std::unique_ptr<Player> player) : player_(std::move(player)) {}
  asio::awaitable<AgentReply> act(const Conversation& conversation) override {
    co_return say(play(conversation));
  }
  // What it would have said does not matter, what it saw does.
  void watch(const Conversation& conversation, const AgentReply&) override {
    (void)play(conversation);
  }

 private:
  std::string play(const Conversation& conversation) {
    check(conversation.world != nullptr, "a player is shown the world it plays in");
    const PlayerView view{conversation.world->environment(), conversation.messages,
                          conversation.kind, conversation.position, conversation.turn};
    return player_->play(view, conversation.key);
  }

  std::unique_ptr<Player> player_;
};

}  // namespace

std::unique_ptr<Agent> make_silent_agent() { return std::make_unique<SilentAgent>(); }
std::unique_ptr<Agent> make_spam_agent() { return std::make_unique<SpamAgent>(); }
std::unique_ptr<Agent> make_hash_agent() { return std::make_unique<HashAgent>(); }
std::unique_ptr<Agent> make_script_agent(std::vector<std::string> replies) {
  return std::make_unique<ScriptAgent>(std::move(replies));
}
std::unique_ptr<Agent> make_player_agent(std::unique_ptr<Player> player) {
  return std::make_unique<PlayerAgent>(std::move(player));
}

}  // namespace turnhalle
