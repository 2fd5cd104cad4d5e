// Commands that write and read stores: recording, replay, damage, stopping and going on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/apps/program.h"

namespace turnhalle {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

const std::string kLakeRun = "run scenarios/frozen_lake_obscure_easy_compact.json --agent random ";

void record_run(const std::string& store, const std::string& more) {
  const ProgramResult result = turnhalle_program(kLakeRun + more + " --store " + store + " --json");
  ASSERT_EQ(result.code, 0) << result.err;
}

TEST(Replay, OfARecordedRunHasNoMismatch) {
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  record_run(store, "--lifecycles 100");
  const ProgramResult result = turnhalle_program("replay " + store + " --verify --json");
  ASSERT_EQ(result.code, 0) << result.err;
  Json json = result.json();
  for (const char* key : {"lifecycles", "episodes", "turns", "events", "mismatches"}) {
    EXPECT_TRUE(json[key].is_number_integer()) << key;
  }
  EXPECT_EQ(json["lifecycles"], 100);
  EXPECT_EQ(json["mismatches"], 0);
  EXPECT_TRUE(json["first_mismatch"].is_null());
}

// Flips one bit at the place where a text of the store's only lifecycle stands.
void flip_byte_of(const std::string& path, const std::string& text) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  const std::size_t at = bytes.find(text);
  ASSERT_NE(at, std::string::npos) << "the store holds " << text;
  file.clear();
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(bytes[at] ^ 1));
}

TEST(Replay, FindsAFlippedByte) {
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  record_run(store, "--lifecycles 5");
  flip_byte_of(store, "Direction ");
  const ProgramResult result = turnhalle_program("replay " + store + " --verify --json");
  EXPECT_EQ(result.code, 1) << result.out << result.err;
  EXPECT_GE(result.json()["mismatches"].get<int>(), 1);
  EXPECT_TRUE(result.json()["first_mismatch"]["lifecycle"].is_number_integer());
  EXPECT_EQ(turnhalle_program("inspect store " + store + " --json").code, 1);
}

TEST(Replay, ShowsAnEpisodeAsText) {
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  record_run(store, "--lifecycles 2");
  const ProgramResult result = turnhalle_program("replay " + store + " --lifecycle 1 --episode 0");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("episode 0: solve"));
  EXPECT_THAT(result.out, HasSubstr("<answer>"));
  EXPECT_EQ(turnhalle_program("replay " + store + " --lifecycle 99").code, 2);
  EXPECT_EQ(turnhalle_program("replay " + store + " --episode 99").code, 2);
}

TEST(Replay, AgentPlaysARecordingAgainToTheSameDigest) {
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  Json first =
      turnhalle_program(kLakeRun + "--lifecycles 30 --json --store " + store).json();
  Json second =
      turnhalle_program("run scenarios/frozen_lake_obscure_easy_compact.json --agent replay:" +
                        store + " --lifecycles 30 --json")
          .json();
  EXPECT_EQ(first["digest"], second["digest"]);
}

TEST(Store, IsNeverOverwritten) {
  const ScratchFolder scratch;
  const std::string store = scratch.write("a.sqlite", "precious");
  const ProgramResult result = turnhalle_program(kLakeRun + "--store " + store);
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.error(), HasSubstr(store));
  EXPECT_EQ(std::filesystem::file_size(store), 8U);
}

TEST(Store, ThatCannotBeMadeIsBadInput) {
  const ProgramResult result = turnhalle_program(kLakeRun + "--store /proc/a.sqlite");
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.error(), HasSubstr("/proc/a.sqlite"));
}

TEST(Store, OnAFullDiskIsAnErrorOfOneLine) {
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  const ProgramResult result = turnhalle_program(
      kLakeRun + "--lifecycles 20000 --store " + store, "trap '' XFSZ; ulimit -f 200; ");
  EXPECT_THAT(result.code, AnyOf(1, 2)) << result.err;
  EXPECT_NE(result.error(), "") << result.err;
}

TEST(Store, ThatIsNoneIsRefused) {
  const ScratchFolder scratch;
  const std::string store = scratch.write("a.sqlite", "not a store at all");
  for (const char* command : {"replay ", "inspect store "}) {
    const ProgramResult result = turnhalle_program(command + store);
    EXPECT_EQ(result.code, 2) << command;
    EXPECT_THAT(result.error(), HasSubstr(store)) << command;
  }
}

TEST(Run, GoesOnAfterASignalToTheSameDigest) {
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  const std::string words = kLakeRun + "--lifecycles 30000 --json --store " + store;
  // A signal that comes before the program listens just ends it: on a busy machine, wait longer.
  ProgramResult stopped;
  for (const std::string seconds : {"0.3", "1", "3"}) {
    stopped = turnhalle_program(words, "timeout --preserve-status -s TERM " + seconds + " ");
    if (!stopped.out.empty()) break;
    std::filesystem::remove(store);
  }
  ASSERT_EQ(stopped.code, 143) << stopped.err << "; too fast to be stopped?";
  EXPECT_TRUE(stopped.json()["interrupted"].get<bool>());
  EXPECT_THAT(stopped.err, HasSubstr("--resume"));
  const ProgramResult resumed = turnhalle_program(words + " --resume");
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  Json whole = turnhalle_program(kLakeRun + "--lifecycles 30000 --json").json();
  EXPECT_EQ(resumed.json()["digest"], whole["digest"]);
  EXPECT_EQ(resumed.json()["turns"], whole["turns"]);
}

TEST(Run, RefusesToGoOnWithTheStoreOfAnother) {
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  record_run(store, "--lifecycles 3");
  const ProgramResult result =
      turnhalle_program(kLakeRun + "--lifecycles 3 --seed 5 --resume --store " + store);
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.error(), HasSubstr("seed 0"));
}

TEST(Export, WritesLinesOfJson) {
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  record_run(store, "--lifecycles 3");
  const ProgramResult result = turnhalle_program(
      "export " + store + " --format jsonl --json --out " + scratch.file("a.jsonl"));
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.json()["rows"], 3 * 7);
  EXPECT_EQ(result.json()["files"].size(), 1U);
}

TEST(InspectStore, TellsTablesCountsVersionAndIntegrity) {
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  record_run(store, "--lifecycles 3");
  Json json = turnhalle_program("inspect store " + store + " --json").json();
  EXPECT_EQ(json["counts"]["lifecycles"], 3);
  EXPECT_EQ(json["counts"]["episodes"], 21);
  EXPECT_TRUE(json["schema_version"].is_number_integer());
  EXPECT_TRUE(json["integrity"]["ok"].get<bool>());
}

TEST(InspectStore, CheckTellsWhatIsDamagedAndWhere) {
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  record_run(store, "--lifecycles 3");
  const ProgramResult intact = turnhalle_program("inspect store " + store + " --check");
  EXPECT_EQ(intact.code, 0) << intact.err;
  EXPECT_THAT(intact.out, HasSubstr("intact: 3 chains of hashes hold"));
  flip_byte_of(store, "Direction ");
  const ProgramResult damaged = turnhalle_program("inspect store " + store + " --check");
  EXPECT_EQ(damaged.code, 1);
  EXPECT_THAT(damaged.out, HasSubstr("DAMAGED: lifecycle "));
  EXPECT_THAT(damaged.out, HasSubstr("its bytes do not fit its hash"));
}

// A store that version 1 wrote is played on and read as one of today.
TEST(InspectStore, BringsAnOldStoreUpToDate) {
  const ScratchFolder scratch;
  const std::string store = scratch.file("a.sqlite");
  std::filesystem::copy_file(TURNHALLE_SOURCE_DIR "/tests/core/data/store_v1.sqlite", store);
  const ProgramResult refused = turnhalle_program("inspect store " + store);
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.error(), HasSubstr("--migrate"));
  EXPECT_EQ(turnhalle_program("inspect store " + store + " --migrate").code, 0);
  EXPECT_TRUE(std::filesystem::exists(store + ".v1"));
  Json json = turnhalle_program("inspect store " + store + " --json").json();
  EXPECT_EQ(json["schema_version"], 2);
  EXPECT_TRUE(json["integrity"]["ok"].get<bool>());
}

}  // namespace
}  // namespace turnhalle
