// Worlds: virtual time, events between turns, limits, faults, snapshots.
#include "core/world.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/core/commanded_lifecycle.h"

namespace turnhalle {
namespace {

// Everything a recorder may hear, turn by turn.
struct Heard {
  struct Turn {
    std::string text;
    std::string observation;
    Outcome outcome = Outcome::running;
    SimTime asked, replied, finished;
    std::size_t events = 0;
  };
  std::vector<Turn> turns;
  std::vector<EpisodeEnd> ends;
  std::vector<std::string> canonical;  ///< of every call but the first
  bool over = false;
};

class HearingRecorder final : public Recorder {
 public:
  explicit HearingRecorder(Heard& heard) : heard_(heard) {}
  void episode_started(std::int64_t episode, const EpisodeStart& start) override {
    if (episode > 0) heard_.canonical.push_back(canonical_start(episode, start));
  }
  void turn_played(const TurnRecord& turn) override {
    heard_.turns.push_back({turn.reply.text, turn.result.observation, turn.result.outcome,
                            turn.asked, turn.replied, turn.finished, turn.events.size()});
    heard_.canonical.push_back(canonical_turn(turn));
  }
  void episode_ended(std::int64_t episode, const EpisodeEnd& end) override {
    heard_.ends.push_back(end);
    heard_.canonical.push_back(canonical_end(episode, end));
  }
  void lifecycle_ended() override { heard_.over = true; }

 private:
  Heard& heard_;
};

// A world around a commanded lifecycle.
struct CommandedStage {
  explicit CommandedStage(WorldLimits limits = {}, std::int64_t episodes = 1,
                          std::int64_t turns_max = 100)
      : world(std::make_unique<CommandedLifecycle>(episodes, turns_max),
              {{0}, RandomKey::from_seed(1), limits}, std::make_unique<HearingRecorder>(heard)) {}

  void say(const std::string& text, SimDuration latency = {}) {
    AgentReply reply;
    reply.text = text;
    reply.latency = latency;
    world.deliver(std::move(reply));
  }
  std::string last_message() const { return world.conversation().messages.back().content; }

  Heard heard;
  World world;
};

TEST(World, ConversationGrowsByReplyAndObservation) {
  CommandedStage stage;
  stage.world.start();
  EXPECT_EQ(stage.last_message(), "Begin after 0");
  stage.say("hello");
  const Conversation conversation = stage.world.conversation();
  ASSERT_EQ(conversation.messages.size(), 3U);
  EXPECT_EQ(conversation.messages[1].role, Role::assistant);
  EXPECT_EQ(conversation.messages[1].content, "hello");
  EXPECT_EQ(conversation.messages[2].content, "heard 5");
  EXPECT_EQ(conversation.turn, 1);
}

TEST(World, EachTurnHasAKeyOfItsOwn) {
  CommandedStage stage({}, 2);
  stage.world.start();
  const RandomKey first = stage.world.conversation().key;
  stage.say("a");
  const RandomKey second = stage.world.conversation().key;
  stage.say("end");
  EXPECT_NE(first, second);
  EXPECT_NE(stage.world.conversation().key, first);
}

TEST(World, EpisodesContinueTheConversationOnlyWhereTheySaySo) {
  CommandedStage stage({}, 3);
  stage.world.start();
  stage.say("end");
  EXPECT_EQ(stage.last_message(), "Begin after 2");
  EXPECT_FALSE(stage.world.conversation().fresh);
  EXPECT_EQ(stage.world.conversation().episode_begin, 2U);
  EXPECT_EQ(stage.world.conversation().messages.size(), 3U);
  stage.say("end");
  EXPECT_EQ(stage.last_message(), "Begin after 4");
  EXPECT_TRUE(stage.world.conversation().fresh);
  EXPECT_EQ(stage.world.conversation().messages.size(), 1U);
  stage.say("end");
  EXPECT_TRUE(stage.world.finished());
  EXPECT_TRUE(stage.heard.over);
  EXPECT_EQ(stage.heard.ends.size(), 3U);
}

TEST(World, ALatencyMovesVirtualTime) {
  CommandedStage stage;
  stage.world.start();
  stage.say("a", milliseconds(250));
  EXPECT_EQ(stage.world.now(), SimTime{} + milliseconds(250));
  stage.say("b", milliseconds(50));
  EXPECT_EQ(stage.heard.turns[1].asked, SimTime{} + milliseconds(250));
  EXPECT_EQ(stage.heard.turns[1].replied, SimTime{} + milliseconds(300));
  EXPECT_EQ(stage.heard.turns[1].finished, SimTime{} + milliseconds(300));
}

TEST(World, WaitingLetsTimePassUntilTheEvent) {
  CommandedStage stage;
  stage.world.start();
  stage.say("wait 40", milliseconds(2));
  EXPECT_EQ(stage.world.now(), SimTime{} + milliseconds(42));
  EXPECT_EQ(stage.last_message(), "wait 40 is over at 42000000");
  EXPECT_EQ(stage.heard.turns[0].events, 1U);
}

TEST(World, EventsBeforeTheReplyArrivesHappenFirst) {
  CommandedStage stage;
  stage.world.start();
  stage.say("later 10");
  stage.say("later 90");
  stage.say("now", milliseconds(50));
  EXPECT_EQ(stage.heard.turns[2].events, 1U);
  EXPECT_EQ(stage.last_message(), "later 10 is over at 10000000\nheard 19");
  stage.say("x", milliseconds(1));
  EXPECT_EQ(stage.heard.turns[3].events, 0U);
}

TEST(World, EventsOfAnEpisodeDieWithIt) {
  CommandedStage stage({}, 2);
  stage.world.start();
  stage.say("later 10");
  stage.say("end");
  stage.say("x", milliseconds(20));
  EXPECT_EQ(stage.heard.turns[2].events, 0U);
}

TEST(World, WaitingForNothingIsTheEnvironmentsFaultAndHasNoReward) {
  CommandedStage stage({}, 3);
  stage.world.start();
  stage.say("hang");
  EXPECT_TRUE(stage.world.finished());
  ASSERT_EQ(stage.heard.ends.size(), 1U);
  EXPECT_EQ(stage.heard.ends[0].outcome, Outcome::environment_error);
  EXPECT_FALSE(stage.heard.ends[0].reward.has_value());
}

TEST(World, AFloodOfEventsIsCutWhetherTheAgentWaitsOrNot) {
  for (const std::string command : {"flood", "trickle"}) {
    WorldLimits limits;
    limits.events_per_turn_max = 25;
    CommandedStage stage(limits, 3);
    stage.world.start();
    stage.say(command);
    if (!stage.world.finished()) stage.say("go on");
    ASSERT_EQ(stage.heard.ends.size(), 1U) << command;
    EXPECT_EQ(stage.heard.ends[0].outcome, Outcome::environment_error);
    EXPECT_FALSE(stage.heard.ends[0].reward.has_value());
    EXPECT_EQ(stage.heard.turns.back().events, 25U);
  }
}

TEST(World, AnEpisodeThatTakesTooLongIsTruncated) {
  WorldLimits limits;
  limits.episode_time = milliseconds(100);
  CommandedStage stage(limits, 2);
  stage.world.start();
  stage.say("a", milliseconds(100));
  EXPECT_TRUE(stage.heard.ends.empty());
  stage.say("b", milliseconds(1));
  ASSERT_EQ(stage.heard.ends.size(), 1U);
  EXPECT_EQ(stage.heard.ends[0].outcome, Outcome::truncated);
  const std::string bytes = stage.world.snapshot();
  CommandedStage again(limits, 2);
  ASSERT_TRUE(again.world.restore(bytes));
  again.say("c", milliseconds(100));
  EXPECT_TRUE(again.heard.ends.empty()) << "the second episode has time of its own";
}

// Each misbehaves in one way; all are stopped, and told by which limit.
TEST(World, ThatMisbehavesIsStoppedByALimitThatIsNamed) {
  struct Case {
    const char* limit;
    const char* reply;
    std::function<void(WorldLimits&)> set;
  };
  const std::vector<Case> cases = {
      {"turns_max", "x", [](WorldLimits& limits) { limits.turns_max = 5; }},
      {"episodes_max", "x", [](WorldLimits& limits) { limits.episodes_max = 0; }},
      {"events_per_turn_max", "flood", [](WorldLimits& limits) { limits.events_per_turn_max = 9; }},
      {"events_pending_max", "later 9", [](WorldLimits& limits) { limits.events_pending_max = 9; }},
      {"conversation_bytes_max", "x",
       [](WorldLimits& limits) { limits.conversation_bytes_max = 90; }},
      {"state_bytes_max", "x", [](WorldLimits& limits) { limits.state_bytes_max = 3; }}};
  for (const Case& misbehaviour : cases) {
    WorldLimits limits;
    misbehaviour.set(limits);
    CommandedStage stage(limits, 3, 1000);
    stage.world.start();
    for (int turn = 0; turn < 100 && !stage.world.finished(); ++turn) {
      stage.say(misbehaviour.reply);
    }
    EXPECT_TRUE(stage.world.finished()) << misbehaviour.limit;
    ASSERT_EQ(stage.heard.ends.size(), 1U) << misbehaviour.limit;
    EXPECT_EQ(stage.heard.ends[0].outcome, Outcome::environment_error);
    EXPECT_FALSE(stage.heard.ends[0].reward.has_value());
    EXPECT_NE(stage.heard.turns.back().observation.find("limits." +
                                                        std::string(misbehaviour.limit)),
              std::string::npos)
        << stage.heard.turns.back().observation;
    EXPECT_TRUE(stage.heard.over);
  }
}

TEST(World, AReplyAfterTheDeadlineIsATimeout) {
  WorldLimits limits;
  limits.reply_deadline = milliseconds(100);
  CommandedStage stage(limits);
  stage.world.start();
  stage.say("in time", milliseconds(100));
  EXPECT_FALSE(stage.world.finished());
  stage.say("too late", milliseconds(101));
  EXPECT_EQ(stage.heard.ends[0].outcome, Outcome::timeout);
}

TEST(World, LongRepliesAreCutAndTextIsMadeReadable) {
  WorldLimits limits;
  limits.reply_bytes_max = 4;
  CommandedStage stage(limits);
  stage.world.start();
  stage.say("abcdefgh");
  EXPECT_EQ(stage.heard.turns[0].text, "abcd");
  EXPECT_EQ(stage.last_message(), "heard 4");
  stage.say("a\xff");
  EXPECT_EQ(stage.heard.turns[1].text, "a\xEF\xBF\xBD");
}

TEST(World, TheLastTurnIsTruncated) {
  CommandedStage stage({}, 1, 2);
  stage.world.start();
  stage.say("a");
  EXPECT_FALSE(stage.world.finished());
  stage.say("b");
  EXPECT_EQ(stage.heard.ends[0].outcome, Outcome::truncated);
  EXPECT_EQ(stage.heard.ends[0].reward, 2.0);
}

TEST(World, AnInfrastructureFaultEndsTheLifecycleWithoutAReward) {
  CommandedStage stage({}, 3);
  stage.world.start();
  AgentReply reply;
  reply.failure = ReplyFailure::infrastructure;
  reply.failure_text = "no answer";
  stage.world.deliver(reply);
  EXPECT_TRUE(stage.world.finished());
  ASSERT_EQ(stage.heard.ends.size(), 1U);
  EXPECT_EQ(stage.heard.ends[0].outcome, Outcome::infrastructure_error);
  EXPECT_FALSE(stage.heard.ends[0].reward.has_value());
  EXPECT_EQ(stage.heard.turns[0].observation, "no answer");
}

TEST(World, AFaultOfTheAgentKeepsItsRewardAndTheLifecycleGoesOn) {
  CommandedStage stage({}, 3);
  stage.world.start();
  AgentReply reply;
  reply.failure = ReplyFailure::agent;
  stage.world.deliver(reply);
  EXPECT_FALSE(stage.world.finished());
  EXPECT_EQ(stage.heard.ends[0].outcome, Outcome::agent_error);
  EXPECT_EQ(stage.heard.ends[0].reward, 1.0);
}

const std::vector<std::pair<std::string, std::int64_t>> kPlay = {
    {"later 35", 1}, {"hello", 0}, {"wait 20", 3}, {"later 5", 0}, {"x", 7},  {"end", 1},
    {"later 3", 2},  {"wait 9", 0}, {"end", 4},    {"b", 0},       {"end", 0}};

TEST(World, RestoredAtAnyTurnItGoesOnToTheSameBytes) {
  CommandedStage whole({}, 3);
  whole.world.start();
  std::vector<std::string> snapshots;
  std::vector<std::size_t> heard_before;
  for (const auto& [text, ms] : kPlay) {
    snapshots.push_back(whole.world.snapshot());
    heard_before.push_back(whole.heard.canonical.size());
    whole.say(text, milliseconds(ms));
  }
  ASSERT_TRUE(whole.world.finished());
  for (std::size_t turn = 0; turn < kPlay.size(); ++turn) {
    CommandedStage again({}, 3);
    ASSERT_TRUE(again.world.restore(snapshots[turn])) << turn;
    EXPECT_EQ(again.world.snapshot(), snapshots[turn]);
    for (std::size_t i = turn; i < kPlay.size(); ++i) {
      again.say(kPlay[i].first, milliseconds(kPlay[i].second));
    }
    const std::vector<std::string> suffix(
        whole.heard.canonical.begin() + static_cast<std::ptrdiff_t>(heard_before[turn]),
        whole.heard.canonical.end());
    EXPECT_EQ(again.heard.canonical, suffix) << turn;
    EXPECT_EQ(again.world.snapshot(), whole.world.snapshot()) << turn;
  }
}

TEST(World, RefusesSnapshotsThatDoNotFit) {
  CommandedStage stage;
  stage.world.start();
  stage.say("later 5");
  const std::string bytes = stage.world.snapshot();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CommandedStage again;
    EXPECT_FALSE(again.world.restore(std::string_view(bytes).substr(0, size))) << size;
  }
  CommandedStage again;
  EXPECT_FALSE(again.world.restore(bytes + "x"));
}

TEST(WorldDeathTest, IsStartedOnceAndPlayedOnlyWhileItRuns) {
  CommandedStage stage;
  EXPECT_DEATH(stage.say("early"), "only a running world takes a reply");
  stage.world.start();
  EXPECT_DEATH(stage.world.start(), "a world is started once");
  stage.say("end");
  EXPECT_DEATH((void)stage.world.conversation(), "only a running world has a turn to play");
}

}  // namespace
}  // namespace turnhalle
