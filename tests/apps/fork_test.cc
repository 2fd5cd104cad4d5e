// turnhalle run --fork: playing on from a turn of a recorded lifecycle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/apps/program.h"

namespace turnhalle {
namespace {

using testing::HasSubstr;

const std::string kScenario = "scenarios/frozen_lake_obscure_easy_compact.json";

Json rows(const std::string& store, const std::string& sql) {
  return turnhalle_program("inspect store " + store + " --query \"" + sql + "\"").json()["rows"];
}

// Everything a lifecycle consists of but its number.
Json story(const std::string& store, int lifecycle) {
  return rows(store,
              "SELECT episode, turn, number, role, content FROM conversations WHERE "
              "lifecycle = " +
                  std::to_string(lifecycle));
}

class Fork : public testing::Test {
 protected:
  Fork() {
    const ProgramResult result =
        turnhalle_program("run " + kScenario + " --agent expert --lifecycles 5 --seed 3 --store " +
                          parent_ + " --quiet");
    EXPECT_EQ(result.code, 0) << result.err;
  }
  std::string from(const std::string& place) const { return "run --fork " + parent_ + ":" + place; }

  ScratchFolder scratch_;
  std::string parent_ = scratch_.file("parent.sqlite");
  std::string child_ = scratch_.file("child.sqlite");
};

TEST_F(Fork, BySameAgentGivesTheSameBytesFromAnyTurn) {
  const Json episodes = rows(parent_, "SELECT episode, turns FROM episodes WHERE lifecycle = 2");
  for (const Json& row : episodes) {
    const std::string store = scratch_.file("of" + row[0].dump() + ".sqlite");
    const std::string place = "2:" + row[0].dump() + ":" + std::to_string(row[1].get<int>() - 1);
    const ProgramResult result =
        turnhalle_program(from(place) + " --agent expert --json --store " + store);
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(story(store, 0), story(parent_, 2)) << place;
  }
}

TEST_F(Fork, ByAnotherAgentKeepsThePastAndReplays) {
  const ProgramResult result = turnhalle_program(
      from("1:2:0") + " --agent random --continuations 3 --json --store " + child_);
  ASSERT_EQ(result.code, 0) << result.err;
  const Json json = result.json();
  EXPECT_EQ(json["lifecycles"], 3);
  EXPECT_EQ(json["forked_from"]["lifecycle"], 1);
  EXPECT_EQ(json["forked_from"]["episode"], 2);
  const std::string past =
      "SELECT episode, turn, reply FROM turns WHERE episode < 2 AND "
      "lifecycle = ";
  for (const std::string number : {"0", "1", "2"}) {
    EXPECT_EQ(rows(child_, past + number), rows(parent_, past + "1"));
  }
  EXPECT_NE(story(child_, 0), story(child_, 1));
  const Json replay = turnhalle_program("replay " + child_ + " --verify --json").json();
  EXPECT_EQ(replay["lifecycles"], 3);
  EXPECT_EQ(replay["mismatches"], 0);
}

TEST_F(Fork, LineageIsInTheStoreAndInItsInspection) {
  turnhalle_program(from("1:2:0") + " --agent random --continuations 2 --store " + child_);
  const ProgramResult result = turnhalle_program("inspect store " + child_ + " --json");
  EXPECT_EQ(result.code, 0) << result.out;
  const Json forks = result.json()["forks"];
  ASSERT_EQ(forks.size(), 2U);
  EXPECT_EQ(forks[1]["lifecycle"], 1);
  EXPECT_EQ(forks[1]["parent_store"], parent_);
  EXPECT_EQ(forks[1]["parent_lifecycle"], 1);
  EXPECT_EQ(forks[1]["episode"], 2);
  EXPECT_EQ(forks[1]["turn"], 0);
  EXPECT_THAT(turnhalle_program("inspect store " + child_).out, HasSubstr("forked from"));
}

TEST_F(Fork, OfAForkPlaysTheTasksOfTheFirst) {
  turnhalle_program(from("4:2:0") + " --agent random --store " + child_);
  const std::string grandchild = scratch_.file("grandchild.sqlite");
  const ProgramResult result = turnhalle_program(
      "run --fork " + child_ + ":0:0:0 --agent expert --json --store " + grandchild);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(story(grandchild, 0), story(parent_, 4));
  EXPECT_EQ(turnhalle_program("replay " + grandchild + " --verify --json").json()["mismatches"], 0);
}

TEST_F(Fork, DoesNotDependOnThreads) {
  const std::string words = from("1:2:0") + " --agent random --continuations 40 --json";
  const Json one = turnhalle_program(words + " --threads 1").json();
  const Json four = turnhalle_program(words + " --threads 4").json();
  EXPECT_EQ(one["digest"], four["digest"]);
}

TEST_F(Fork, FromNowhereIsBadInput) {
  for (const auto& [place, what] :
       std::vector<std::pair<std::string, std::string>>{{"9:0:0", "lifecycle 9"},
                                                        {"1:99:0", "episode 99"},
                                                        {"1:0:99", "turn 99"},
                                                        {"1:0", "STORE:LIFECYCLE:EPISODE:TURN"}}) {
    const ProgramResult result =
        turnhalle_program(from(place) + " --agent random --store " + child_);
    EXPECT_EQ(result.code, 2) << place;
    EXPECT_THAT(result.error(), HasSubstr(what));
    EXPECT_EQ(turnhalle_program("inspect store " + child_).code, 2) << "nothing is written";
  }
  EXPECT_EQ(turnhalle_program(from("1:0:0") + " --agent random --seed 5").code, 2);
  EXPECT_EQ(turnhalle_program("run " + kScenario + " --agent random --continuations 2").code, 2);
  EXPECT_EQ(turnhalle_program("run --agent random").code, 2);
}

}  // namespace
}  // namespace turnhalle
