// Endpoints that misbehave lose no episode: each ends in a defined outcome, without a reward and
// with words that say why; and one that misbehaves once is tried again.
#include <gtest/gtest.h>

#include <chrono>
#include <ostream>
#include <thread>

#include "agents/wire/openai_agent.h"
#include "tests/agents/wire/played.h"
#include "tests/agents/wire/test_endpoint.h"

namespace turnhalle {
namespace {

OpenAiOptions fault_options(const std::string& base) {
  OpenAiOptions options;
  options.base = parse_http_url(base).value();
  options.request.model = "m";
  options.limits.deadline = std::chrono::seconds(60);  // for a busy machine
  options.limits.body_bytes_max = 1 << 18;
  options.retries = {.count = 1, .first = std::chrono::milliseconds(1)};
  return options;
}

void expect_played(const PlayedLife& life) {
  EXPECT_TRUE(life.ended);
  ASSERT_EQ(life.ends.size(), 1U);
  EXPECT_TRUE(life.ends[0].outcome == Outcome::done ||
              life.ends[0].outcome == Outcome::truncated);
  EXPECT_TRUE(life.ends[0].reward.has_value());
}

struct Misbehaviour {
  const char* name;
  Conduct conduct;
  const char* words;  // of the message
  bool tried_again = true;
  ChatStreaming stream = ChatStreaming::off;
};

void PrintTo(const Misbehaviour& misbehaviour, std::ostream* out) { *out << misbehaviour.name; }

class Misbehaving : public testing::TestWithParam<Misbehaviour> {
 protected:
  OpenAiOptions options(const TestEndpoint& endpoint) const {
    OpenAiOptions options = fault_options(endpoint.base());
    options.request.stream = GetParam().stream;
    const bool runs_out = std::string_view(GetParam().words).find(" 0.25 s") != std::string::npos;
    if (runs_out) options.limits.deadline = std::chrono::milliseconds(250);
    return options;
  }
};

TEST_P(Misbehaving, AlwaysIsAnInfrastructureOutcome) {
  const TestEndpoint endpoint(GetParam().conduct);
  const auto usage = std::make_shared<UsageLog>();
  const auto lives =
      play_guessing(make_openai_agents(options(endpoint), nullptr, usage), 3, 2);
  for (const PlayedLife& life : lives) expect_lost(life, GetParam().words);
  EXPECT_EQ(usage->total().failures, 3);
  EXPECT_EQ(usage->total().tries, GetParam().tried_again ? 6 : 3);
}

TEST_P(Misbehaving, OnceIsTriedAgainWhereThatMayHelp) {
  const TestEndpoint endpoint([this](std::int64_t request) {
    return request == 0 ? GetParam().conduct : Conduct::good;
  });
  const auto lives = play_guessing(make_openai_agents(options(endpoint), nullptr, nullptr), 3, 1);
  int lost = 0;
  for (const PlayedLife& life : lives) {
    if (life.ends.at(0).outcome == Outcome::infrastructure_error) {
      expect_lost(life, GetParam().words);
      ++lost;
    } else {
      expect_played(life);
    }
  }
  EXPECT_EQ(lost, GetParam().tried_again ? 0 : 1);
}

INSTANTIATE_TEST_SUITE_P(
    Endpoint, Misbehaving,
    testing::Values(
        Misbehaviour{"slow", Conduct::slow, "no complete response within 0.25 s"},
        Misbehaviour{"truncated", Conduct::truncated, "closed before the response was complete"},
        Misbehaviour{"invalid_json", Conduct::invalid_json, "expected a chat completion in JSON"},
        Misbehaviour{"error_500", Conduct::error_500, "status 500: it broke"},
        Misbehaviour{"huge", Conduct::huge, "larger than 262144 bytes", false},
        Misbehaviour{"closes", Conduct::closes, "closed before the response was complete"},
        Misbehaviour{"endless_stream", Conduct::endless_stream,
                     "no complete response within 0.25 s", true, ChatStreaming::on},
        Misbehaviour{"wrong_type", Conduct::wrong_type,
                     "expected application/json or text/event-stream; found \"text/html\""},
        Misbehaviour{"never", Conduct::never, "no complete response within 0.25 s"},
        Misbehaviour{"busy", Conduct::busy, "status 429"},
        Misbehaviour{"busy_long", Conduct::busy_long, "status 429", false},
        Misbehaviour{"unauthorised", Conduct::unauthorised, "status 401", false},
        Misbehaviour{"not_http", Conduct::not_http, "not HTTP"},
        Misbehaviour{"many_headers", Conduct::many_headers, "its header than 32768", false},
        Misbehaviour{"cut_stream", Conduct::cut_stream, "was cut", true, ChatStreaming::on}),
    [](const auto& item) { return std::string(item.param.name); });

// Not an error of the endpoint: every call gets an id of its own, and arguments that are no JSON
// reach the environment.
TEST(WrongIds, AreMadeToDiffer) {
  const TestEndpoint endpoint(Conduct::wrong_ids);
  const auto lives =
      play_guessing(make_openai_agents(fault_options(endpoint.base()), nullptr, nullptr), 2, 1);
  for (const PlayedLife& life : lives) {
    expect_played(life);
    const auto& calls = life.replies.at(0).tool_calls;
    ASSERT_EQ(calls.size(), 3U);
    EXPECT_EQ(calls[0].id, "a");
    EXPECT_EQ(calls[1].id, "call_0_0_0");
    EXPECT_EQ(calls[2].id, "call_0_0_1");
    EXPECT_EQ(calls[2].arguments, "{\"item\": ");
  }
  // The next request has an answer for each of them, as endpoints demand.
  for (const SeenRequest& request : endpoint.requests()) {
    int calls = 0, answers = 0;
    for (const Json& message : request.body["messages"]) {
      if (message.contains("tool_calls")) calls += static_cast<int>(message["tool_calls"].size());
      answers += message["role"] == "tool" ? 1 : 0;
    }
    EXPECT_EQ(calls, answers);
  }
}

TEST(NoEndpoint, IsAnInfrastructureOutcomeWithAClearMessage) {
  std::string base;
  {
    const TestEndpoint gone(Conduct::good);
    base = gone.base();
  }
  const auto lives =
      play_guessing(make_openai_agents(fault_options(base), nullptr, nullptr), 2, 1);
  for (const PlayedLife& life : lives) {
    expect_lost(life, "The endpoint " + base + "/chat/completions gave no reply (2 tries): ");
    expect_lost(life, "refused");
  }
}

TEST(NoEndpoint, OfAnUnknownNameIsNotTriedAgain) {
  const auto usage = std::make_shared<UsageLog>();
  const auto lives = play_guessing(
      make_openai_agents(fault_options("http://nobody.invalid:1/v1"), nullptr, usage), 1, 1);
  expect_lost(lives[0], "the host is unknown");
  EXPECT_EQ(usage->total().tries, 1);
}

TEST(Tls, AgainstAServerWithoutItIsAnInfrastructureOutcome) {
  const TestEndpoint endpoint(Conduct::not_http);
  OpenAiOptions options = fault_options(endpoint.base());
  options.base.tls = true;
  const auto lives = play_guessing(make_openai_agents(options, nullptr, nullptr), 1, 1);
  expect_lost(lives[0], "The endpoint https://127.0.0.1");
}

TEST(Key, IsSentAndNeverShown) {
  const TestEndpoint endpoint(Conduct::unauthorised);
  OpenAiOptions options = fault_options(endpoint.base());
  options.key = "sk-secret-0";
  const auto lives = play_guessing(make_openai_agents(options, nullptr, nullptr), 1, 1);
  expect_lost(lives[0], "no such key: Bearer [key]");
  EXPECT_EQ(endpoint.requests().at(0).headers.at("authorization"), "Bearer sk-secret-0");
}

TEST(Stop, DropsTheRequestsInFlight) {
  const TestEndpoint endpoint(Conduct::never);
  OpenAiOptions options = fault_options(endpoint.base());
  options.limits.deadline = std::chrono::milliseconds(60'000);
  options.concurrency = 2;
  std::atomic<bool> stop{false};
  std::thread later([&] {
    while (endpoint.requests().size() < 2) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    stop = true;
  });
  const auto begin = std::chrono::steady_clock::now();
  const auto lives = play_guessing(
      make_openai_agents(options, [&stop] { return stop.load(); }, nullptr), 6, 2, &stop);
  later.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
  for (const PlayedLife& life : lives) EXPECT_TRUE(life.replies.empty());
}

}  // namespace
}  // namespace turnhalle
