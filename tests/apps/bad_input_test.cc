// Files that are not what they should be: one line, exit code 2, and nothing is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "core/sqlite.h"
#include "tests/apps/program.h"

namespace turnhalle {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string kGuessRun = "run scenarios/guess_number.json --agent random --lifecycles 3 ";

void expect_refused(const std::string& words, const testing::Matcher<std::string>& message) {
  const ProgramResult result = turnhalle_program(words);
  EXPECT_EQ(result.code, 2) << words << "\n" << result.err;
  EXPECT_EQ(result.out, "") << words;
  EXPECT_THAT(result.error(), message) << words << "\n" << result.err;
}

TEST(NewerStore, IsRefusedByEveryCommandThatReadsOne) {
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  ASSERT_EQ(turnhalle_program(kGuessRun + "--store " + store).code, 0);
  {
    auto database = SqliteDatabase::open(store, SqliteDatabase::Mode::write);
    ASSERT_TRUE(database.ok()) << database.error().text();
    ASSERT_TRUE(database->execute("PRAGMA user_version = 1000").ok());
  }
  const auto message = AllOf(HasSubstr(store + ": expected a store of schema version"),
                             HasSubstr("found version 1000 of a newer program"));
  expect_refused("replay " + store + " --verify", message);
  expect_refused("inspect store " + store, message);
  expect_refused("export " + store + " --format jsonl --out " + scratch.file("out"), message);
  expect_refused(kGuessRun + "--resume --store " + store, message);
  expect_refused("run scenarios/guess_number.json --agent replay:" + store, message);
  EXPECT_FALSE(std::filesystem::exists(scratch.file("out")));
}

TEST(ContradictoryRecipe, IsRefusedWithItsPlaceAndReason) {
  const ScratchFolder scratch;
  const std::string recipe = scratch.write(
      "bad.json", "{\"kind\": \"recipe\", \"version\": 1, \"advantage\": \"grpo\",\n"
                  " \"credit\": \"connect_the_dots\"}");
  const auto message = AllOf(HasSubstr(":1:47 /advantage: expected"), HasSubstr("; found"));
  const ProgramResult checked = turnhalle_program("check " + recipe);
  EXPECT_EQ(checked.code, 2);
  EXPECT_THAT(checked.error(), AllOf(HasSubstr(recipe), message));
  const std::string batch = scratch.write(
      "batch.json", R"({"group": ["p"], "reward": [1.0], "turn": [[0]], "mask": [[1]]})");
  expect_refused("inspect advantages --recipe " + recipe + " --batch " + batch,
                 AllOf(HasSubstr(recipe), message));
  expect_refused("inspect advantages --batch " + batch +
                     R"( --recipe '{"advantage":"grpo","credit":"connect_the_dots"}')",
                 AllOf(HasSubstr("/advantage: expected"), HasSubstr("; found")));
}

// Not even root can make files in /proc.
TEST(OutputThatCannotBeWritten, IsRefusedBeforeTheWork) {
  expect_refused(kGuessRun + "--store /proc/a.sqlite", HasSubstr("/proc/a.sqlite"));
  const std::string eval = "eval scenarios/guess_number.json --agent random --lifecycles 1000000 ";
  expect_refused(eval + "--html /proc/a.html", HasSubstr("/proc/a.html: expected a file"));
  expect_refused(eval + "--html .", HasSubstr(".: expected a file"));
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  ASSERT_EQ(turnhalle_program(kGuessRun + "--store " + store).code, 0);
  expect_refused("export " + store + " --format jsonl --out /proc/a.jsonl",
                 HasSubstr("/proc/a.jsonl: expected a file"));
}

// The kernel's limit on file sizes stands for a disk that is full, in blocks of 512 or 1024 bytes.
TEST(FullDisk, AtTheStartIsBadInputAndLeavesNothing) {
  const ScratchFolder scratch;
  const ProgramResult result = turnhalle_program(kGuessRun + "--store " + scratch.file("a.sqlite"),
                                                 "trap '' XFSZ; ulimit -f 16; ");
  EXPECT_EQ(result.code, 2) << result.err;
  EXPECT_THAT(result.error(), HasSubstr("a.sqlite")) << result.err;
  EXPECT_FALSE(std::filesystem::exists(scratch.file("a.sqlite")));
}

TEST(FullDisk, WhilePlayingIsAFailureOfTheRunAndLeavesAValidStore) {
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  const ProgramResult result = turnhalle_program(
      "run scenarios/guess_number.json --agent random --lifecycles 100000 --store " + store,
      "trap '' XFSZ; ulimit -f 8000; ");
  EXPECT_EQ(result.code, 1) << result.err;
  EXPECT_THAT(result.error(), AllOf(HasSubstr(store), HasSubstr("acknowledged"))) << result.err;
  const ProgramResult inspected = turnhalle_program("inspect store " + store + " --json");
  EXPECT_EQ(inspected.code, 0) << inspected.out << inspected.err;
  EXPECT_TRUE(inspected.json()["integrity"]["ok"].get<bool>());
}

TEST(FullDisk, AtTheEndOfAnEvaluationIsAFailureOfTheRun) {
  const ProgramResult result = turnhalle_program(
      "eval scenarios/guess_number.json --agent random --lifecycles 3 --html /dev/full");
  EXPECT_EQ(result.code, 1) << result.err;
  EXPECT_THAT(result.error(), HasSubstr("/dev/full")) << result.err;
}

}  // namespace
}  // namespace turnhalle
