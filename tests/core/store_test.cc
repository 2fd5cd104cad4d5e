#include "core/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <thread>

#include "core/event_queue.h"
#include "core/fault.h"
#include "tests/core/store_fixture.h"

namespace turnhalle {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(StoreTest, EverythingRecordedReadsBackEqual) {
  const TestFolder folder;
  write_sample_store(folder.file("s.sqlite"), 10);
  const auto reader = StoreReader::open(folder.file("s.sqlite"));
  ASSERT_TRUE(reader.ok());
  for (int i = 0; i < 10; ++i) {
    const auto lifecycle = reader->lifecycle(i);
    ASSERT_TRUE(lifecycle.ok());
    EXPECT_TRUE(lifecycle->complete);
    EXPECT_TRUE(lifecycle->damage.empty()) << lifecycle->damage.front().what;
    EXPECT_EQ(all_bytes(lifecycle->episodes), all_bytes(sample_lifecycle(i)));
  }
}

TEST(StoreTest, TokensReadBackToTheLastBit) {
  const TestFolder folder;
  write_sample_store(folder.file("s.sqlite"), 10);
  const auto reader = StoreReader::open(folder.file("s.sqlite"));
  int compared = 0;
  for (int i = 0; i < 10; ++i) {
    const auto stored = reader->lifecycle(i);
    const auto original = sample_lifecycle(i);
    for (std::size_t episode = 0; episode < 3; ++episode) {
      for (std::size_t turn = 0; turn < original[episode].turns.size(); ++turn) {
        const auto& expected = original[episode].turns[turn].reply.tokens;
        const auto& found = stored->episodes[episode].turns[turn].reply.tokens;
        ASSERT_EQ(expected == nullptr, found == nullptr);
        if (expected) {
          EXPECT_EQ(expected->observed, found->observed);
          EXPECT_EQ(expected->sampled, found->sampled);
          EXPECT_EQ(expected->logprobs, found->logprobs);
          EXPECT_EQ(expected->weight_version, found->weight_version);
          ++compared;
        }
      }
    }
  }
  EXPECT_GT(compared, 10);
}

TEST(StoreTest, RunReadsBackEqual) {
  const TestFolder folder;
  write_sample_store(folder.file("s.sqlite"), 1);
  const auto reader = StoreReader::open(folder.file("s.sqlite"));
  ASSERT_EQ(reader->runs().size(), 1U);
  const RunInfo& found = reader->runs()[0].info;
  const RunInfo expected = sample_run();
  EXPECT_EQ(found.id, expected.id);
  EXPECT_EQ(found.scenario, expected.scenario);
  EXPECT_EQ(found.seed, expected.seed);
  EXPECT_EQ(found.split, expected.split);
  EXPECT_EQ(found.trial, expected.trial);
  EXPECT_EQ(found.agent, expected.agent);
  EXPECT_EQ(found.details, expected.details);
}

TEST(StoreTest, CleanStorePassesTheIntegrityCheck) {
  const TestFolder folder;
  write_sample_store(folder.file("s.sqlite"), 5);
  const auto reader = StoreReader::open(folder.file("s.sqlite"));
  const auto report = reader->check_integrity();
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->ok()) << report->damage.front().what;
  EXPECT_EQ(report->lifecycles, 5);
}

TEST(StoreTest, ValuesThatSqliteCannotHoldAreStoredAsTheNearest) {
  const TestFolder folder;
  {
    auto store = std::move(Store::create(folder.file("s.sqlite"), sample_run())).value();
    store->metric(1, "loss", std::numeric_limits<double>::quiet_NaN());
    store->metric(2, "loss", -0.0);
    store->metric(3, "loss", std::numeric_limits<double>::infinity());
    ASSERT_TRUE(store->close().ok());
  }
  const auto reader = StoreReader::open(folder.file("s.sqlite"));
  const auto rows = reader->query("SELECT value IS NULL, value = 0, value > 1e308 FROM metrics");
  EXPECT_EQ(rows->dump(), "[[1,null,null],[0,1,0],[0,0,1]]");
  EXPECT_TRUE(reader->check_integrity()->ok());
}

TEST(StoreTest, LifecyclesFromManyThreadsAreEachInOrder) {
  const TestFolder folder;
  {
    StoreOptions options;
    options.queue_bytes_max = 1 << 14;  // recorders have to wait
    options.batch_bytes = 1 << 12;
    auto store = std::move(Store::create(folder.file("s.sqlite"), sample_run(), options)).value();
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&store, thread] {
        for (int i = thread; i < 40; i += 4) {
          auto recorder = store->recorder({i});
          record(*recorder, sample_lifecycle(i));
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    ASSERT_TRUE(store->close().ok());
  }
  const auto reader = StoreReader::open(folder.file("s.sqlite"));
  const auto report = reader->check_integrity();
  EXPECT_TRUE(report->ok());
  EXPECT_EQ(report->lifecycles, 40);
}

TEST(StoreTest, ReaderSeesWhatWasFlushedWhileTheStoreIsWritten) {
  const TestFolder folder;
  auto store = std::move(Store::create(folder.file("s.sqlite"), sample_run())).value();
  auto recorder = store->recorder({0});
  const auto episodes = sample_episodes(sample_key(0), 1);
  recorder->episode_started(0, episodes[0].start);
  recorder->turn_played(episodes[0].turns[0].record(0, 0));
  ASSERT_TRUE(store->flush().ok());
  EXPECT_EQ(store->turns_committed(), 1);
  const auto reader = StoreReader::open(folder.file("s.sqlite"));
  ASSERT_TRUE(reader.ok());
  const auto lifecycle = reader->lifecycle(0);
  EXPECT_FALSE(lifecycle->complete);
  EXPECT_FALSE(lifecycle->episodes[0].end.has_value());
  EXPECT_EQ(lifecycle->episodes[0].turns.size(), 1U);
  EXPECT_TRUE(lifecycle->damage.empty());
}

// Turns that are committed one by one are chunks of their own; read, they make one lifecycle.
TEST(StoreTest, LifecycleFlushedAfterEveryTurnReadsBackEqual) {
  const TestFolder folder;
  const std::string path = folder.file("s.sqlite");
  const auto episodes = sample_lifecycle(5);
  std::int64_t turns = 0;
  {
    auto store = std::move(Store::create(path, sample_run())).value();
    auto recorder = store->recorder({0});
    for (std::int64_t episode = 0; episode < 3; ++episode) {
      const StoredEpisode& played = episodes[static_cast<std::size_t>(episode)];
      recorder->episode_started(episode, played.start);
      for (std::int64_t turn = 0; turn < std::ssize(played.turns); ++turn, ++turns) {
        recorder->turn_played(played.turns[static_cast<std::size_t>(turn)].record(episode, turn));
        ASSERT_TRUE(store->flush().ok());
      }
      recorder->episode_ended(episode, *played.end);
    }
    recorder->lifecycle_ended();
    ASSERT_TRUE(store->close().ok());
  }
  const auto reader = StoreReader::open(path);
  EXPECT_EQ(all_bytes(reader->lifecycle(0)->episodes), all_bytes(episodes));
  EXPECT_TRUE(reader->check_integrity()->ok());
  EXPECT_GE((*reader->query("SELECT count(*) FROM chunks"))[0][0].get<std::int64_t>(), turns);
  ASSERT_TRUE(RawDatabase(path).run("UPDATE chunks SET marks = x'00' WHERE chunk = 1"));
  const auto damaged = reader->lifecycle(0);
  ASSERT_FALSE(damaged->damage.empty());
  for (const Damage& damage : damaged->damage) {
    EXPECT_LE(damage.episode, 1) << "later chunks are judged by themselves";
  }
}

TEST(StoreTest, SecondRunHasItsOwnNumbers) {
  const TestFolder folder;
  {
    auto store = std::move(Store::create(folder.file("s.sqlite"), sample_run())).value();
    record(*store->recorder({3}), sample_episodes(sample_key(0), 1));
    RunInfo second = sample_run();
    second.agent = "expert";
    ASSERT_TRUE(store->add_run(second).ok());
    record(*store->recorder({3}), sample_episodes(sample_key(1), 1));
    ASSERT_TRUE(store->close().ok());
  }
  const auto reader = StoreReader::open(folder.file("s.sqlite"));
  const auto list = reader->lifecycles();
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ((*list)[0].number, 3);
  EXPECT_EQ((*list)[1].number, 13);
  EXPECT_EQ((*list)[1].index.value, 3);
  EXPECT_EQ(reader->runs()[1].info.agent, "expert");
  EXPECT_TRUE(reader->check_integrity()->ok());
}

TEST(StoreTest, AppendingRemovesUnfinishedLifecyclesAndKeepsTheOthers) {
  const TestFolder folder;
  const std::string path = folder.file("s.sqlite");
  {
    auto store = std::move(Store::create(path, sample_run())).value();
    record(*store->recorder({0}), sample_lifecycle(0));
    auto unfinished = store->recorder({1});
    const auto episodes = sample_episodes(sample_key(1), 2);
    unfinished->episode_started(0, episodes[0].start);
    unfinished->turn_played(episodes[0].turns[0].record(0, 0));
    ASSERT_TRUE(store->close().ok());
  }
  auto store = std::move(Store::open_for_append(path)).value();
  ASSERT_EQ(store->complete({0}).size(), 1U);
  EXPECT_EQ(store->complete({0})[0].value, 0);
  record(*store->recorder({1}), sample_lifecycle(1));
  store->metric(5, "loss", 1.0);
  ASSERT_TRUE(store->close().ok());
  const auto reader = StoreReader::open(path);
  EXPECT_TRUE(reader->check_integrity()->ok());
  EXPECT_EQ(all_bytes(reader->lifecycle(1)->episodes), all_bytes(sample_lifecycle(1)));
}

TEST(StoreTest, CreatingRefusesAFileThatExists) {
  const TestFolder folder;
  write_sample_store(folder.file("s.sqlite"), 1);
  const auto again = Store::create(folder.file("s.sqlite"), sample_run());
  ASSERT_FALSE(again.ok());
  EXPECT_THAT(again.error().text(), HasSubstr("s.sqlite: expected no file of this name"));
}

TEST(StoreTest, SecondWriterIsRefused) {
  const TestFolder folder;
  const std::string path = folder.file("s.sqlite");
  auto store = std::move(Store::create(path, sample_run())).value();
  const auto second = Store::open_for_append(path);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().text(), path + ": another process is writing this store");
  ASSERT_TRUE(store->close().ok());
  store.reset();
  EXPECT_TRUE(Store::open_for_append(path).ok());
}

TEST(StoreTest, NewerSchemaIsRefused) {
  const TestFolder folder;
  const std::string path = folder.file("s.sqlite");
  write_sample_store(path, 1);
  RawDatabase(path).run("PRAGMA user_version = 3");
  const auto reader = StoreReader::open(path);
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().text(),
            path + ": expected a store of schema version 2; found version 3 of a newer program");
  EXPECT_FALSE(Store::open_for_append(path).ok());
}

TEST(StoreTest, WhatIsNoStoreIsRefusedWithOneLine) {
  const TestFolder folder;
  EXPECT_THAT(StoreReader::open(folder.file("none")).error().text(),
              HasSubstr("expected a store; found no file of this name"));
  EXPECT_THAT(StoreReader::open(folder.path()).error().text(),
              HasSubstr("found something that is not a regular file"));
  ASSERT_TRUE(write_file(folder.file("text"), std::string(5000, 'x')).ok());
  EXPECT_THAT(StoreReader::open(folder.file("text")).error().text(),
              AllOf(HasSubstr("not an SQLite file"), Not(HasSubstr("\n"))));
  RawDatabase(folder.file("other.sqlite")).run("CREATE TABLE t (x)");
  EXPECT_THAT(StoreReader::open(folder.file("other.sqlite")).error().text(),
              HasSubstr("found another kind of SQLite file"));
}

TEST(StoreTest, MissingLifecycleIsAnError) {
  const TestFolder folder;
  write_sample_store(folder.file("s.sqlite"), 1);
  const auto reader = StoreReader::open(folder.file("s.sqlite"));
  EXPECT_THAT(reader->lifecycle(99).error().text(), HasSubstr("there is no lifecycle 99"));
}

TEST(StoreTest, ViewsAnswerOnASampleStore) {
  const TestFolder folder;
  write_sample_store(folder.file("s.sqlite"), 6);
  const auto reader = StoreReader::open(folder.file("s.sqlite"));
  for (const char* view :
       {"success_by_position", "outcomes", "longest_episodes", "contexts", "lifecycle_scores",
        "conversations", "episode_times", "reward_parts", "token_counts", "failures", "openings",
        "episodes", "messages", "tool_calls", "events", "rewards"}) {
    const auto rows = reader->query(std::string("SELECT * FROM ") + view);
    ASSERT_TRUE(rows.ok()) << view << ": " << rows.error().text();
    EXPECT_FALSE(rows->empty()) << view;
  }
  const auto shown = reader->query(
      "SELECT (SELECT count(*) FROM turns), (SELECT sum(turns) FROM lifecycles), "
      "(SELECT sum(json_valid(turns)) FROM chunks) = (SELECT count(*) FROM chunks), "
      "(SELECT count(DISTINCT typeof(reward)) FROM turns)");
  EXPECT_EQ((*shown)[0][0], (*shown)[0][1]);
  EXPECT_EQ((*shown)[0][2], 1);
  EXPECT_EQ((*shown)[0][3], 1) << "a reward is a real number everywhere";
  const auto scored = reader->query(
      "SELECT (SELECT sum(scored) FROM success_by_position), "
      "(SELECT count(*) FROM episodes WHERE reward IS NOT NULL)");
  EXPECT_EQ((*scored)[0][0], (*scored)[0][1]);
}

// Lines are put together again by SQL as they are by the reader, but for NUL bytes.
TEST(StoreTest, ViewsShowTextsAsTheyWere) {
  const TestFolder folder;
  write_sample_store(folder.file("s.sqlite"), 4);
  const auto reader = StoreReader::open(folder.file("s.sqlite"));
  int compared = 0;
  for (int i = 0; i < 4; ++i) {
    const auto rows = reader->query(
        "SELECT episode, turn, reply, observation FROM turns WHERE lifecycle = " +
        std::to_string(i));
    const auto lifecycle = reader->lifecycle(i);
    for (const Json& row : *rows) {
      const StoredTurn& turn =
          lifecycle->episodes[row[0].get<std::size_t>()].turns[row[1].get<std::size_t>()];
      for (const auto& [shown, text] : {std::pair(row[2], turn.reply.text),
                                        std::pair(row[3], turn.result.observation)}) {
        if (text.find('\0') != std::string::npos) continue;
        EXPECT_EQ(shown.get<std::string>(), text);
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 20);
}

TEST(StoreTest, FaultsAreShownWithWhatBecameOfThem) {
  const TestFolder folder;
  const std::string path = folder.file("s.sqlite");
  auto episodes = sample_episodes(sample_key(0), 2);
  for (StoredEpisode& episode : episodes) {
    for (StoredTurn& turn : episode.turns) turn.events.clear();
  }
  episodes[0].turns[0].events = {
      {{7}, 0, kFaultEvent, ledger_entry(FaultKind::timeout, 1, "tool:search", "call-1")},
      {{8}, 1, 3, "no fault"}};
  episodes[1].turns[0].events = {
      {{9}, 0, kFaultEvent, ledger_entry(FaultKind::slow, 0, "action", "")}};
  episodes[1].end->outcome = Outcome::done;
  episodes[1].end->reward = 0.25;
  {
    auto store = std::move(Store::create(path, sample_run())).value();
    record(*store->recorder({0}), episodes);
    ASSERT_TRUE(store->close().ok());
  }
  const auto reader = StoreReader::open(path);
  EXPECT_EQ(all_bytes(reader->lifecycle(0)->episodes), all_bytes(episodes));
  const auto rows = reader->query(
      "SELECT episode, turn, time_ns, fault, rule, target, call FROM faults ORDER BY episode");
  ASSERT_TRUE(rows.ok()) << rows.error().text();
  EXPECT_EQ(rows->dump(), R"([[0,0,7,"timeout",1,"tool:search","call-1"],)"
                          R"([1,0,9,"slow",0,"action",null]])");
  const auto outcomes =
      reader->query("SELECT outcome, reward FROM faults WHERE fault = 'slow'");
  EXPECT_EQ(outcomes->dump(), R"([["done",0.25]])");
  const auto texts = reader->query("SELECT payload, text FROM events WHERE kind = 3");
  EXPECT_EQ(texts->dump(), R"([["6e6f206661756c74","no fault"]])");
}

TEST(StoreTest, PrintedSchemaMakesAStore) {
  const TestFolder folder;
  ASSERT_TRUE(RawDatabase(folder.file("s.sqlite")).run(store_schema_sql()));
  EXPECT_TRUE(StoreReader::open(folder.file("s.sqlite")).ok());
}

}  // namespace
}  // namespace turnhalle
