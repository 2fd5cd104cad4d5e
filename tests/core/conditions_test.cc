// Latencies, faults and exogenous events around an environment.
#include "core/conditions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/tool_shop.h"

namespace turnhalle {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// What a world reported of its last turn, and how it ended.
struct Report {
  std::vector<Event> events;
  std::vector<Message> answers;
  std::string observation;
  Outcome outcome = Outcome::running;
  SimTime finished;
  std::optional<EpisodeEnd> end;
  std::vector<std::string> faults;  // kinds, over all turns
  std::string bytes;

  std::vector<std::string> order() const {
    std::vector<std::string> ids;
    for (const Message& answer : answers) ids.push_back(answer.tool_call_id);
    return ids;
  }
};

class ReportRecorder final : public Recorder {
 public:
  explicit ReportRecorder(Report& report) : report_(report) {}
  void episode_started(std::int64_t episode, const EpisodeStart& start) override {
    report_.bytes += canonical_start(episode, start);
  }
  void turn_played(const TurnRecord& turn) override {
    report_.events.assign(turn.events.begin(), turn.events.end());
    report_.answers = turn.result.tool_results;
    report_.observation = turn.result.observation;
    report_.outcome = turn.result.outcome;
    report_.finished = turn.finished;
    report_.bytes += canonical_turn(turn);
    for (const Event& event : turn.events) {
      if (event.kind == kFaultEvent) {
        report_.faults.push_back(Json::parse(event.payload).at("kind").get<std::string>());
      }
    }
  }
  void episode_ended(std::int64_t episode, const EpisodeEnd& end) override {
    report_.end = end;
    report_.bytes += canonical_end(episode, end);
  }
  void lifecycle_ended() override {}

 private:
  Report& report_;
};

struct ShopStage {
  explicit ShopStage(const std::string& more, std::uint64_t seed = 1)
      : scenario(shop_scenario(more).value()),
        world(std::make_unique<SingleEpisode>(scenario.family, RandomKey::from_seed(seed)),
              {{0}, RandomKey::from_seed(2), scenario.limits},
              std::make_unique<ReportRecorder>(report)) {
    world.start();
  }
  void say(const std::string& text, SimDuration latency = {}) {
    AgentReply reply;
    reply.text = text;
    reply.latency = latency;
    world.deliver(std::move(reply));
  }
  void call(const std::vector<std::string>& names) {
    AgentReply reply;
    for (const std::string& name : names) {
      reply.tool_calls.push_back({name + std::to_string(calls++), name, Json::object()});
    }
    world.deliver(std::move(reply));
  }
  Json answer(std::size_t i = 0) const { return Json::parse(report.answers.at(i).content); }
  Json state() const { return world.lifecycle().hidden_state(); }

  Report report;
  Scenario scenario;
  World world;
  int calls = 0;
};

std::string fault(const std::string& kind, const std::string& more = "") {
  return R"("faults": [{"kind": ")" + kind + R"(", "rate": 1)" + more + "}]";
}

TEST(Conditions, ThatAreIdleLeaveEveryByteAsItIs) {
  std::string all_kinds;
  for (int kind = 0; kind < kFaultKinds; ++kind) {
    all_kinds +=
        std::string(kind > 0 ? ", " : "") + R"({"kind": ")" +
        std::string(name_of(static_cast<FaultKind>(kind))) + R"(", "rate": 0)" +
        (static_cast<FaultKind>(kind) == FaultKind::schema_drift ? R"(, "rename": {"a": "b"}})"
                                                                 : "}");
  }
  std::vector<std::string> bytes;
  // The third plan has a window in which nothing ever happens: it is drawn, and never hits.
  for (const std::string& more : {std::string(), R"("faults": [)" + all_kinds + "]",
                                  fault("crash", R"(, "window": {"turns": [900, 999]})")}) {
    ShopStage stage(more);
    stage.call({"put", "pay"});
    stage.say("hello", milliseconds(5));
    stage.call({"close"});
    bytes.push_back(stage.report.bytes);
  }
  EXPECT_EQ(bytes[1], bytes[0]);
  EXPECT_EQ(bytes[2], bytes[0]);
}

TEST(Latency, OfToolsLetsCallsFinishInTheirOwnOrder) {
  ShopStage stage(R"("latency": {"tools": {"put": 30, "look": 10, "*": 20}})");
  stage.call({"put", "pay", "look"});
  EXPECT_THAT(stage.report.order(), ElementsAre("look2", "pay1", "put0"));
  EXPECT_EQ(stage.report.finished, SimTime{} + milliseconds(30)) << "in flight together";
  EXPECT_EQ(stage.answer(1)["count"], -1) << "paid before it was put there";
  EXPECT_EQ(stage.answer(2)["count"], 0);
}

TEST(Latency, OfTextDelaysItsEffect) {
  ShopStage stage(R"("latency": {"action": 250})");
  stage.say("hello", milliseconds(50));
  EXPECT_EQ(stage.report.finished, SimTime{} + milliseconds(300));
  EXPECT_EQ(stage.report.observation, "You say: hello");
}

TEST(Latency, BeyondTheDeadlineOfToolsHasNoEffect) {
  ShopStage stage(R"("latency": {"tools": {"pay": 5000}, "tool_deadline_ms": 1000})");
  stage.call({"pay", "look"});
  EXPECT_THAT(stage.report.order(), ElementsAre("look1", "pay0"));
  EXPECT_EQ(stage.answer(1)["error"], "No answer came within 1000 ms.");
  EXPECT_EQ(stage.report.finished, SimTime{} + milliseconds(1000));
  EXPECT_EQ(stage.state()["till"], 0);
}

TEST(Latency, ModelsDrawWhatTheySay) {
  const RandomKey key = RandomKey::from_seed(3);
  LatencyModel uniform{.kind = LatencyKind::uniform, .low_ms = 100, .high_ms = 300};
  LatencyModel log_normal{.kind = LatencyKind::log_normal, .low_ms = 800, .sigma = 0.5};
  LatencyModel recorded{.kind = LatencyKind::recorded, .recorded_ms = {5, 7}};
  double sum = 0.0;
  int above = 0;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const SimDuration drawn = uniform.draw(key, i, 0);
    EXPECT_GE(drawn, milliseconds(100));
    EXPECT_LT(drawn, milliseconds(300));
    sum += static_cast<double>(drawn.ns) / 1e6;
    above += log_normal.draw(key, i, 0) > milliseconds(800) ? 1 : 0;
    const SimDuration picked = recorded.draw(key, i, 0);
    EXPECT_TRUE(picked == milliseconds(5) || picked == milliseconds(7));
  }
  EXPECT_NEAR(sum / 4000, 200.0, 4.0);
  EXPECT_NEAR(above, 2000, 130) << "half lie above the median";
  EXPECT_EQ((LatencyModel{.low_ms = 2, .per_byte_us = 100}).draw(key, 0, 50), milliseconds(7));
}

TEST(Events, AreToldWithTheNextAnswerAndReachTheEnvironment) {
  ShopStage stage(R"("events": [{"at_ms": 100, "text": "Rain.", "every_ms": 100, "times": 3},
                                {"at_ms": 150, "name": "price", "payload": {"price": 7}}])");
  stage.say("first", milliseconds(50));
  EXPECT_EQ(stage.report.observation, "You say: first");
  stage.say("second", milliseconds(200));
  EXPECT_EQ(stage.report.observation, "Rain.\nRain.\nYou say: second");
  EXPECT_EQ(stage.report.events.size(), 3U);
  stage.call({"pay"});
  EXPECT_EQ(stage.answer()["till"], 7);
  stage.say("third", milliseconds(10'000));
  EXPECT_EQ(stage.report.observation, "Rain.\nYou say: third") << "three times, not more";
}

TEST(Faults, TimeoutHasNoEffectAndTakesItsTime) {
  ShopStage stage(fault("timeout", R"(, "target": "tool:pay", "after_ms": 2000)"));
  stage.call({"pay", "look"});
  EXPECT_EQ(stage.answer(1)["error"], "No answer came within 2000 ms.");
  EXPECT_EQ(stage.report.finished, SimTime{} + milliseconds(2000));
  EXPECT_EQ(stage.state()["till"], 0);
  EXPECT_THAT(stage.report.faults, ElementsAre("timeout"));
}

TEST(Faults, LostReplyLooksLikeATimeoutButHasItsEffect) {
  ShopStage lost(fault("lost_reply", R"(, "target": "tool:pay", "after_ms": 2000)"));
  lost.call({"pay", "look"});
  ShopStage timeout(fault("timeout", R"(, "target": "tool:pay", "after_ms": 2000)"));
  timeout.call({"pay", "look"});
  EXPECT_EQ(lost.report.answers[1].content, timeout.report.answers[1].content);
  EXPECT_EQ(lost.report.finished, timeout.report.finished);
  EXPECT_EQ(lost.state()["till"], 1);
  EXPECT_THAT(lost.report.faults, ElementsAre("lost_reply"));
}

TEST(Faults, ErrorSlowDuplicateAndPartialEffectDoWhatTheirNamesSay) {
  ShopStage error(fault("error", R"(, "message": "Try later.")"));
  error.call({"pay"});
  EXPECT_EQ(error.answer()["error"], "Try later.");
  EXPECT_EQ(error.state()["till"], 0);
  ShopStage slow(fault("slow", R"(, "delay": 700)"));
  slow.call({"pay"});
  EXPECT_EQ(slow.answer()["till"], 1);
  EXPECT_EQ(slow.report.finished, SimTime{} + milliseconds(700));
  ShopStage twice(fault("duplicate"));
  twice.call({"pay"});
  EXPECT_EQ(twice.answer()["till"], 2);
  EXPECT_EQ(twice.report.answers.size(), 1U);
  ShopStage part(fault("partial_effect"));
  part.call({"pay"});
  EXPECT_EQ(part.answer()["error"], "Service unavailable.");
  EXPECT_EQ(part.state()["till"], 0);
  EXPECT_EQ(part.state()["shelf"]["tea"], -1) << "the first effect took place";
  for (const ShopStage* stage : {&error, &slow, &twice, &part}) {
    EXPECT_EQ(stage->report.faults.size(), 1U);
  }
}

TEST(Faults, SchemaDriftRenamesKeysAndWordsAndIsEnteredOnlyWhenSomethingChanged) {
  ShopStage stage(
      fault("schema_drift", R"(, "rename": {"till": "cash_total", "hello": "goodbye"})"));
  stage.call({"pay"});
  EXPECT_EQ(stage.answer()["cash_total"], 1);
  EXPECT_FALSE(stage.answer().contains("till"));
  stage.say("hello hellos");
  EXPECT_EQ(stage.report.observation, "You say: goodbye hellos");
  stage.say("nothing");
  EXPECT_EQ(stage.report.faults.size(), 2U);
}

TEST(Faults, DroppedUserReplyIsNotSaidAndKeepsToolResults) {
  ShopStage stage(fault("dropped_user_reply"));
  stage.say("hello");
  EXPECT_EQ(stage.report.observation, "No reply.");
  stage.call({"pay"});
  EXPECT_EQ(stage.answer()["till"], 1);
  EXPECT_EQ(stage.report.faults.size(), 1U) << "nobody spoke the second time";
}

TEST(Faults, CrashIsTheEnvironmentsErrorAndHasNoReward) {
  ShopStage stage(fault("crash"));
  stage.call({"pay", "look"});
  EXPECT_TRUE(stage.world.finished());
  EXPECT_EQ(stage.report.outcome, Outcome::environment_error);
  ASSERT_TRUE(stage.report.end.has_value());
  EXPECT_FALSE(stage.report.end->reward.has_value());
  EXPECT_THAT(stage.report.faults, ElementsAre("crash"));
}

TEST(Faults, HitOnlyTheirTargetInTheirWindow) {
  ShopStage stage(
      fault("error", R"(, "target": "tool:pay", "window": {"turns": [1, 2], "ms": [0, 50]})"));
  for (int turn = 0; turn < 4; ++turn) {
    stage.call({"pay", "look"});
    const std::size_t expected = turn == 0 ? 0U : turn == 1 ? 1U : 2U;
    EXPECT_EQ(stage.report.faults.size(), expected) << turn;
  }
  ShopStage late(fault("error", R"(, "window": {"ms": [0, 50]})"));
  late.say("x", milliseconds(51));
  EXPECT_TRUE(late.report.faults.empty());
}

TEST(Faults, ComeAtTheirRateAndFromAStreamOfTheirOwn) {
  std::size_t hits = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    ShopStage stage(R"("faults": [{"kind": "error", "rate": 0.2}])", seed);
    for (int turn = 0; turn < 20; ++turn) stage.call({"put"});
    hits += stage.report.faults.size();
  }
  EXPECT_NEAR(static_cast<double>(hits), 400.0, 90.0);  // five standard deviations
  // A second rule moves no draw of the first.
  ShopStage one(R"("faults": [{"kind": "error", "rate": 0.3, "target": "tool:pay"}])");
  ShopStage two(R"("faults": [{"kind": "error", "rate": 0.3, "target": "tool:pay"},
                              {"kind": "slow", "rate": 0.5, "target": "tool:look", "delay": 3}])");
  std::vector<bool> first;
  std::vector<bool> second;
  for (int turn = 0; turn < 40; ++turn) {
    for (auto [stage, hit] : {std::pair{&one, &first}, std::pair{&two, &second}}) {
      stage->call({"look", "pay"});
      for (const Message& answer : stage->report.answers) {
        if (answer.tool_call_id.starts_with("pay")) {
          hit->push_back(answer.content.find("error") != std::string::npos);
        }
      }
    }
  }
  EXPECT_EQ(first, second);
}

TEST(Conditions, AreSavedRestoredAndForkedWithCallsInFlight) {
  const std::string more =
      R"("latency": {"action": {"kind": "uniform", "low_ms": 1, "high_ms": 90},
                     "tools": {"*": {"kind": "log_normal", "median_ms": 40, "sigma": 1}}},
         "events": [{"at_ms": 20, "every_ms": 30, "times": 50, "text": "Tick."}],
         "faults": [{"kind": "timeout", "rate": 0.2, "after_ms": 70},
                    {"kind": "duplicate", "rate": 0.2}, {"kind": "lost_reply", "rate": 0.2}])";
  ShopStage whole(more);
  std::vector<std::unique_ptr<World>> forks;
  std::vector<std::string> states;
  const auto act = [](World& world, int turn) {
    AgentReply reply;
    reply.latency = milliseconds(3 * turn);
    reply.text = "turn";
    if (turn % 3 != 0) {
      reply.tool_calls = {{"a", "put", Json::object()}, {"b", "pay", Json::object()}};
    }
    world.deliver(std::move(reply));
  };
  for (int turn = 0; turn < 12; ++turn) {
    states.push_back(whole.world.snapshot());
    forks.push_back(whole.world.fork(whole.world.options(), nullptr));
    act(whole.world, turn);
  }
  ASSERT_FALSE(whole.world.finished());
  for (int turn = 0; turn < 12; ++turn) {
    ShopStage again(more);
    ASSERT_TRUE(again.world.restore(states[static_cast<std::size_t>(turn)]));
    for (World* world : {&again.world, forks[static_cast<std::size_t>(turn)].get()}) {
      for (int next = turn; next < 12; ++next) act(*world, next);
      EXPECT_EQ(world->snapshot(), whole.world.snapshot()) << turn;
    }
  }
}

TEST(Conditions, ThatNameWhatTheEnvironmentLacksAreRefused) {
  const auto error = [](const std::string& more) { return shop_scenario(more).error().text(); };
  EXPECT_THAT(error(R"("faults": [{"kind": "timeuot", "rate": 1}])"),
              HasSubstr("Did you mean \"timeout\"?"));
  EXPECT_THAT(error(R"("faults": [{"kind": "error", "rate": 1, "target": "tool:buy"}])"),
              HasSubstr("/faults/0/target"));
  EXPECT_THAT(error(R"("faults": [{"kind": "schema_drift", "rate": 1}])"), HasSubstr("rename"));
  EXPECT_THAT(error(R"("faults": [{"kind": "error", "rate": 1.5}])"), HasSubstr("/faults/0/rate"));
  EXPECT_THAT(error(R"("latency": {"tools": {"buy": 3}})"), HasSubstr("/latency/tools/buy"));
  EXPECT_THAT(error(R"("latency": {"agent": {"kind": "uniform", "low_ms": 5, "high_ms": 1}})"),
              HasSubstr("/latency/agent/high_ms"));
  EXPECT_THAT(error(R"("events": [{"at_ms": 5, "name": "flood"}])"), HasSubstr("/events/0/name"));
  EXPECT_THAT(error(R"("events": [{"at_ms": 5}])"), HasSubstr("/events/0"));
}

TEST(Conditions, TenSimulatedHoursPassWithoutWaiting) {
  ShopStage stage(R"("latency": {"action": 30000}, "events": [
                     {"at_ms": 10000, "every_ms": 10000, "times": 1000000, "text": "."}])");
  std::size_t events = 0;
  while (stage.world.now() < SimTime{} + milliseconds(10 * 3'600'000)) {
    stage.say("think", milliseconds(30'000));
    events += stage.report.events.size();
  }
  // The last notice is due with the last effect, and comes after it.
  EXPECT_EQ(events, 3599U + 600U);
}

}  // namespace
}  // namespace turnhalle
