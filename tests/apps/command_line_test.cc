// The contract of the command line: keys of results, exit codes, and errors of one line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <initializer_list>
#include <regex>
#include <set>
#include <string>

#include "core/file.h"
#include "tests/apps/program.h"
#include "tests/json_schema.h"

namespace turnhalle {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string kEasy = "scenarios/frozen_lake_obscure_easy.json ";

void expect_keys(const Json& object, std::initializer_list<const char*> keys) {
  for (const char* key : keys) EXPECT_TRUE(object.contains(key)) << key << " in " << object;
}

void expect_bad_input(const std::string& words, const testing::Matcher<std::string>& message) {
  const ProgramResult result = turnhalle_program(words);
  EXPECT_EQ(result.code, 2) << words << "\n" << result.err;
  EXPECT_THAT(result.error(), message) << words << "\n" << result.err;
}

TEST(Run, GivesTheKeysOfTheContract) {
  const ProgramResult result =
      turnhalle_program("run " + kEasy + "--agent random --lifecycles 20 --json");
  ASSERT_EQ(result.code, 0) << result.err;
  Json json = result.json();
  expect_keys(json, {"command", "scenario", "agent", "lifecycles", "episodes", "turns", "outcomes",
                     "reward", "digest", "seconds", "turns_per_second"});
  expect_keys(json["outcomes"], {"done", "truncated", "agent_error", "environment_error",
                                 "infrastructure_error", "timeout"});
  expect_keys(json["reward"], {"mean", "low", "high", "n"});
  EXPECT_EQ(json["lifecycles"], 20);
  EXPECT_EQ(json["episodes"], 20 * 7) << "four tasks and three updates of the context";
  EXPECT_EQ(json["reward"]["n"], 20 * 4) << "the mean is over the tasks";
  EXPECT_EQ(json["digest"].get<std::string>().size(), 64U);
}

TEST(Run, HasTheSameDigestForAnyNumberOfThreads) {
  const std::string words = "run " + kEasy + "--agent random --lifecycles 300 --json --threads ";
  Json one = turnhalle_program(words + "1").json();
  Json two = turnhalle_program(words + "2").json();
  Json four = turnhalle_program(words + "4 --in-flight 7").json();
  EXPECT_EQ(one["digest"], two["digest"]);
  EXPECT_EQ(one["digest"], four["digest"]);
  Json other = turnhalle_program(words + "1 --seed 1").json();
  EXPECT_NE(one["digest"], other["digest"]) << "another seed is another run";
}

TEST(Run, GivesInfrastructureFaultsNoReward) {
  Json json = turnhalle_program("run " + kEasy +
                                      "--agent random+fault:error@1 --lifecycles 5 --json")
                        .json();
  EXPECT_EQ(json["outcomes"]["infrastructure_error"], json["episodes"]);
  EXPECT_EQ(json["reward"]["n"], 0);
  EXPECT_TRUE(json["reward"]["mean"].is_null());
}

TEST(Eval, GivesARowForEachAgentAndPosition) {
  const ProgramResult result =
      turnhalle_program("eval " + kEasy + "--agents random,expert --lifecycles 100 --json");
  ASSERT_EQ(result.code, 0) << result.err;
  Json json = result.json();
  expect_keys(json, {"rows", "outcomes", "digest"});
  ASSERT_EQ(json["rows"].size(), 2U * 5U);
  for (const Json& row : json["rows"]) {
    expect_keys(row, {"agent", "user", "position", "success", "reward"});
    expect_keys(row["success"], {"mean", "low", "high", "n"});
  }
  const Json& random = json["rows"][4];
  const Json& expert = json["rows"][9];
  EXPECT_EQ(random["position"], "all");
  EXPECT_EQ(expert["agent"], "expert");
  EXPECT_GT(expert["success"]["low"].get<double>(), random["success"]["high"].get<double>());
  expect_keys(json["outcomes"], {"random", "expert"});
}

TEST(Eval, PlaysTheSameTasksInEveryTrial) {
  const std::string words = "eval " + kEasy + "--agent expert --lifecycles 10 --json --trials ";
  Json json = turnhalle_program(words + "3").json();
  EXPECT_EQ(json["rows"][0]["success"]["n"], 30);
}

TEST(Check, ReportsEachFile) {
  const ProgramResult result =
      turnhalle_program("check scenarios/guess_number.json scenarios/recipes/grpo.json --json");
  ASSERT_EQ(result.code, 0) << result.err << result.out;
  Json json = result.json();
  ASSERT_EQ(json["files"].size(), 2U);
  EXPECT_EQ(json["files"][0]["kind"], "scenario");
  EXPECT_EQ(json["files"][1]["kind"], "recipe");
  expect_keys(json["files"][0], {"file", "kind", "errors", "warnings"});
}

TEST(List, NamesWhatThereIs) {
  for (const char* what : {"environments", "agents", "recipes"}) {
    Json json = turnhalle_program(std::string("list ") + what + " --json").json();
    ASSERT_GT(json["items"].size(), 1U) << what;
    expect_keys(json["items"][0], {"name", "summary"});
  }
}

// Names as they stand in the sources that write them; of a name that is put together, its head.
std::set<std::string> metrics_in_sources() {
  std::set<std::string> names;
  const auto scan = [&](const std::string& file, const std::string& pattern,
                        const std::string& prefix) {
    const Result<std::string> text =
        read_file(std::string(TURNHALLE_SOURCE_DIR "/trainers/") + file);
    EXPECT_TRUE(text.ok()) << file;
    const std::regex expression(pattern);
    for (std::sregex_iterator at(text->begin(), text->end(), expression), end; at != end; ++at) {
      names.insert(prefix + (*at)[1].str());
    }
  };
  const std::string groups = "(actor|critic|training|timing_s|perf|response_length|num_turns)";
  for (const char* file : {"imitation.cc", "reinforcement.cc", "trainer.cc"}) {
    scan(file, "\"(" + groups + "/[a-z_/]*[a-z])\"", "");
  }
  scan("algo/compute_advantages.cc", "metrics\\[\"([a-z_]+)\"\\]", "algo/");
  return names;
}

TEST(List, NamesEveryMetricThatTheTrainerWrites) {
  std::set<std::string> listed;
  Json json = turnhalle_program("list metrics --json").json();
  for (const Json& item : json["items"]) {
    listed.insert(item["name"].get<std::string>());
    EXPECT_FALSE(item["summary"].get<std::string>().empty()) << item;
  }
  const std::set<std::string> written = metrics_in_sources();
  ASSERT_GT(written.size(), 25U);
  for (const std::string& name : written) EXPECT_TRUE(listed.contains(name)) << name;
  EXPECT_THAT(turnhalle_program("list metrics").out, HasSubstr("(TRL: reward)"));
}

TEST(List, NamesTheUsersAndWhichAreHeldOut) {
  Json json = turnhalle_program("list users --json").json();
  EXPECT_GE(json["items"].size(), 12U);
  EXPECT_THAT(turnhalle_program("list users").out,
              AllOf(HasSubstr("reserved"), HasSubstr("(held out from training)")));
}

TEST(Bench, GivesRowsWithTheKeysOfTheContract) {
  const std::string guess = " --scenario scenarios/guess_number.json --lifecycles 20 --runs 1";
  for (const std::string& words : {"bench store" + guess, "bench simulator" + guess,
                                   std::string("bench kernels --runs 1")}) {
    const ProgramResult result = turnhalle_program(words + " --json");
    ASSERT_EQ(result.code, 0) << words << "\n" << result.err;
    Json json = result.json();
    expect_keys(json["machine"], {"processor", "cores", "system"});
    ASSERT_GT(json["rows"].size(), 1U) << words;
    for (const Json& row : json["rows"]) {
      expect_keys(row, {"name", "unit", "median", "low", "high", "runs", "command"});
      EXPECT_GT(row["median"].get<double>(), 0.0) << row;
    }
  }
  EXPECT_THAT(turnhalle_program("bench store" + guess + " --csv").out,
              testing::StartsWith("name,unit,median,low,high,runs,command\n"));
}

TEST(Schema, IsJsonSchemaOrSql) {
  for (const char* what : {"scenario", "recipe", "experiment", "user"}) {
    Json schema = turnhalle_program(std::string("schema ") + what).json();
    EXPECT_EQ(schema["$schema"], "https://json-schema.org/draft/2020-12/schema") << what;
  }
  EXPECT_THAT(turnhalle_program("schema store").out, HasSubstr("CREATE TABLE"));
}

TEST(Schema, FitsEveryFileOfTheRepository) {
  for (const auto& [kind, folder] : {std::pair("scenario", "scenarios"),
                                     std::pair("recipe", "scenarios/recipes"),
                                     std::pair("user", "scenarios/users"),
                                     std::pair("experiment", "scenarios/experiments")}) {
    const Json schema = turnhalle_program(std::string("schema ") + kind).json();
    std::size_t files = 0;
    for (const auto& file :
         std::filesystem::directory_iterator(std::string(TURNHALLE_SOURCE_DIR "/") + folder)) {
      if (file.path().extension() != ".json") continue;
      const Result<JsonDocument> document = read_json(file.path().string());
      ASSERT_TRUE(document.ok()) << document.error().text();
      EXPECT_THAT(schema_errors(schema, document->root), testing::IsEmpty()) << file.path();
      ++files;
    }
    EXPECT_GT(files, 1U) << folder;
  }
}

TEST(Inspect, ComputesLeaveOneOutAdvantages) {
  const ScratchFolder scratch;
  const std::string batch = scratch.write(
      "batch.json",
      R"({"group": ["p", "p"], "reward": [1.0, 0.0], "turn": [[0], [0]], "mask": [[1], [1]]})");
  const ProgramResult result = turnhalle_program(
      R"(inspect advantages --recipe '{"advantage":"rloo"}' --json --batch )" + batch);
  ASSERT_EQ(result.code, 0) << result.err;
  expect_keys(result.json(), {"advantage", "per_turn", "per_rollout", "groups", "warnings"});
  EXPECT_EQ(result.json()["per_rollout"], Json({1.0, -1.0}));
}

TEST(Help, IsThereForEveryCommand) {
  for (const char* command :
       {"", "run", "eval", "replay", "check", "inspect store", "inspect loss", "export",
        "bench simulator", "bench store", "bench kernels", "bench policy", "golden", "list",
        "schema"}) {
    const ProgramResult result = turnhalle_program(std::string(command) + " --help");
    EXPECT_EQ(result.code, 0) << command;
    EXPECT_THAT(result.out, HasSubstr("Usage: turnhalle")) << command;
    EXPECT_EQ(result.err, "") << command;
  }
  EXPECT_THAT(turnhalle_program("--version").out, HasSubstr("turnhalle "));
}

TEST(BadUsage, SuggestsTheNearestName) {
  expect_bad_input("evl", HasSubstr("Did you mean \"eval\"?"));
  expect_bad_input("run " + kEasy + "--agnt random", HasSubstr("Did you mean \"--agent\"?"));
  expect_bad_input("run " + kEasy + "--agent randm", HasSubstr("Did you mean \"random\"?"));
  expect_bad_input("inspect stor x", HasSubstr("Did you mean \"store\"?"));
  expect_bad_input("list recipe", HasSubstr("Did you mean \"recipes\"?"));
  expect_bad_input("golden --update guess_nmber", HasSubstr("Did you mean \"guess_number"));
}

TEST(BadUsage, SaysWhatWasExpectedAndFound) {
  expect_bad_input("run " + kEasy, AllOf(HasSubstr("expected --agent"), HasSubstr("nothing")));
  expect_bad_input("run", HasSubstr("expected --agent"));
  expect_bad_input("run --agent random", HasSubstr("expected SCENARIO"));
  expect_bad_input("run " + kEasy + "--agent random --lifecycles 0",
                   HasSubstr("--lifecycles: expected an integer from 1 to"));
  expect_bad_input("run " + kEasy + "--agent random --seed 1 --seed 2", HasSubstr("one value"));
  expect_bad_input("run " + kEasy + "--agent random --seed", HasSubstr("a value after --seed"));
  expect_bad_input("run " + kEasy + "more --agent random", HasSubstr("found \"more\""));
  expect_bad_input("run " + kEasy + "--agent random --user eve", HasSubstr("no user"));
  expect_bad_input("run " + kEasy + "--agent random --resume", HasSubstr("--store"));
  expect_bad_input("eval " + kEasy + "--agents random,random", HasSubstr("twice"));
}

struct BadScenario {
  std::string text;
  std::string expected;
};

class BadFile : public testing::TestWithParam<BadScenario> {};

TEST_P(BadFile, IsOneLineWithPlaceAndExpectation) {
  const ScratchFolder scratch;
  const std::string file = scratch.write("bad.json", GetParam().text);
  const ScratchFolder output;
  const ProgramResult result = turnhalle_program("run " + file + " --agent random --store " +
                                                 output.file("store.sqlite"));
  EXPECT_EQ(result.code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.error(), HasSubstr(file + ":")) << result.err;
  EXPECT_THAT(result.error(), HasSubstr(GetParam().expected)) << result.err;
  EXPECT_TRUE(output.empty()) << "with exit code 2 nothing is written";
}

INSTANTIATE_TEST_SUITE_P(
    Scenarios, BadFile,
    testing::Values(
        BadScenario{"hello", "expected"},
        BadScenario{"{\"kind\": \"scenario\",\n \"kind\": \"scenario\"}", ":2:2"},
        BadScenario{"{\"kind\":\"scenario\",\"version\":1,\"environment\":\"guess_number\",\n"
                    "\"lifecycles\":{}}",
                    "Did you mean \"lifecycle\"?"},
        BadScenario{"{\"kind\":\"scenario\",\"version\":1,\"environment\":\"guess_number\",\n"
                    "\"lifecycle\":{\"tasks\":\"four\"}}",
                    ":2:22 /lifecycle/tasks: expected an integer"},
        BadScenario{"{\"kind\":\"scenario\",\"version\":1,\"environment\":\"guess_number\",\n"
                    "\"lifecycle\":{\"tasks\":0}}",
                    ":2:22 /lifecycle/tasks: expected"},
        BadScenario{"{\"kind\":\"scenario\",\"version\":1,\"environment\":\"guess_numbr\"}",
                    "Did you mean \"guess_number\"?"}));

TEST(BadFile, ThatIsMissingIsNamedWithTheNearestOne) {
  expect_bad_input("run scenarios/frozen_lake_obscure_esy.json --agent random",
                   HasSubstr("frozen_lake_obscure_easy.json"));
}

TEST(BadFile, RecipeThatContradictsItselfIsRefused) {
  const ScratchFolder scratch;
  const std::string recipe = scratch.write(
      "bad.json", R"({"kind": "recipe", "version": 1, "advantage": "rloo", "surprise": 1})");
  expect_bad_input("check " + recipe, AllOf(HasSubstr(recipe + ":1:"), HasSubstr("surprise")));
}

TEST(BadFile, IsInTheReportOfCheckToo) {
  const ProgramResult result =
      turnhalle_program("check no_such_file.json scenarios/recipes/grpo.json --json");
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.error(), "");
  EXPECT_EQ(result.json()["files"][0]["errors"].size(), 1U);
  EXPECT_TRUE(result.json()["files"][1]["errors"].empty());
}

}  // namespace
}  // namespace turnhalle
