// Stores of earlier schema versions are brought up to date without losing a byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/file.h"
#include "tests/core/store_fixture.h"

namespace turnhalle {
namespace {

using testing::HasSubstr;

// Written by version 1: sample lifecycles 0 and 1, and the first turn of lifecycle 2.
std::string copy_of_v1(const TestFolder& folder) {
  const std::string path = folder.file("s.sqlite");
  std::filesystem::copy_file(TURNHALLE_SOURCE_DIR "/tests/core/data/store_v1.sqlite", path);
  return path;
}

void expect_sample(const StoreReader& reader) {
  const auto report = reader.check_integrity();
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->ok()) << report->damage.front().what;
  for (const std::int64_t number : {0, 1}) {
    const auto lifecycle = reader.lifecycle(number);
    ASSERT_TRUE(lifecycle.ok());
    EXPECT_TRUE(lifecycle->complete);
    EXPECT_EQ(all_bytes(lifecycle->episodes), all_bytes(sample_lifecycle(number)));
    const auto& tokens = lifecycle->episodes[0].turns[0].reply.tokens;
    const auto expected = sample_lifecycle(number)[0].turns[0].reply.tokens;
    ASSERT_EQ(tokens != nullptr, expected != nullptr);
    if (tokens != nullptr) {
      EXPECT_EQ(tokens->logprobs, expected->logprobs);
    }
  }
  EXPECT_EQ(reader.runs().front().info.seed, sample_run().seed);
  EXPECT_EQ(reader.query("SELECT step, name, value FROM metrics")->dump(),
            R"([[1,"reward/mean",0.5],[2,"loss",-0.25]])");
  EXPECT_EQ(reader.query("SELECT parent_store FROM forks")->dump(), R"([["other.sqlite"]])");
}

TEST(StoreMigration, KeepsEveryByteAndTheOldStore) {
  const TestFolder folder;
  const std::string path = copy_of_v1(folder);
  const std::string old = read_file(path).value();
  const auto refused = StoreReader::open(path);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().text(), HasSubstr("found version 1 (turnhalle inspect store FILE "
                                                "--migrate brings it up to date)"));
  const auto migrated = Store::migrate(path);
  ASSERT_TRUE(migrated.ok()) << migrated.error().text();
  EXPECT_TRUE(*migrated);
  const auto reader = std::move(StoreReader::open(path)).value();
  expect_sample(reader);
  const auto unfinished = reader.lifecycle(2);
  EXPECT_FALSE(unfinished->complete);
  ASSERT_EQ(unfinished->episodes.size(), 1U);
  EXPECT_EQ(unfinished->episodes[0].turns.size(), 1U);
  EXPECT_EQ(read_file(path + ".v1").value(), old);
  EXPECT_FALSE(*Store::migrate(path)) << "there is nothing left to do";
}

TEST(StoreMigration, IsDoneWhenAStoreIsGoneOnWith) {
  const TestFolder folder;
  const std::string path = copy_of_v1(folder);
  auto store = Store::open_for_append(path);
  ASSERT_TRUE(store.ok()) << store.error().text();
  EXPECT_EQ((*store)->complete({0}).size(), 2U);
  record(*(*store)->recorder({2}), sample_lifecycle(2));
  ASSERT_TRUE((*store)->close().ok());
  const auto reader = std::move(StoreReader::open(path)).value();
  expect_sample(reader);
  EXPECT_EQ(all_bytes(reader.lifecycle(2)->episodes), all_bytes(sample_lifecycle(2)));
}

// What a crash left behind does not matter: not the half-written new store, nor the second name of
// the old one.
TEST(StoreMigration, GoesOnAfterACrash) {
  const TestFolder folder;
  const std::string path = copy_of_v1(folder);
  ASSERT_TRUE(write_file(path + ".migrating", "half of a store").ok());
  std::filesystem::create_hard_link(path, path + ".v1");
  const auto migrated = Store::migrate(path);
  ASSERT_TRUE(migrated.ok()) << migrated.error().text();
  expect_sample(StoreReader::open(path).value());
  EXPECT_FALSE(std::filesystem::exists(path + ".migrating"));
}

TEST(StoreMigration, DestroysNoOlderCopy) {
  const TestFolder folder;
  const std::string path = copy_of_v1(folder);
  const std::string old = read_file(path).value();
  ASSERT_TRUE(write_file(path + ".v1", "precious").ok());
  EXPECT_THAT(Store::migrate(path).error().text(), HasSubstr(path + ".v1: "));
  EXPECT_EQ(read_file(path).value(), old);
  EXPECT_EQ(read_file(path + ".v1").value(), "precious");
}

TEST(StoreMigration, LeavesADamagedStoreAsItIs) {
  const TestFolder folder;
  const std::string path = copy_of_v1(folder);
  ASSERT_TRUE(RawDatabase(path).run("UPDATE turns SET reward = reward + 1 WHERE lifecycle = 1"));
  const std::string old = read_file(path).value();
  const auto migrated = Store::migrate(path);
  ASSERT_FALSE(migrated.ok());
  EXPECT_THAT(migrated.error().text(), HasSubstr("found damage: lifecycle 1"));
  EXPECT_EQ(read_file(path).value(), old);
  EXPECT_FALSE(std::filesystem::exists(path + ".migrating"));
  EXPECT_FALSE(std::filesystem::exists(path + ".v1"));
}

}  // namespace
}  // namespace turnhalle
