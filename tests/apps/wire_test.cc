// Agents over the wire, by the program as it is built: what it plays is replayed without them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "core/sqlite.h"
#include "tests/agents/wire/test_endpoint.h"
#include "tests/apps/program.h"

namespace turnhalle {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kScenario = "scenarios/guess_number.json ";

std::string agent_on(const TestEndpoint& endpoint, const std::string& options = "") {
  return "--agent '" + ("openai:" + endpoint.base()) + "#m" + options + "' ";
}

TEST(OpenAiRun, IsRecordedAndReplayedWithoutTheEndpoint) {
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  std::string digest;
  {
    auto endpoint = std::make_unique<TestEndpoint>(
        [](std::int64_t request) { return request % 7 == 3 ? Conduct::busy : Conduct::good; },
        [](const Json& request) {
          const auto seed = request["seed"].get<std::int64_t>();
          return TestEndpoint::says(std::to_string(1 + seed % 9))(request);
        });
    const ProgramResult run =
        turnhalle_program("run " + kScenario + agent_on(*endpoint, "@timeout=20") +
                          "--lifecycles 10 --threads 2 --json --store " + store);
    ASSERT_EQ(run.code, 0) << run.err;
    const Json result = run.json();
    EXPECT_EQ(result["episodes"], 10);
    EXPECT_EQ(result["outcomes"]["infrastructure_error"], 0);
    EXPECT_EQ(result["deterministic"], false);
    EXPECT_EQ(result["agent_usage"]["turns"], result["turns"]);
    EXPECT_GT(result["agent_usage"]["tries"], result["turns"]);
    EXPECT_EQ(result["agent_usage"]["prompt_tokens"],
              11 * result["turns"].get<std::int64_t>());
    digest = result["digest"];
  }
  const ProgramResult replayed = turnhalle_program("replay " + store + " --verify --json");
  EXPECT_EQ(replayed.code, 0) << replayed.err;
  EXPECT_EQ(replayed.json()["mismatches"], 0);
  EXPECT_EQ(replayed.json()["lifecycles"], 10);
  const ProgramResult again = turnhalle_program("run " + kScenario + "--agent replay:" + store +
                                                " --lifecycles 10 --json");
  EXPECT_EQ(again.json()["digest"], digest);
}

TEST(OpenAiRun, RecordsItsUsageWithTheLifecycles) {
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  const TestEndpoint endpoint(Conduct::good);
  const ProgramResult run = turnhalle_program("run " + kScenario + agent_on(endpoint) +
                                              "--lifecycles 3 --json --store " + store);
  ASSERT_EQ(run.code, 0) << run.err;
  auto database = SqliteDatabase::open(store, SqliteDatabase::Mode::read);
  ASSERT_TRUE(database.ok());
  const auto sum = [&](const std::string& what) {
    return database->integer("SELECT CAST(" + what + " AS INTEGER) FROM metrics "
                             "WHERE name = 'agent/prompt_tokens'").value();
  };
  EXPECT_EQ(sum("count(*)"), 3);
  EXPECT_EQ(sum("sum(value)"), 11 * run.json()["turns"].get<std::int64_t>());
}

TEST(OpenAiRun, WithoutAnEndpointHasDefinedOutcomesAndAClearMessage) {
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  const std::string agent = "--agent 'openai:http://127.0.0.1:1/v1#m@retries=0' ";
  const ProgramResult run = turnhalle_program("run " + kScenario + agent +
                                              "--lifecycles 4 --json --store " + store);
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.json()["outcomes"]["infrastructure_error"], 4);
  EXPECT_EQ(run.json()["reward"]["n"], 0);
  EXPECT_THAT(run.json()["agent_usage"]["first_failure"].get<std::string>(),
              AllOf(HasSubstr("http://127.0.0.1:1/v1/chat/completions"), HasSubstr("refused")));
  EXPECT_EQ(turnhalle_program("replay " + store + " --verify --json").json()["mismatches"], 0);
  const ProgramResult shown = turnhalle_program("run " + kScenario + agent + "--lifecycles 4");
  EXPECT_THAT(shown.out, HasSubstr("4 turns without a reply; the first: The endpoint"));
}

TEST(OpenAiRun, NeverRecordsOrPrintsTheKey) {
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  for (const Conduct conduct : {Conduct::unauthorised, Conduct::good}) {
    std::filesystem::remove(store);
    const TestEndpoint endpoint(conduct);
    const ProgramResult run = turnhalle_program(
        "run " + kScenario + agent_on(endpoint, "@key_env=TURNHALLE_TEST_KEY") +
            "--lifecycles 2 --store " + store,
        "TURNHALLE_TEST_KEY=sk-secret-1234 ");
    EXPECT_EQ(run.code, 0) << run.err;
    EXPECT_EQ(endpoint.requests().at(0).headers.at("authorization"), "Bearer sk-secret-1234");
    std::ifstream file(store, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    EXPECT_GT(bytes.size(), 1000U);
    for (const std::string& text : {bytes, run.out, run.err}) {
      EXPECT_EQ(text.find("sk-secret"), std::string::npos);
    }
  }
}

TEST(WireNames, ThatAreWrongAreRefusedWithOneLine) {
  const ScratchFolder scratch;
  const auto refused = [&](const std::string& agent, const std::string& words) {
    const ProgramResult run = turnhalle_program("run " + kScenario + "--agent '" + agent +
                                                "' --store " + scratch.file("a.sqlite"));
    EXPECT_EQ(run.code, 2) << agent << run.err;
    EXPECT_THAT(run.error(), HasSubstr(words)) << agent << "\n" << run.err;
  };
  refused("openai:http://127.0.0.1:1/v1", "expected openai:URL#MODEL");
  refused("openai:127.0.0.1:1#m", "expected a URL http://HOST:PORT/PATH");
  refused("openai:http://h#m@temprature=1", "Did you mean \"temperature\"?");
  refused("openai:http://h#m@key_env=NO_SUCH_VARIABLE", "expected key_env, the name");
  refused("exec:", "expected exec:COMMAND");
  refused("exec:cat@timeout=soon", "expected timeout, a number from 0.001 to 86400");
  EXPECT_TRUE(scratch.empty());
}

TEST(WireNames, AreListed) {
  const ProgramResult listed = turnhalle_program("list agents");
  EXPECT_THAT(listed.out, AllOf(HasSubstr("openai:URL#MODEL"), HasSubstr("exec:COMMAND")));
}

TEST(ExecRun, IsRecordedAndReplayedWithoutTheProgram) {
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  const std::string program =
      scratch.write("agent.sh", "while read -r line; do echo '{\"content\": \"5\"}'; done\n");
  const ProgramResult run =
      turnhalle_program("run " + kScenario + "--agent 'exec:sh " + program +
                        "@concurrency=2' --lifecycles 5 --json --store " + store);
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.json()["outcomes"]["infrastructure_error"], 0);
  std::filesystem::remove(program);
  EXPECT_EQ(turnhalle_program("replay " + store + " --verify --json").json()["mismatches"], 0);
}

TEST(Eval, ShowsWhatAgentsOverTheWireTook) {
  const TestEndpoint endpoint(Conduct::good);
  const std::string agent = "openai:" + endpoint.base() + "#m@price_in=1000000";
  const ProgramResult result = turnhalle_program(
      "eval " + kScenario + "--agents 'random," + agent + "' --lifecycles 3 --trials 2 --json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json usage = result.json()["agent_usage"];
  EXPECT_EQ(usage.size(), 1U);
  EXPECT_GT(usage[agent]["turns"], 5);
  EXPECT_EQ(usage[agent]["cost"], 11.0 * usage[agent]["turns"].get<double>());
}

// The turn in flight is dropped at once, however long the endpoint would take.
TEST(OpenAiRun, StopsWithASignalWhileItWaits) {
  const ScratchFolder scratch;
  const TestEndpoint endpoint(Conduct::never);
  const std::string store = scratch.file("a.sqlite");
  const ProgramResult run =
      turnhalle_program("run " + kScenario + agent_on(endpoint, "@timeout=600") +
                            "--lifecycles 3 --store " + store,
                        "timeout --signal=INT --kill-after=60 3 ");
  EXPECT_EQ(run.code, 124) << run.err;  // of timeout: the program ended by itself after SIGINT
  EXPECT_THAT(run.err, HasSubstr("--resume"));
  EXPECT_EQ(turnhalle_program("inspect store " + store).code, 0);
}

}  // namespace
}  // namespace turnhalle
