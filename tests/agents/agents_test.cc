// Agents without a model: what they say, and what decorators make of it.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <sstream>

#include "agents/decorators.h"
#include "agents/human.h"
#include "agents/scripted.h"
#include "core/text.h"

namespace turnhalle {
namespace {

// A conversation of one message, and what an agent answers to it.
struct Asked {
  std::vector<Message> messages = {{Role::user, "What now?", {}, {}}};
  Conversation conversation;

  AgentReply ask(Agent& agent) {
    conversation.messages = messages;
    std::optional<AgentReply> reply;
    boost::asio::io_context context;
    boost::asio::co_spawn(context, agent.act(conversation),
                          [&](std::exception_ptr failure, AgentReply answer) {
                            EXPECT_EQ(failure, nullptr);
                            reply = std::move(answer);
                          });
    context.run();
    return reply.value();
  }
};

TEST(SilentAgent, SaysNothing) {
  Asked asked;
  const AgentReply reply = asked.ask(*make_silent_agent());
  EXPECT_TRUE(reply.text.empty());
  EXPECT_EQ(reply.failure, ReplyFailure::none);
}

TEST(SpamAgent, SaysMuchThatIsNotEvenText) {
  Asked asked;
  const std::string text = asked.ask(*make_spam_agent()).text;
  EXPECT_GT(text.size(), 10'000U);
  EXPECT_FALSE(is_utf8(text));
}

TEST(ScriptAgent, SaysItsRepliesThenNothing) {
  Asked asked;
  const auto agent = make_script_agent({"one", "two"});
  EXPECT_EQ(asked.ask(*agent).text, "one");
  EXPECT_EQ(asked.ask(*agent).text, "two");
  EXPECT_EQ(asked.ask(*agent).text, "");
}

TEST(HashAgent, DependsOnEverythingItWasShownAndOnNothingElse) {
  Asked asked;
  const auto agent = make_hash_agent();
  const std::string first = asked.ask(*agent).text;
  EXPECT_EQ(asked.ask(*make_hash_agent()).text, first);
  std::vector<std::string> answers;
  for (int i = 0; i < 40; ++i) {
    asked.messages[0].content += "x";
    answers.push_back(asked.ask(*agent).text);
  }
  std::sort(answers.begin(), answers.end());
  EXPECT_EQ(std::unique(answers.begin(), answers.end()) - answers.begin(), 4);
  asked.conversation.kind = EpisodeKind::update_context;
  EXPECT_TRUE(asked.ask(*agent).text.starts_with("<hint>"));
}

TEST(Delay, AddsToTheLatencyOfWhatItWraps) {
  Asked asked;
  const auto agent =
      with_delay(with_delay(make_script_agent({"a"}), milliseconds(30)), milliseconds(12));
  const AgentReply reply = asked.ask(*agent);
  EXPECT_EQ(reply.latency, milliseconds(42));
  EXPECT_EQ(reply.text, "a");
}

TEST(Fault, HitsItsShareOfTheTurnsAndTheSameOnesEveryTime) {
  std::vector<bool> hits[2];
  for (std::vector<bool>& hit : hits) {
    for (std::uint64_t turn = 0; turn < 2000; ++turn) {
      Asked asked;
      asked.conversation.key = RandomKey::from_seed(1).split(turn);
      const auto agent = with_fault(make_script_agent({"a"}), AgentFault::error, 0.25);
      hit.push_back(asked.ask(*agent).failure == ReplyFailure::infrastructure);
    }
  }
  EXPECT_EQ(hits[0], hits[1]);
  const auto count = std::count(hits[0].begin(), hits[0].end(), true);
  EXPECT_NEAR(static_cast<double>(count), 500.0, 80.0);  // four standard deviations
}

TEST(Fault, OfEachKindIsWhatItSays) {
  Asked asked;
  const auto failed = [&](AgentFault kind) {
    return asked.ask(
        *with_fault(with_delay(make_script_agent({"a"}), milliseconds(5)), kind, 1.0));
  };
  EXPECT_EQ(failed(AgentFault::timeout).failure, ReplyFailure::infrastructure);
  EXPECT_EQ(failed(AgentFault::error).failure_text, "The agent failed (injected).");
  const AgentReply empty = failed(AgentFault::empty);
  EXPECT_EQ(empty.failure, ReplyFailure::none);
  EXPECT_TRUE(empty.text.empty());
  EXPECT_EQ(empty.latency, milliseconds(5));
}

TEST(Fault, AtRateZeroNeverHappens) {
  Asked asked;
  const auto agent = with_fault(make_script_agent({"a"}), AgentFault::error, 0.0);
  EXPECT_EQ(asked.ask(*agent).text, "a");
}

TEST(HumanAgent, ShowsWhatIsNewAndReadsALine) {
  std::istringstream in("left\n");
  std::ostringstream out;
  const auto agent = make_human_agent(in, out);
  Asked asked;
  EXPECT_EQ(asked.ask(*agent).text, "left");
  EXPECT_NE(out.str().find("[user] What now?"), std::string::npos);
  asked.messages.push_back({Role::assistant, "left", {}, {}});
  asked.messages.push_back({Role::user, "You hit a wall.", {}, {}});
  asked.conversation.turn = 1;
  out.str("");
  EXPECT_EQ(asked.ask(*agent).failure, ReplyFailure::interrupted);
  EXPECT_EQ(out.str(), "[user] You hit a wall.\n> ");
}

}  // namespace
}  // namespace turnhalle
