// Programs in the agent's seat: good ones, and each way in which one can break.
#include "agents/wire/exec_agent.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <thread>
#include <utility>

#include "tests/agents/wire/played.h"
#include "tests/test_folder.h"

namespace turnhalle {
namespace {

ExecOptions running(const std::string& command) {
  ExecOptions options;
  options.command = command;
  options.deadline = std::chrono::milliseconds(20'000);
  return options;
}

std::vector<PlayedLife> play(const ExecOptions& options, std::int64_t count = 1, int threads = 1) {
  return play_guessing(make_exec_agents(options, nullptr, nullptr), count, threads);
}

// Whether this process has children that ended and were not reaped, or still run.
bool has_children() { return waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD; }

constexpr const char* kFive = R"(while read -r line; do echo '{"content": "5"}'; done)";

TEST(ExecAgent, PlaysAndLeavesNoProcess) {
  const auto lives = play(running(kFive), 8, 2);
  for (const PlayedLife& life : lives) {
    EXPECT_TRUE(life.ends.at(0).outcome == Outcome::done ||
                life.ends.at(0).outcome == Outcome::truncated);
    for (const AgentReply& reply : life.replies) EXPECT_EQ(reply.text, "5");
  }
  EXPECT_FALSE(has_children());
}

TEST(ExecAgent, TellsEachTurnOnOneLine) {
  const TestFolder folder;
  const std::string log = folder.file("log");
  const auto lives = play(running("while read -r line; do printf '%s\\n' \"$line\" >>" + log +
                                  "; echo '{\"content\": \"9\"}'; done"));
  std::ifstream in(log);
  std::string line;
  std::size_t turn = 0;
  std::size_t known = 0;
  for (; std::getline(in, line); ++turn) {
    const Json told = Json::parse(line);
    EXPECT_EQ(told["type"], "turn");
    EXPECT_EQ(told["lifecycle"], 0);
    EXPECT_EQ(told["turn"], turn);
    EXPECT_EQ(told["kind"], "solve");
    EXPECT_EQ(told["new_from"], known);
    EXPECT_TRUE(told["seed"].is_number_unsigned());
    EXPECT_EQ(told["tools"], Json::array());
    known = told["messages"].size() + 1;
  }
  EXPECT_EQ(turn, lives[0].replies.size());
  EXPECT_GT(turn, 0U);
}

TEST(ExecAgent, RemembersWithinALifecycleOnly) {
  const auto lives = play(
      running(R"(n=0; while read -r line; do n=$((n+1)); echo "{\"content\": \"$n\"}"; done)"), 6,
      2);
  for (const PlayedLife& life : lives) {
    for (std::size_t turn = 0; turn < life.replies.size(); ++turn) {
      EXPECT_EQ(life.replies[turn].text, std::to_string(turn + 1));
    }
  }
}

TEST(ExecAgent, ThatCrashesIsAnInfrastructureOutcomeWithItsLastWords) {
  const auto lives = play(running("read -r line; echo 'no model here' >&2; exit 3"));
  expect_lost(lives[0], "The agent's program exited with status 3; its last words: no model here.");
  expect_lost(play(running("kill -SEGV $$"))[0], "was killed by signal 11");
  expect_lost(play(running("/no/such/program"))[0], "exited with status 127");
  EXPECT_FALSE(has_children());
}

TEST(ExecAgent, KeepsOnlyTheEndOfALongComplaint) {
  const auto lives = play(running(
      "i=0; while [ $i -lt 20000 ]; do echo \"line $i of many\" >&2; i=$((i+1)); done; exit 1"));
  const std::string& said = lives[0].replies.at(0).failure_text;
  expect_lost(lives[0], "its last words: line ");
  EXPECT_TRUE(said.ends_with("| line 19998 of many | line 19999 of many.")) << said;
  EXPECT_LT(said.size(), 2000U);
}

TEST(ExecAgent, ThatMissesItsDeadlineIsKilled) {
  ExecOptions options = running("read -r line; sleep 600");
  options.deadline = std::chrono::milliseconds(200);
  const auto begin = std::chrono::steady_clock::now();
  expect_lost(play(options)[0], "gave no answer within 0.2 s and was killed");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  EXPECT_FALSE(has_children());
}

// Its own children hold the output open: they go with it.
TEST(ExecAgent, IsKilledWithItsChildren) {
  const TestFolder folder;
  const std::string file = folder.file("pid");
  ExecOptions options = running("sleep 600 & echo $! >" + file + "; read -r line; wait");
  options.deadline = std::chrono::milliseconds(300);
  expect_lost(play(options)[0], "was killed");
  pid_t grandchild = 0;
  std::ifstream(file) >> grandchild;
  ASSERT_GT(grandchild, 1);
  bool gone = false;
  for (int i = 0; i < 400 && !gone; ++i) {  // whoever adopts it has to reap it
    std::ifstream stat("/proc/" + std::to_string(grandchild) + "/stat");
    std::string number, name, state;
    gone = !(stat >> number >> name >> state) || state == "Z";
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(gone);
}

TEST(ExecAgent, ThatIgnoresTheEndOfItsInputIsKilledAfterAGrace) {
  const auto begin = std::chrono::steady_clock::now();
  const auto lives =
      play(running("while read -r line; do echo '{\"content\": \"5\"}'; done; sleep 600"));
  EXPECT_GT(lives[0].replies.size(), 0U);
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, std::chrono::milliseconds(1900));
  EXPECT_LT(took, std::chrono::seconds(30));
  EXPECT_FALSE(has_children());
}

TEST(ExecAgent, ThatSaysNoMessageIsAnInfrastructureOutcome) {
  const auto saying = [](const std::string& line) {
    return play(running("read -r line; echo '" + line + "'; read -r line"))[0];
  };
  expect_lost(saying("5"), "said no JSON object: \"5\"");
  expect_lost(saying("{\"content\": "), "said no JSON object");
  expect_lost(saying("{\"text\": \"5\"}"), "said no message {\"content\": …}");
  expect_lost(saying("{\"content\": 5}"), "said no message");
  expect_lost(saying("{\"error\": \"out of credit\"}"), "reported an error: out of credit");
}

TEST(ExecAgent, ThatNeverEndsItsLineIsKilled) {
  expect_lost(play(running("read -r line; exec cat /dev/zero"))[0],
              "wrote a line of more than 1048576 bytes and was killed");
  EXPECT_FALSE(has_children());
}

TEST(ExecAgent, ThatDoesNotReadIsAskedNoFurther) {
  expect_lost(play(running("exec 0<&-; exec 1>&-; exit 0"))[0], "exited with status 0");
}

TEST(ExecAgent, CallsTools) {
  const auto reply = read_exec_answer(
      R"({"content": null, "tool_calls": [{"id": "a", "type": "function", )"
      R"("function": {"name": "put", "arguments": "{\"n\": 1}"}}]})");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->tool_calls.at(0).arguments, (Json{{"n", 1}}));
}

TEST(ExecAgent, LivesInLimitedNumber) {
  ExecOptions options = running(kFive);
  options.concurrency = 2;
  std::atomic<int> most{0}, now{0};
  const AgentFactory make = make_exec_agents(options, nullptr, nullptr);
  class Counting final : public Agent {
   public:
    Counting(std::unique_ptr<Agent> agent, std::atomic<int>& alive, std::atomic<int>& highest)
        : agent_(std::move(agent)), alive_(alive), highest_(highest) {}
    ~Counting() override { alive_ -= asked_ ? 1 : 0; }
    boost::asio::awaitable<AgentReply> act(const Conversation& conversation) override {
      AgentReply reply = co_await agent_->act(conversation);
      if (!std::exchange(asked_, true)) highest_ = std::max(highest_.load(), ++alive_);
      co_return reply;
    }

   private:
    std::unique_ptr<Agent> agent_;
    std::atomic<int>& alive_;
    std::atomic<int>& highest_;
    bool asked_ = false;
  };
  play_guessing(
      [&](LifecycleIndex index) { return std::make_unique<Counting>(make(index), now, most); }, 8,
      1);
  EXPECT_EQ(most, 2);
  EXPECT_FALSE(has_children());
}

TEST(ExecAgent, IsLeftWhenTheRunStops) {
  std::atomic<bool> stop{false};
  std::thread later([&stop] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    stop = true;
  });
  const auto lives = play_guessing(
      make_exec_agents(running("read -r line; sleep 600"), [&stop] { return stop.load(); },
                       nullptr),
      3, 1, &stop);
  later.join();
  for (const PlayedLife& life : lives) EXPECT_TRUE(life.replies.empty());
  EXPECT_FALSE(has_children());
}

}  // namespace
}  // namespace turnhalle
