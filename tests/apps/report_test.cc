// turnhalle report: a run's folder as one page.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "core/store.h"
#include "tests/apps/program.h"

namespace turnhalle {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kScore = R"({"mean":0.5,"low":0.4,"high":0.6,"n":20})";

std::string scores() {
  return R"({"position":0,"success":)" + std::string(kScore) + R"(,"reward":)" + kScore + "}";
}

// A lifecycle of one task and one update, in the words given.
void record_words(const std::string& path, const std::string& reply,
                  const std::string& run = "eval-2") {
  RunInfo info;
  info.id = run;
  info.command = "eval";
  info.scenario = Json::object();
  info.lifecycles = 1;
  auto store = Store::create(path, info);
  ASSERT_TRUE(store.ok()) << store.error().text();
  auto recorder = (*store)->recorder(LifecycleIndex{0});
  for (std::int64_t episode = 0; episode < 2; ++episode) {
    EpisodeStart start;
    start.kind = episode == 0 ? EpisodeKind::solve : EpisodeKind::update_context;
    start.messages = {{Role::user, "Map 2x2 holes:(0,1) goal(1,1) you are at(0,0)", {}, ""}};
    start.context = "nothing known";
    recorder->episode_started(episode, start);
    const AgentReply said{reply, {}, {}, ReplyFailure::none, "", nullptr};
    StepResult result;
    result.outcome = Outcome::done;
    result.reward = 1.0;
    recorder->turn_played({episode, 0, said, result, {}, {}, {}, {}});
    recorder->episode_ended(episode, {Outcome::done, 1.0, true, {}, "over"});
  }
  recorder->lifecycle_ended();
  recorder.reset();
  const Status closed = (*store)->close();
  ASSERT_TRUE(closed.ok()) << closed.error().text();
}

void write_run_files(const ScratchFolder& scratch, const std::string& summary) {
  scratch.write("experiment.json",
                R"({"scenario":"a/lake.json","summary":")" + summary +
                    R"(","warm_start":{"steps":2},"reinforcement":{"steps":3}})");
  scratch.write("evaluations.json",
                R"([{"step":2,"lifecycles":20,"positions":[)" + scores() + "]}]");
  scratch.write("metrics.jsonl",
                "{\"step\":1,\"phase\":\"imitate\",\"actor/sft_loss\":2.5}\n"
                "{\"step\":2,\"phase\":\"imitate\",\"actor/sft_loss\":1.5}\n"
                "{\"step\":3,\"phase\":\"rein");
}

std::string page_of(const ScratchFolder& scratch, const std::string& name = "report.html") {
  std::ifstream in(scratch.file(name), std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Json data_of(const std::string& page) {
  const std::string open = "<script type=\"application/json\" id=\"data\">";
  const std::size_t begin = page.find(open) + open.size();
  return Json::parse(page.substr(begin, page.find("</script>", begin) - begin), nullptr, false);
}

TEST(Report, ShowsWhatTheRunsFilesSay) {
  const ScratchFolder scratch;
  write_run_files(scratch, "short");
  record_words(scratch.file("store.sqlite"), "my reply");
  const std::string policy = "policy:x/step_000005/hf@temperature=0@new_tokens=24";
  const std::string rows = scratch.write(
      "rows.json", R"({"rows":[{"agent":"random","user":null,)" + scores().substr(1) +
                       R"(,{"agent":")" + policy + R"(","user":null,)" +
                       scores().substr(1) + "]}");
  const ProgramResult result =
      turnhalle_program("report " + scratch.file("") + " --json --rows " + rows);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.json()["notes"], Json::object());
  const Json data = data_of(page_of(scratch));
  EXPECT_EQ(data["title"], "lake");
  EXPECT_EQ(data["curves"]["actor/sft_loss"], Json::parse("[[1.0,2.5],[2.0,1.5]]"));
  EXPECT_EQ(data["evaluations"][0]["positions"][0]["reward"]["mean"], 0.5);
  ASSERT_EQ(data["agents"].size(), 2U);
  EXPECT_EQ(data["agents"][0]["agent"], "random");
  EXPECT_EQ(data["agents"][1]["agent"], "trained, temperature 0");
  EXPECT_EQ(data["recordings"][0]["label"], "warm start");
  const Json& episodes = data["recordings"][0]["lifecycles"][0]["episodes"];
  ASSERT_EQ(episodes.size(), 2U);
  EXPECT_EQ(episodes[0]["context"], "nothing known");
  EXPECT_EQ(episodes[1]["turns"][0]["reply"], "my reply");
}

TEST(Report, LetsNoTextOfTheRunBecomeMarkup) {
  const ScratchFolder scratch;
  write_run_files(scratch, "</script><b>bold");
  record_words(scratch.file("store.sqlite"), "<!--<script>{{page_js}}");
  ASSERT_EQ(turnhalle_program("report " + scratch.file("")).code, 0);
  const std::string page = page_of(scratch);
  EXPECT_THAT(page, Not(HasSubstr("<b>bold")));
  EXPECT_THAT(page, Not(HasSubstr("<!--<script>")));
  const Json data = data_of(page);
  EXPECT_EQ(data["summary"], "</script><b>bold");
  EXPECT_THAT(page, Not(HasSubstr("<link")));
  EXPECT_THAT(page, Not(HasSubstr(" src=")));
}

TEST(Report, NotesWhatIsMissing) {
  const ScratchFolder scratch;
  scratch.write("metrics.jsonl", "{\"step\":1,\"phase\":\"imitate\"}\n");
  const ProgramResult result = turnhalle_program("report " + scratch.file("") + " --json");
  ASSERT_EQ(result.code, 0) << result.err;
  for (const char* section : {"experiment", "evaluations", "agents", "recordings"}) {
    EXPECT_TRUE(result.json()["notes"].contains(section)) << section;
  }
}

TEST(Replay, TellsWhyTheTurnsOfATrainingRolloutCounted) {
  const ScratchFolder scratch;
  record_words(scratch.file("store.sqlite"), "my reply", "rollout-5-1");
  scratch.write("credit.jsonl",
                "{\"step\":5,\"rollout\":1,\"episode\":1,\"turn\":0,\"advantage\":0.31,"
                "\"information_gain\":0.52,\"logp\":-1.1,\"logp_masked\":-1.62,"
                "\"format\":\"good\"}\n"
                "{\"step\":5,\"rollout\":0,\"episode\":0,\"turn\":0,\"advantage\":7}\n"
                "{\"step\":5,\"rollout\"");  // a training is writing it
  const ProgramResult shown = turnhalle_program("replay " + scratch.file("store.sqlite"));
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("advantage 0.310, information gain 0.520 "
                                   "(log-prob -1.100, masked -1.620), format good"));
  EXPECT_THAT(shown.out, Not(HasSubstr("advantage 7")));
}

TEST(EvalPage, ShowsTheRowsAndTheFirstLifecyclesOfEachAgent) {
  const ScratchFolder scratch;
  const ProgramResult result = turnhalle_program(
      "eval scenarios/frozen_lake_obscure_easy_compact.json --agents random,expert --lifecycles 20 "
      "--trials 2 --json --html " + scratch.file("page.html"));
  ASSERT_EQ(result.code, 0) << result.err;
  const std::string page = page_of(scratch, "page.html");
  EXPECT_THAT(page, Not(HasSubstr("<link")));
  EXPECT_THAT(page, Not(HasSubstr(" src=")));
  const Json data = data_of(page);
  EXPECT_EQ(data["kind"], "eval");
  EXPECT_EQ(data["title"], "frozen_lake_obscure_easy_compact");
  ASSERT_EQ(data["agents"].size(), 2U);
  const Json rows = result.json()["rows"];
  EXPECT_EQ(data["agents"][1]["rows"][4]["reward"], rows[9]["reward"]);
  ASSERT_EQ(data["recordings"].size(), 2U);
  EXPECT_EQ(data["recordings"][1]["label"], "expert");
  ASSERT_EQ(data["recordings"][1]["lifecycles"].size(), 12U);
  const Json& episodes = data["recordings"][1]["lifecycles"][0]["episodes"];
  EXPECT_EQ(episodes.size(), 7U) << "four tasks and three updates of the context";
  EXPECT_THAT(episodes[0]["turns"][0]["reply"].get<std::string>(), HasSubstr("<answer>"));
}

TEST(EvalPage, ThatCannotBeWrittenIsRefusedBeforeAnythingIsPlayed) {
  const ScratchFolder scratch;
  const ProgramResult result = turnhalle_program(
      "eval scenarios/guess_number.json --agent random --lifecycles 1000000 --store " +
      scratch.file("store.sqlite") + " --html " + scratch.file("no/such/page.html"));
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.error(), HasSubstr("page.html"));
  EXPECT_TRUE(scratch.empty());
}

TEST(Report, RefusesBadInputWithOneLine) {
  const ScratchFolder scratch;
  EXPECT_EQ(turnhalle_program("report " + scratch.file("none")).code, 2);
  EXPECT_EQ(turnhalle_program("report " + scratch.file("")).code, 2);
  write_run_files(scratch, "short");
  scratch.write("evaluations.json", R"([{"step":2,"lifecycles":20,"positions":[{}]}])");
  const ProgramResult result = turnhalle_program("report " + scratch.file(""));
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.error(), HasSubstr("evaluations.json:1:"));
  EXPECT_THAT(result.error(), HasSubstr("/0/positions/0"));
  EXPECT_TRUE(page_of(scratch).empty());
}

}  // namespace
}  // namespace turnhalle
