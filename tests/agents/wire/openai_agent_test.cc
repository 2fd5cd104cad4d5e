// What the agent on a well-behaved endpoint sends, and what becomes of the answers.
#include "agents/wire/openai_agent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/agents/wire/played.h"
#include "tests/agents/wire/test_endpoint.h"
#include "tests/core/tool_shop.h"

namespace turnhalle {
namespace {

OpenAiOptions patient_options(const TestEndpoint& endpoint) {
  OpenAiOptions options;
  options.base = parse_http_url(endpoint.base()).value();
  options.request.model = "m";
  options.limits.deadline = std::chrono::milliseconds(20'000);
  options.retries.first = std::chrono::milliseconds(1);
  return options;
}

std::vector<std::string> texts(const std::vector<PlayedLife>& lives) {
  std::vector<std::string> all;
  for (const PlayedLife& life : lives) {
    for (const AgentReply& reply : life.replies) all.push_back(reply.text);
  }
  return all;
}

// Answers a question by its conversation and seed alone.
Json guess(const Json& request) {
  const auto seed = request["seed"].get<std::int64_t>();
  return TestEndpoint::says(std::to_string(1 + seed % 9))(request);
}

TEST(OpenAiAgent, PlaysWithTheSameRepliesOnAnyNumberOfThreads) {
  const TestEndpoint endpoint(Conduct::good, guess);
  const auto one =
      play_guessing(make_openai_agents(patient_options(endpoint), nullptr, nullptr), 12, 1);
  const auto four =
      play_guessing(make_openai_agents(patient_options(endpoint), nullptr, nullptr), 12, 4);
  EXPECT_EQ(texts(one), texts(four));
  EXPECT_GT(texts(one).size(), 12U);
  for (const PlayedLife& life : one) {
    EXPECT_TRUE(life.ends.at(0).outcome == Outcome::done ||
                life.ends.at(0).outcome == Outcome::truncated);
    EXPECT_EQ(life.replies.at(0).latency.ns, 0);  // real time is not virtual time
  }
  std::set<std::int64_t> seeds;
  for (const SeenRequest& request : endpoint.requests()) {
    seeds.insert(request.body["seed"].get<std::int64_t>());
  }
  EXPECT_EQ(2 * seeds.size(), endpoint.requests().size());  // one for each turn
}

TEST(OpenAiAgent, SendsTheWholeConversationToThePath) {
  const TestEndpoint endpoint(Conduct::good);
  OpenAiOptions options = patient_options(endpoint);
  options.request.temperature = 0.25;
  options.seeded = false;
  const auto lives = play_guessing(make_openai_agents(options, nullptr, nullptr), 1, 1);
  const auto requests = endpoint.requests();
  ASSERT_EQ(requests.size(), lives[0].replies.size());
  EXPECT_EQ(requests[0].target, "/v1/chat/completions");
  EXPECT_EQ(requests[0].headers.at("content-type"), "application/json");
  EXPECT_EQ(requests[0].headers.at("host"), "127.0.0.1:" + std::to_string(endpoint.port()));
  EXPECT_EQ(requests[0].headers.count("authorization"), 0U);
  EXPECT_EQ(requests[0].body["temperature"], 0.25);
  EXPECT_FALSE(requests[0].body.contains("seed"));
  EXPECT_FALSE(requests[0].body.contains("tools"));
  for (std::size_t turn = 1; turn < requests.size(); ++turn) {
    const Json& before = requests[turn - 1].body["messages"];
    const Json& now = requests[turn].body["messages"];
    ASSERT_EQ(now.size(), before.size() + 2);
    EXPECT_EQ(now[before.size()], (Json{{"role", "assistant"}, {"content", "5"}}));
  }
}

TEST(OpenAiAgent, ReadsAStreamAndLeavesItAtItsEnd) {
  const TestEndpoint endpoint(Conduct::good_stream, TestEndpoint::says("I say 5."));
  OpenAiOptions options = patient_options(endpoint);
  options.request.stream = ChatStreaming::usage;
  const auto usage = std::make_shared<UsageLog>();
  const auto lives = play_guessing(make_openai_agents(options, nullptr, usage), 2, 2);
  for (const std::string& text : texts(lives)) EXPECT_EQ(text, "I say 5.");
  EXPECT_EQ(usage->total().failures, 0);
  EXPECT_EQ(usage->total().completion_tokens, 7 * usage->total().turns);
}

TEST(OpenAiAgent, LetsNoMoreThroughThanItsLimit) {
  TestEndpoint endpoint(Conduct::good);
  endpoint.set_delay_ms(20);
  OpenAiOptions options = patient_options(endpoint);
  options.concurrency = 3;
  play_guessing(make_openai_agents(options, nullptr, nullptr), 12, 2);
  EXPECT_LE(endpoint.most_at_once(), 3);
  EXPECT_GE(endpoint.most_at_once(), 2);
}

// Many requests wait at once though there is one thread: none of them holds it.
TEST(OpenAiAgent, HoldsNoThreadWhileItWaits) {
  TestEndpoint endpoint(Conduct::good);
  endpoint.set_delay_ms(500);
  play_guessing(make_openai_agents(patient_options(endpoint), nullptr, nullptr), 8, 1);
  EXPECT_GE(endpoint.most_at_once(), 3);
}

TEST(OpenAiAgent, CountsTokensTriesSecondsAndCost) {
  TestEndpoint endpoint(
      [](std::int64_t request) { return request == 0 ? Conduct::busy : Conduct::good; },
      [](const Json&) {
        return Json{{"message", {{"role", "assistant"}, {"content", "5"}}},
                    {"finish_reason", "stop"},
                    {"logprobs", {{"content", {{{"token", "5"}, {"logprob", -0.5}}}}}}};
      });
  endpoint.set_delay_ms(10);
  OpenAiOptions options = patient_options(endpoint);
  options.price_in = 1e6;
  options.price_out = 2e6;
  options.measured_latency = true;
  const auto usage = std::make_shared<UsageLog>();
  const auto lives = play_guessing(make_openai_agents(options, nullptr, usage), 1, 1);
  const AgentUsage total = usage->total();
  const auto turns = static_cast<std::int64_t>(lives[0].replies.size());
  EXPECT_EQ(total.turns, turns);
  EXPECT_EQ(total.tries, turns + 1);
  EXPECT_EQ(total.prompt_tokens, 11 * turns);
  EXPECT_EQ(total.completion_tokens, 7 * turns);
  EXPECT_NEAR(total.cost, 25.0 * static_cast<double>(turns), 1e-9);
  EXPECT_GE(total.seconds, 0.01 * static_cast<double>(turns));
  EXPECT_EQ(total.logprob_sum, -0.5 * static_cast<double>(turns));
  EXPECT_GE(lives[0].replies[0].latency, milliseconds(10));
}

// Prompts [1 2], [1 2 7 3], …: each extends the ledger before it.
TEST(OpenAiAgent, KeepsTokenIdsAsALedger) {
  const TestEndpoint endpoint(Conduct::good, [](const Json& request) {
    Json prompt = {1, 2};
    for (std::size_t i = 2; i < request["messages"].size(); i += 2) {
      prompt.push_back(7);
      prompt.push_back(3);
    }
    return Json{{"message", {{"role", "assistant"}, {"content", "5"}}},
                {"finish_reason", "stop"},
                {"token_ids", {7}},
                {"prompt_token_ids", prompt},
                {"logprobs", {{"content", {{{"logprob", -0.25}}}}}}};
  });
  OpenAiOptions options = patient_options(endpoint);
  options.request.token_ids = true;
  const auto lives = play_guessing(make_openai_agents(options, nullptr, nullptr), 4, 1);
  std::size_t later = 0;
  for (const PlayedLife& life : lives) {
    for (std::size_t turn = 0; turn < life.replies.size(); ++turn) {
      const auto& tokens = life.replies[turn].tokens;
      ASSERT_NE(tokens, nullptr);
      const std::vector<std::int32_t> first = {1, 2}, next = {3};
      EXPECT_EQ(tokens->observed, turn == 0 ? first : next);
      EXPECT_EQ(tokens->sampled, (std::vector<std::int32_t>{7}));
      EXPECT_EQ(tokens->logprobs, (std::vector<float>{-0.25F}));
      later += turn > 0 ? 1 : 0;
    }
  }
  EXPECT_GT(later, 0U);
}

TEST(OpenAiAgent, KeepsNoIdsThatDoNotExtendTheLedger) {
  const TestEndpoint endpoint(Conduct::good, [](const Json& request) {
    const auto messages = request["messages"].size();
    return Json{{"message", {{"role", "assistant"}, {"content", "5"}}},
                {"token_ids", {7}},
                {"prompt_token_ids", {messages, messages + 1, messages + 2, messages + 3}}};
  });
  const auto lives =
      play_guessing(make_openai_agents(patient_options(endpoint), nullptr, nullptr), 4, 1);
  for (const PlayedLife& life : lives) {
    for (std::size_t turn = 0; turn < life.replies.size(); ++turn) {
      EXPECT_EQ(life.replies[turn].tokens != nullptr, turn == 0);
    }
  }
}

// Puts two things at once with arguments, then one without JSON, then closes.
Json keep_shop(const Json& request) {
  const auto call = [](const char* id, const char* name, const char* arguments) {
    return Json{{"id", id},
                {"type", "function"},
                {"function", {{"name", name}, {"arguments", arguments}}}};
  };
  const std::size_t told = request["messages"].size();
  Json calls = Json::array({call("z", "close", "{}")});
  if (told == 1) {
    calls = Json::array({call("a", "put", R"({"item": "tea", "count": 3})"),
                         call("b", "put", R"({"item": "salt"})"), call("c", "pay", "{}")});
  } else if (told == 5) {
    calls = Json::array({call("d", "put", "{\"item")});
  }
  return {{"message", {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", calls}}},
          {"finish_reason", "tool_calls"}};
}

TEST(OpenAiAgent, CallsToolsInParallelAndLearnsOfBadArguments) {
  const TestEndpoint endpoint(Conduct::good, keep_shop);
  PlayedLife life;
  PoolTask task;
  task.make_world = [&](LifecycleIndex index) {
    return std::make_unique<World>(
        std::make_unique<SingleEpisode>(std::make_shared<const ShopFamily>(), RandomKey{}),
        WorldOptions{index, RandomKey{}, {}}, std::make_unique<KeepingRecorder>(life));
  };
  task.make_agent = make_openai_agents(patient_options(endpoint), nullptr, nullptr);
  task.finished = [](World&, LifecycleIndex) {};
  const std::vector<LifecycleIndex> indices = {{0}};
  ASSERT_TRUE(play_all(indices, task, {}));
  ASSERT_EQ(life.replies.size(), 3U);
  EXPECT_EQ(life.replies[0].tool_calls.size(), 3U);
  EXPECT_EQ(life.ends.at(0).outcome, Outcome::done);
  EXPECT_EQ(life.ends.at(0).reward, 1.0);
  const auto requests = endpoint.requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[0].body["tools"].size(), 4U);
  const Json& messages = requests[2].body["messages"];
  EXPECT_EQ(messages[2]["tool_call_id"], "a");
  EXPECT_EQ(messages[3]["tool_call_id"], "b");
  EXPECT_EQ(messages[4]["tool_call_id"], "c");
  EXPECT_EQ(messages[5]["tool_calls"][0]["function"]["arguments"], "{\"item");
  EXPECT_EQ(messages[6], (Json{{"role", "tool"},
                               {"tool_call_id", "d"},
                               {"content", "expected a JSON object"}}));
}

TEST(Backoff, DoublesHasJitterFromItsKeyAndKeepsRetryAfter) {
  const HttpRetries retries;
  const RandomKey key = RandomKey::from_seed(4);
  HttpResult none;
  std::set<std::int64_t> drawn;
  for (int number = 0; number < 8; ++number) {
    const double full = std::min(500.0 * static_cast<double>(1 << number), 8000.0);
    const auto wait = wait_before_retry(retries, number, none, key);
    ASSERT_TRUE(wait);
    EXPECT_EQ(wait, wait_before_retry(retries, number, none, key));
    EXPECT_LE(static_cast<double>(wait->count()), full);
    EXPECT_GE(static_cast<double>(wait->count()), 0.75 * full - 1.0);
    drawn.insert(wait_before_retry(retries, 3, none, key.split(static_cast<std::uint64_t>(number)))
                     ->count());
  }
  EXPECT_GT(drawn.size(), 4U);
  HttpResult asked;
  asked.response.retry_after = std::chrono::seconds(20);
  EXPECT_EQ(wait_before_retry(retries, 0, asked, key)->count(), 20'000);
  asked.response.retry_after = std::chrono::seconds(61);
  EXPECT_FALSE(wait_before_retry(retries, 0, asked, key));
}

TEST(Retries, AreForWhatMayPass) {
  const auto status = [](int code) {
    HttpResult result;
    result.response.status = code;
    return worth_retrying(result);
  };
  for (const int code : {200, 408, 409, 429, 500, 502, 503, 504}) EXPECT_TRUE(status(code));
  for (const int code : {301, 400, 401, 403, 404, 413, 422}) EXPECT_FALSE(status(code)) << code;
}

}  // namespace
}  // namespace turnhalle
