#include "agents/lm/engine_torch.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/log_softmax.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "agents/lm/checkpoint.h"
#include "agents/lm/transformer_torch.h"
#include "tests/lm/tiny_models.h"

namespace turnhalle::lm {
namespace {

RandomKey key_of(std::uint64_t index) { return RandomKey::from_seed(99).split(index); }

std::shared_ptr<Transformer> small_model(ModelType type = ModelType::qwen3) {
  auto model = std::make_shared<Transformer>(small_config(type));
  model->random_weights(RandomKey::from_seed(5));
  return model;
}

/// Log-probs of the tokens after the first, by the training forward.
std::vector<float> scores(const Transformer& model, const std::vector<TokenId>& tokens,
                          double temperature = 1) {
  const c10::NoGradGuard no_gradients;
  PackedBatch batch;
  batch.append(tokens);
  const at::Tensor logprobs =
      at::log_softmax(model.logits(model.hidden(batch)) / temperature, -1);
  std::vector<float> result;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    result.push_back(logprobs[static_cast<std::int64_t>(i)][tokens[i + 1]].item<float>());
  }
  return result;
}

/// Drives an engine: one reply for each call, or several at once.
class Driver {
 public:
  explicit Driver(Engine& engine) : engine_(engine) {}

  void ask(ConversationId conversation, std::vector<TokenId> observed, RandomKey key,
           Sampling sampling) {
    engine_.submit({conversation, std::move(observed), std::move(sampling), key,
                    [this, conversation](Generation reply) {
                      replies_[conversation.value] = std::move(reply);
                    }});
  }
  void finish() {
    while (engine_.step()) {
    }
  }
  Generation reply_to(ConversationId conversation, std::vector<TokenId> observed, RandomKey key,
                      Sampling sampling) {
    ask(conversation, std::move(observed), key, std::move(sampling));
    finish();
    return replies_.at(conversation.value);
  }
  const Generation& reply(ConversationId conversation) const {
    return replies_.at(conversation.value);
  }

 private:
  Engine& engine_;
  std::map<std::int64_t, Generation> replies_;
};

Sampling sampling_of(int tokens, double temperature = 1) {
  return Sampling{temperature, tokens, {}};
}

void expect_equal(const Generation& a, const Generation& b) {
  EXPECT_EQ(a.tokens, b.tokens);
  EXPECT_EQ(a.logprobs, b.logprobs);
  EXPECT_EQ(a.finish, b.finish);
}

TEST(Engine, LogprobsAreThoseOfTheTrainingForwardAcrossTurns) {
  for (const ModelType type : {ModelType::llama, ModelType::qwen2, ModelType::qwen3}) {
    const auto model = small_model(type);
    const auto engine = make_engine(model);
    Driver driver(*engine);
    const ConversationId conversation = engine->open();
    std::vector<TokenId> all;
    std::vector<std::pair<std::size_t, Generation>> replies;
    for (std::uint64_t turn = 0; turn < 5; ++turn) {
      const auto observed = random_tokens(turn, 1 + 9 * static_cast<std::int64_t>(turn), 53);
      all.insert(all.end(), observed.begin(), observed.end());
      Generation reply =
          driver.reply_to(conversation, observed, key_of(turn), sampling_of(11, 0.7));
      EXPECT_EQ(reply.tokens.size(), 11U);
      const std::size_t start = all.size();
      all.insert(all.end(), reply.tokens.begin(), reply.tokens.end());
      replies.emplace_back(start, std::move(reply));
    }
    const std::vector<float> expected = scores(*model, all, 0.7);
    for (const auto& [start, reply] : replies) {
      for (std::size_t i = 0; i < reply.tokens.size(); ++i) {
        EXPECT_NEAR(reply.logprobs[i], expected[start + i - 1], 2e-5);
      }
    }
  }
}

TEST(Engine, GreedyDecodingTakesTheLargestLogit) {
  for (const std::string& name : kTinyModels) {
    const auto model = load_checkpoint(tiny_folder(name));
    ASSERT_TRUE(model.ok()) << model.error().text();
    const auto engine = make_engine(*model);
    Driver driver(*engine);
    std::vector<TokenId> tokens = random_tokens(1, 20, 97);
    const Generation reply =
        driver.reply_to(engine->open(), tokens, key_of(0), sampling_of(40, 0));
    const c10::NoGradGuard no_gradients;
    for (const TokenId token : reply.tokens) {
      PackedBatch batch;
      batch.append(tokens);
      const at::Tensor last = (*model)->logits((*model)->hidden(batch)).select(0, -1);
      EXPECT_EQ(last.argmax().item<std::int64_t>(), token) << name;
      tokens.push_back(token);
    }
  }
}

// Sixty conversations of different lengths, one at a time and all together, in different orders,
// with one thread and two, with small forwards and large ones.
TEST(Engine, AReplyDoesNotDependOnWhoSharesTheBatch) {
  const auto model = small_model();
  constexpr std::uint64_t kConversations = 60;
  const auto prompt = [](std::uint64_t i) {
    return random_tokens(i, 1 + static_cast<std::int64_t>(i * 7 % 50), 53);
  };
  std::vector<Generation> alone;
  {
    const auto engine = make_engine(model, {.batch_invariant = true});
    Driver driver(*engine);
    for (std::uint64_t i = 0; i < kConversations; ++i) {
      alone.push_back(driver.reply_to(engine->open(), prompt(i), key_of(i),
                                      sampling_of(5 + static_cast<int>(i % 13))));
    }
  }
  const int threads = at::get_num_threads();
  for (const int used : {1, 2}) {
    at::set_num_threads(used);
    for (const std::uint64_t stride : {1U, 7U, 59U}) {
      const auto engine = make_engine(model, {.batch_invariant = true, .forward_tokens_max = 300});
      Driver driver(*engine);
      std::vector<ConversationId> ids(kConversations);
      for (std::uint64_t n = 0; n < kConversations; ++n) {
        const std::uint64_t i = n * stride % kConversations;
        ids[i] = engine->open();
        driver.ask(ids[i], prompt(i), key_of(i), sampling_of(5 + static_cast<int>(i % 13)));
        if (n % 4 == 0) {
          engine->step();
        }
      }
      driver.finish();
      for (std::uint64_t i = 0; i < kConversations; ++i) {
        expect_equal(driver.reply(ids[i]), alone[i]);
      }
    }
  }
  at::set_num_threads(threads);
}

TEST(Engine, EqualPromptsArePrefilledOnce) {
  const auto model = small_model();
  const auto prompt = random_tokens(3, 37, 53);
  std::vector<Generation> replies[2];
  for (const bool share : {false, true}) {
    const auto engine = make_engine(model, {.share_prompts = share});
    Driver driver(*engine);
    std::vector<ConversationId> ids;
    for (std::uint64_t i = 0; i < 8; ++i) {
      ids.push_back(engine->open());
      driver.ask(ids.back(), prompt, key_of(i), sampling_of(30));
    }
    driver.finish();
    for (const ConversationId id : ids) {
      replies[share].push_back(driver.reply(id));
    }
    EXPECT_EQ(engine->counters().prefilled, share ? 37 : 8 * 37);
    EXPECT_EQ(engine->counters().shared, share ? 7 * 37 : 0);
    EXPECT_EQ(engine->counters().sampled, 8 * 30);
  }
  for (std::size_t i = 0; i < 8; ++i) {
    expect_equal(replies[0][i], replies[1][i]);
  }
  EXPECT_NE(replies[0][0].tokens, replies[0][1].tokens);
}

// What other devices do, on this one: mixed lengths, several turns, shared prompts, q and k norms.
TEST(Engine, TensorOperatorsGiveTheRepliesOfThePackedWeights) {
  const auto model = small_model();
  std::vector<Generation> replies[2];
  for (const bool plain : {false, true}) {
    const auto engine = make_engine(model, {.tensor_operators = plain});
    Driver driver(*engine);
    std::vector<ConversationId> ids;
    for (std::uint64_t i = 0; i < 12; ++i) {
      ids.push_back(engine->open());
      const std::uint64_t prompt = i / 2;
      driver.ask(ids.back(),
                 random_tokens(prompt, 1 + static_cast<std::int64_t>(prompt * 11 % 50), 53),
                 key_of(i), sampling_of(3 + static_cast<int>(i % 20)));
    }
    driver.finish();
    for (std::uint64_t i = 0; i < 12; ++i) {
      replies[plain].push_back(driver.reply(ids[i]));
      driver.ask(ids[i], random_tokens(100 + i, 4, 53), key_of(50 + i), sampling_of(9));
    }
    driver.finish();
    for (const ConversationId id : ids) {
      replies[plain].push_back(driver.reply(id));
    }
  }
  ASSERT_EQ(replies[0].size(), 24U);
  for (std::size_t i = 0; i < replies[0].size(); ++i) {
    EXPECT_EQ(replies[0][i].tokens, replies[1][i].tokens);
    for (std::size_t t = 0; t < replies[0][i].logprobs.size(); ++t) {
      EXPECT_NEAR(replies[0][i].logprobs[t], replies[1][i].logprobs[t], 2e-5);
    }
  }
}

TEST(Engine, NewWeightsAreUsedForTheWholeConversation) {
  const auto model = small_model();
  const auto engine = make_engine(model);
  Driver driver(*engine);
  const ConversationId conversation = engine->open();
  std::vector<TokenId> all = random_tokens(1, 20, 53);
  Generation reply = driver.reply_to(conversation, all, key_of(0), sampling_of(10));
  EXPECT_EQ(reply.version, 0);
  all.insert(all.end(), reply.tokens.begin(), reply.tokens.end());
  model->random_weights(RandomKey::from_seed(6));
  engine->weights_changed(3);
  const auto observed = random_tokens(2, 5, 53);
  all.insert(all.end(), observed.begin(), observed.end());
  reply = driver.reply_to(conversation, observed, key_of(1), sampling_of(10));
  EXPECT_EQ(reply.version, 3);
  const std::size_t start = all.size();
  all.insert(all.end(), reply.tokens.begin(), reply.tokens.end());
  const std::vector<float> expected = scores(*model, all);
  for (std::size_t i = 0; i < reply.tokens.size(); ++i) {
    EXPECT_NEAR(reply.logprobs[i], expected[start + i - 1], 2e-5);
  }
}

TEST(Engine, AReplyEndsWithAStopTokenAtItsLengthOrWithTheContext) {
  const auto model = small_model();
  const auto engine = make_engine(model, {.context_max = 40});
  Driver driver(*engine);
  Sampling all_stop = sampling_of(10);
  all_stop.stop.resize(53);
  std::iota(all_stop.stop.begin(), all_stop.stop.end(), 0);
  const ConversationId first = engine->open();
  Generation reply = driver.reply_to(first, {1, 2, 3}, key_of(0), all_stop);
  EXPECT_EQ(reply.finish, Finish::stop);
  EXPECT_EQ(reply.tokens.size(), 1U);
  reply = driver.reply_to(first, {}, key_of(1), sampling_of(10));
  EXPECT_EQ(reply.finish, Finish::length);
  EXPECT_EQ(reply.tokens.size(), 10U);
  reply = driver.reply_to(first, {4}, key_of(2), sampling_of(100));
  EXPECT_EQ(reply.finish, Finish::context);
  EXPECT_EQ(reply.tokens.size(), 40U - 15U);
  reply = driver.reply_to(first, {5}, key_of(3), sampling_of(100));
  EXPECT_EQ(reply.finish, Finish::context);
  EXPECT_TRUE(reply.tokens.empty());
  const ConversationId second = engine->open();
  reply = driver.reply_to(second, random_tokens(1, 60, 53), key_of(4), sampling_of(5));
  EXPECT_EQ(reply.finish, Finish::context);
  reply = driver.reply_to(engine->open(), {7}, key_of(5), sampling_of(0));
  EXPECT_EQ(reply.finish, Finish::length);
  EXPECT_TRUE(reply.tokens.empty());
}

TEST(Engine, CallbacksMaySubmitOpenAndClose) {
  const auto model = small_model();
  const auto engine = make_engine(model);
  int replies = 0;
  std::function<void(ConversationId, int)> play = [&](ConversationId id, int turn) {
    engine->submit({id, {1, 2}, sampling_of(3), key_of(static_cast<std::uint64_t>(turn)),
                    [&, id, turn](Generation reply) {
                      ++replies;
                      EXPECT_EQ(reply.tokens.size(), 3U);
                      if (turn == 4) {
                        engine->close(id);
                      } else {
                        play(turn == 2 ? engine->open() : id, turn + 1);
                      }
                    }});
  };
  play(engine->open(), 0);
  play(engine->open(), 0);
  while (engine->step()) {
  }
  EXPECT_EQ(replies, 10);
}

TEST(Engine, LongPromptsAreCutIntoForwards) {
  const auto model = small_model();
  const auto prompt = random_tokens(8, 150, 53);
  const auto whole = make_engine(model);
  const auto pieces = make_engine(model, {.forward_tokens_max = 16});
  const Generation a = Driver(*whole).reply_to(whole->open(), prompt, key_of(0), sampling_of(20));
  const Generation b = Driver(*pieces).reply_to(pieces->open(), prompt, key_of(0), sampling_of(20));
  EXPECT_EQ(whole->counters().forwards, 20);
  EXPECT_EQ(pieces->counters().forwards, 29);
  EXPECT_EQ(a.tokens, b.tokens);
  for (std::size_t i = 0; i < a.logprobs.size(); ++i) {
    EXPECT_NEAR(a.logprobs[i], b.logprobs[i], 1e-5);
  }
}

TEST(Engine, BfloatGenerationStaysNearFloat) {
  const auto model = small_model();
  const auto exact = make_engine(model);
  const auto rounded = make_engine(model, {.precision = Precision::bfloat16});
  const auto prompt = random_tokens(8, 30, 53);
  const Generation a = Driver(*exact).reply_to(exact->open(), prompt, key_of(0), sampling_of(1));
  const Generation b =
      Driver(*rounded).reply_to(rounded->open(), prompt, key_of(0), sampling_of(1));
  ASSERT_EQ(a.tokens.size(), b.tokens.size());
  if (a.tokens == b.tokens) {
    EXPECT_NEAR(a.logprobs[0], b.logprobs[0], 0.1);
  }
}

}  // namespace
}  // namespace turnhalle::lm
