// turnhalle compare: runs beside each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/apps/program.h"

namespace turnhalle {
namespace {

using testing::HasSubstr;

Json score(const Json& position, double reward) {
  const auto interval = [](double mean) {
    return Json{{"mean", mean}, {"low", mean - 0.1}, {"high", mean + 0.1}, {"n", 20}};
  };
  return {{"position", position}, {"success", interval(reward)}, {"reward", interval(reward)}};
}

// A run with a warm start of two steps whose last evaluation is after `last` steps more.
std::string scored_run(const ScratchFolder& scratch, const std::string& name, int seed,
                       const std::string& recipe, double reward, int last = 4) {
  std::filesystem::create_directories(scratch.file(name));
  const Json experiment = {{"scenario", "a/lake.json"},
                           {"seed", seed},
                           {"warm_start", {{"steps", 2}}},
                           {"reinforcement", {{"steps", 4}, {"recipe", recipe}}}};
  Json evaluations = Json::array();
  for (const int step : {0, last}) {
    const double first = step == 0 ? 0.1 : reward;
    evaluations.push_back({{"step", step + 2},
                           {"lifecycles", 20},
                           {"positions", {score(0, first), score("all", reward)}}});
  }
  std::ofstream(scratch.file(name) + "/experiment.json") << experiment.dump();
  std::ofstream(scratch.file(name) + "/evaluations.json") << evaluations.dump();
  return scratch.file(name);
}

TEST(Compare, PutsSeedsTogetherAndTellsGroupsByWhatDiffers) {
  const ScratchFolder scratch;
  const std::string runs =
      scored_run(scratch, "a", 1, "grpo", 0.3) + " " + scored_run(scratch, "b", 2, "grpo", 0.5) +
      " " + scored_run(scratch, "c", 1, "infopo", 0.6) + " " +
      scored_run(scratch, "d", 2, "infopo", 0.8);
  const ProgramResult result = turnhalle_program("compare --json " + runs);
  ASSERT_EQ(result.code, 0) << result.err;
  const Json found = result.json();
  ASSERT_EQ(found["groups"].size(), 2U);
  EXPECT_EQ(found["groups"][0]["name"], "grpo");
  EXPECT_EQ(found["groups"][1]["name"], "infopo");
  EXPECT_EQ(found["groups"][1]["seeds"], (Json{1, 2}));
  const Json& last = found["rows"].back();
  EXPECT_EQ(last["position"], "all");
  EXPECT_EQ(last["step"], 4);
  EXPECT_NEAR(last["reward"]["mean"].get<double>(), 0.7, 1e-12);
  EXPECT_NEAR(last["difference"]["mean"].get<double>(), 0.3, 1e-12);
  // Both groups have a standard error of 0.1: Welch's interval has 2 degrees of freedom.
  EXPECT_NEAR(last["difference"]["high"].get<double>(), 0.3 + 4.302653 * std::sqrt(0.02), 1e-5);
  EXPECT_TRUE(found["rows"][0]["difference"].is_null());
}

TEST(Compare, OfOneRunShowsTheIntervalOfItsEvaluation) {
  const ScratchFolder scratch;
  const ProgramResult result =
      turnhalle_program("compare " + scored_run(scratch, "a", 1, "grpo", 0.3));
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("0.300 [0.200, 0.400]"));
}

TEST(Compare, LeavesOutSettingsThatAreToBeIgnored) {
  const ScratchFolder scratch;
  const std::string runs =
      scored_run(scratch, "a", 1, "grpo", 0.3) + " " + scored_run(scratch, "b", 2, "rloo", 0.5);
  EXPECT_EQ(turnhalle_program("compare --json " + runs).json()["groups"].size(), 2U);
  const ProgramResult one =
      turnhalle_program("compare --json --ignore /reinforcement/recipe " + runs);
  EXPECT_EQ(one.json()["groups"].size(), 1U);
}

TEST(Compare, WritesAPageWithACurveForEachGroup) {
  const ScratchFolder scratch;
  const ProgramResult result = turnhalle_program(
      "compare --json --html " + scratch.file("page.html") + " " +
      scored_run(scratch, "a", 1, "grpo", 0.3) + " " + scored_run(scratch, "b", 1, "trloo", 0.5));
  ASSERT_EQ(result.code, 0) << result.err;
  std::ifstream in(scratch.file("page.html"), std::ios::binary);
  const std::string page(std::istreambuf_iterator<char>(in), {});
  EXPECT_THAT(page, HasSubstr("Comparison of training runs"));
  EXPECT_THAT(page, HasSubstr("\"name\":\"trloo\""));
}

TEST(Compare, NamesTheRunThatHasNothingToCompare) {
  const ScratchFolder scratch;
  const ProgramResult missing = turnhalle_program("compare " + scratch.file("nowhere"));
  EXPECT_EQ(missing.code, 2);
  EXPECT_THAT(missing.error(), HasSubstr("nowhere/experiment.json"));
}

TEST(Compare, TakesTheLastStepAtWhichAllRunsOfAGroupWereEvaluated) {
  const ScratchFolder scratch;
  const ProgramResult apart =
      turnhalle_program("compare --json " + scored_run(scratch, "a", 1, "grpo", 0.3, 4) + " " +
                        scored_run(scratch, "b", 2, "grpo", 0.3, 3));
  ASSERT_EQ(apart.code, 0) << apart.err;
  EXPECT_EQ(apart.json()["rows"].back()["step"], 0);
}

}  // namespace
}  // namespace turnhalle
