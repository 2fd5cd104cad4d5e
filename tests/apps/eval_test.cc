// turnhalle eval: agents over repeated trials of the same tasks, by the program as it is built.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "tests/apps/program.h"

namespace turnhalle {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

const std::string kGuess = "eval scenarios/guess_number.json ";

Json row_of(const Json& result, const std::string& agent) {
  for (const Json& row : result["rows"]) {
    if (row["agent"] == agent && row["position"] == "all") return row;
  }
  ADD_FAILURE() << "no row of " << agent;
  return Json::object();
}

// What an evaluation found, without what depends on the machine.
Json findings(const ProgramResult& result) {
  const Json json = result.json();
  EXPECT_EQ(result.code, 0) << result.err;
  return {{"rows", json["rows"]},
          {"ranking", json["ranking"]},
          {"outcomes", json["outcomes"]},
          {"digest", json["digest"]}};
}

TEST(EvalColumns, FollowFromTheTrials) {
  const ProgramResult result =
      turnhalle_program(kGuess + "--agents random,expert --lifecycles 200 --trials 3 --json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json json = result.json();
  const Json random = row_of(json, "random"), expert = row_of(json, "expert");
  // One trial is enough for pass^1, which is the success where every task has all its trials.
  EXPECT_NEAR(random["pass_1"]["mean"].get<double>(), random["success"]["mean"].get<double>(),
              1e-9);
  EXPECT_GT(random["pass_1"]["mean"], random["pass_2"]["mean"]);
  EXPECT_GT(random["pass_2"]["mean"], random["pass_3"]["mean"]);
  EXPECT_FALSE(random.contains("pass_4"));
  // The expert does the same in every trial.
  EXPECT_EQ(expert["pass_1"]["mean"], expert["pass_3"]["mean"]);
  EXPECT_EQ(expert["trial_spread"]["mean"], 0.0);
  EXPECT_GT(random["trial_spread"]["mean"], 0.1);
  EXPECT_EQ(random["cvar_10"]["mean"], 0.0);
  EXPECT_LE(random["cvar_10"]["mean"], random["cvar_25"]["mean"]);
  EXPECT_EQ(random["turns"]["mean"], random["turns_per_episode"]);
  EXPECT_EQ(random["tokens"]["n"], 0);
  EXPECT_EQ(random["agent_seconds"]["mean"], 0.0);
  EXPECT_EQ(json["ranking"]["order"], (Json{"expert", "random"}));
  EXPECT_EQ(json["ranking"]["best_stays"], 1.0);
}

TEST(EvalColumns, TellFaultsOfTheSimulatorFromThoseOfTheAgent) {
  const ProgramResult result = turnhalle_program(
      kGuess + "--agents expert+fault:error@0.2,spam,expert+delay:2s --lifecycles 100 --json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json json = result.json();
  const Json broken = row_of(json, "expert+fault:error@0.2");
  EXPECT_GT(broken["simulator_faults"]["mean"], 0.1);
  EXPECT_EQ(broken["agent_faults"]["mean"], 0.0);
  EXPECT_GT(broken["success"]["mean"], 0.6);  // without the broken episodes
  EXPECT_EQ(row_of(json, "spam")["agent_faults"]["mean"], 1.0);
  EXPECT_EQ(row_of(json, "spam")["simulator_faults"]["mean"], 0.0);
  const Json slow = row_of(json, "expert+delay:2s");
  EXPECT_NEAR(slow["agent_seconds"]["mean"].get<double>(),
              2.0 * slow["turns"]["mean"].get<double>(), 1e-6);
}

TEST(EvalColumns, AreTheSameForAnyNumberOfThreads) {
  const std::string words =
      "eval scenarios/frozen_lake_obscure_easy.json --agents random,expert --lifecycles 60 "
      "--trials 2 --json --threads ";
  EXPECT_EQ(findings(turnhalle_program(words + "1")), findings(turnhalle_program(words + "3")));
}

TEST(EvalColumns, AreTheSameWhenAnEvaluationGoesOnAfterAStop) {
  const ScratchFolder scratch;
  const std::string slow = scratch.write(
      "agent.sh", "while read -r line; do sleep 0.1; echo '{\"content\": \"5\"}'; done\n");
  const std::string words = kGuess + "--agents 'random,exec:sh " + slow +
                            "@concurrency=2' --lifecycles 12 --trials 2 --json ";
  const Json whole = findings(turnhalle_program(words));
  const std::string store = "--store " + scratch.file("a.sqlite");
  const ProgramResult stopped =
      turnhalle_program(words + store, "timeout --signal=INT --kill-after=60 1.5 ");
  EXPECT_EQ(stopped.code, 124) << stopped.err;
  EXPECT_EQ(findings(turnhalle_program(words + store + " --resume")), whole);
}

TEST(EvalColumns, TakeACommaAfterABackslashAsPartOfAnAgent) {
  const ScratchFolder scratch;
  const std::string program = scratch.write(
      "agent.sh", "while read -r line; do echo \"{\\\"content\\\": \\\"$1\\\"}\"; done\n");
  const Json found = turnhalle_program(kGuess + "--agents 'random,exec:sh " + program +
                                       " 1\\,2' --lifecycles 2 --json").json();
  std::set<std::string> agents;
  for (const Json& row : found["rows"]) agents.insert(row["agent"]);
  EXPECT_THAT(agents, UnorderedElementsAre("random", "exec:sh " + program + " 1,2"));
}

TEST(EvalColumns, ArePrintedAndShownOnThePage) {
  const ScratchFolder scratch;
  const std::string page = scratch.file("page.html");
  const ProgramResult result = turnhalle_program(
      kGuess + "--agents random,expert --lifecycles 50 --trials 2 --html " + page);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("pass_2"), HasSubstr("cvar_10"),
                                HasSubstr("simulator_faults"), HasSubstr("trial_spread"),
                                HasSubstr("By reward: expert, random")));
  EXPECT_EQ(result.out.find("tokens"), std::string::npos);  // nobody keeps a ledger
  std::ifstream file(page);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_THAT(text, AllOf(HasSubstr("\"measures\""), HasSubstr("\"pass_2\""),
                          HasSubstr("stays first in resamples")));
}

TEST(EvalColumns, OfOneAgentHaveNoRanking) {
  const Json json = turnhalle_program(kGuess + "--agent random --lifecycles 5 --json").json();
  EXPECT_TRUE(json["ranking"].is_null());
}

}  // namespace
}  // namespace turnhalle
