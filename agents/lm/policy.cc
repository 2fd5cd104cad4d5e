#include "agents/lm/policy.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>
#include <vector>

#include "agents/lm/checkpoint.h"
#include "agents/lm/engine_torch.h"
#include "agents/lm/transformer_torch.h"

namespace turnhalle::lm {
namespace {

namespace asio = boost::asio;

// What the agents of one policy share.
struct PolicyParts {
  Tokenizer tokenizer;
  ChatTemplate chat;
  std::vector<TokenId> stop;
  PolicyOptions options;
  std::unique_ptr<Engine> engine;
};

// Suspends the caller until the engine has the reply; it goes on by its own executor.
asio::awaitable<Generation> generate(Engine& engine, GenerationRequest request) {
  const auto executor = co_await asio::this_coro::executor;
  // A named object: g++ 12 destroys the captures of one that is made inside co_await twice.
  auto start = [&engine, executor](auto handler, GenerationRequest submitted) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    submitted.done = [shared, executor](Generation generation) {
      asio::post(executor, [shared, result = std::move(generation)]() mutable {
        std::move (*shared)(std::move(result));
      });
    };
    engine.submit(std::move(submitted));
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Generation)>(
      start, asio::use_awaitable, std::move(request));
}

// How much of a conversation is in the ledger, and how the ledger ends.
class Ledger {
 public:
  void begin() {
    rendered_ = 0;
    end_ = LedgerEnd::rendered;
  }

  /// Appends the ids of what is new since the last reply, up to the opening of the next one.
  Status extend(const Conversation& conversation, const Tokenizer& tokenizer,
                const ChatTemplate& chat, std::vector<TokenId>& ids) {
    std::vector<ChatMessage> messages;
    messages.reserve(conversation.messages.size());
    for (const Message& message : conversation.messages) {
      messages.push_back({name_of(message.role), message.content});
    }
    ChatRequest request;
    request.messages = messages;
    request.already = rendered_;
    request.ledger_end = end_;
    // The reply becomes the assistant's message at this index; its ids will be in the ledger.
    rendered_ = messages.size() + 1;
    return chat.encode(tokenizer, request, ids);
  }

  void reply_ended(LedgerEnd end) { end_ = end; }

 private:
  std::size_t rendered_ = 0;
  LedgerEnd end_ = LedgerEnd::rendered;
};

bool opens_conversation(const Conversation& conversation) {
  return conversation.fresh && conversation.turn == 0;
}

AgentReply failed_reply(const Error& error) {
  AgentReply reply;
  reply.failure = ReplyFailure::infrastructure;
  reply.failure_text = error.text();
  return reply;
}

class PolicyAgent final : public Agent {
 public:
  explicit PolicyAgent(PolicyParts& parts) : parts_(parts) {}
  ~PolicyAgent() override { leave(); }

  asio::awaitable<AgentReply> act(const Conversation& conversation) override {
    // A conversation that others began, before a fork, is read from its beginning.
    if (opens_conversation(conversation) || conversation_.value < 0) {
      leave();
      ledger_.begin();
      conversation_ = parts_.engine->open();
    }
    auto tokens = std::make_shared<ReplyTokens>();
    if (Status extended =
            ledger_.extend(conversation, parts_.tokenizer, parts_.chat, tokens->observed);
        !extended) {
      co_return failed_reply(extended.error());
    }
    GenerationRequest request;
    request.conversation = conversation_;
    request.observed = tokens->observed;
    request.sampling.temperature = parts_.options.temperature;
    request.sampling.new_tokens_max = parts_.options.new_tokens_max;
    request.sampling.stop = parts_.stop;
    request.key = conversation.key;
    Generation generation = co_await generate(*parts_.engine, std::move(request));
    ledger_.reply_ended(generation.finish == Finish::stop ? LedgerEnd::stopped : LedgerEnd::cut);
    AgentReply reply;
    reply.text = text_of(generation);
    tokens->sampled = std::move(generation.tokens);
    tokens->logprobs = std::move(generation.logprobs);
    tokens->weight_version = generation.version;
    reply.tokens = std::move(tokens);
    co_return reply;
  }

 private:
  void leave() {
    if (conversation_.value >= 0) parts_.engine->close(conversation_);
    conversation_ = {};
  }

  // The stop token ends the reply; it belongs to the text only when it is not special.
  std::string text_of(const Generation& generation) const {
    std::span<const TokenId> ids = generation.tokens;
    if (generation.finish == Finish::stop && parts_.tokenizer.is_special(ids.back())) {
      ids = ids.first(ids.size() - 1);
    }
    return parts_.tokenizer.decode(ids);
  }

  PolicyParts& parts_;
  ConversationId conversation_;
  Ledger ledger_;
};

class TokenisedAgent final : public Agent {
 public:
  TokenisedAgent(std::unique_ptr<Agent> agent, const Tokenizer& tokenizer,
                 const ChatTemplate& chat)
      : agent_(std::move(agent)), tokenizer_(tokenizer), chat_(chat) {
    if (!chat.stop_tokens().empty()) stop_ = tokenizer.id_of(chat.stop_tokens().front());
  }

  asio::awaitable<AgentReply> act(const Conversation& conversation) override {
    if (opens_conversation(conversation)) ledger_.begin();
    AgentReply reply = co_await agent_->act(conversation);
    auto tokens = std::make_shared<ReplyTokens>();
    if (Status extended = ledger_.extend(conversation, tokenizer_, chat_, tokens->observed);
        !extended) {
      co_return failed_reply(extended.error());
    }
    tokenizer_.encode(reply.text, AllowSpecial::no, tokens->sampled);
    if (stop_) tokens->sampled.push_back(*stop_);
    ledger_.reply_ended(LedgerEnd::stopped);
    reply.tokens = std::move(tokens);
    co_return reply;
  }

 private:
  std::unique_ptr<Agent> agent_;
  const Tokenizer& tokenizer_;
  const ChatTemplate& chat_;
  std::optional<TokenId> stop_;
  Ledger ledger_;
};

class EnginePolicy final : public Policy {
 public:
  explicit EnginePolicy(PolicyParts parts) : parts_(std::move(parts)) {}
  std::unique_ptr<Agent> make_agent() override { return std::make_unique<PolicyAgent>(parts_); }
  bool pump() override {
    const std::int64_t before = parts_.engine->counters().forwards;
    const bool unfinished = parts_.engine->step();
    return unfinished || parts_.engine->counters().forwards != before;
  }
  Engine& engine() override { return *parts_.engine; }
  const Tokenizer& tokenizer() const override { return parts_.tokenizer; }
  const ChatTemplate& chat_template() const override { return parts_.chat; }
  void set_temperature(double temperature) override { parts_.options.temperature = temperature; }

 private:
  PolicyParts parts_;
};

}  // namespace

std::unique_ptr<Agent> make_tokenised_agent(std::unique_ptr<Agent> agent,
                                            const Tokenizer& tokenizer, const ChatTemplate& chat) {
  return std::make_unique<TokenisedAgent>(std::move(agent), tokenizer, chat);
}

Result<std::shared_ptr<Policy>> Policy::load(const std::string& folder, PolicyOptions options) {
  Result<std::shared_ptr<Transformer>> model = load_checkpoint(folder);
  if (!model) {
    return model.error();
  }
  if (options.device == Device::cuda) (*model)->move_to(at::kCUDA);
  return around(*model, folder, options);
}

Result<std::shared_ptr<Policy>> Policy::around(std::shared_ptr<const Transformer> model,
                                               const std::string& tokenizer_folder,
                                               PolicyOptions options) {
  Result<Tokenizer> tokenizer = Tokenizer::load(tokenizer_folder);
  if (!tokenizer) {
    return tokenizer.error();
  }
  Result<ChatTemplate> chat = ChatTemplate::from_folder(tokenizer_folder);
  if (!chat) {
    return chat.error();
  }
  Result<std::vector<TokenId>> stop = chat->stop_ids(*tokenizer);
  if (!stop) {
    return stop.error();
  }
  EngineOptions engine_options;
  engine_options.batch_invariant = options.deterministic;
  engine_options.precision = options.precision;
  std::unique_ptr<Engine> engine = make_engine(std::move(model), engine_options);
  if (tokenizer->vocabulary_size() > engine->vocabulary_size()) {
    return Error{tokenizer_folder, "expected a tokenizer of at most " +
                                       std::to_string(engine->vocabulary_size()) +
                                       " tokens, the model's vocabulary; found " +
                                       std::to_string(tokenizer->vocabulary_size())};
  }
  return std::shared_ptr<Policy>(std::make_shared<EnginePolicy>(PolicyParts{
      *std::move(tokenizer), *std::move(chat), *std::move(stop), options, std::move(engine)}));
}

}  // namespace turnhalle::lm
