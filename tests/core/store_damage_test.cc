// Stores that were damaged, or had no room: what was acknowledged is there, what was
// changed is found.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <functional>
#include <thread>

#include "core/file.h"
#include "core/text.h"
#include "tests/core/store_fixture.h"

namespace turnhalle {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// One stored cell, as found by a full look through all tables.
struct Cell {
  std::string table;
  std::string column;
  std::string where;  ///< names its row
  std::int64_t lifecycle = -1;
  std::int64_t episode = -1;
  std::int64_t turn = -1;
  std::size_t bytes = 0;  ///< 0: a number
  bool is_real = false;
};

std::string text_at(sqlite3_stmt* row, int column) {
  return reinterpret_cast<const char*>(sqlite3_column_text(row, column));
}

void add_cells(RawDatabase& database, const std::string& table, std::vector<Cell>& cells) {
  sqlite3_stmt* row = nullptr;
  const bool is_meta = table == "meta";
  sqlite3_prepare_v2(database.handle(), ("SELECT * FROM " + table).c_str(), -1, &row, nullptr);
  while (sqlite3_step(row) == SQLITE_ROW) {
    Cell cell;
    cell.table = table;
    for (int column = 0; column < sqlite3_column_count(row); ++column) {
      const std::string name = sqlite3_column_name(row, column);
      const bool is_number = sqlite3_column_type(row, column) == SQLITE_INTEGER;
      const bool is_key = is_meta ? name == "key"
                                  : (column == 0 || name == "episode" || name == "turn" ||
                                     name == "chunk");
      if (is_key && table != "lifecycles") {
        cell.where += (cell.where.empty() ? "" : " AND ") + name + " = " +
                      (is_number ? text_at(row, column) : "'" + text_at(row, column) + "'");
      } else if (column == 0) {
        cell.where = name + " = " + text_at(row, column);
      }
      if (is_number && name == "lifecycle") cell.lifecycle = sqlite3_column_int64(row, column);
      if (is_number && name == "episode") cell.episode = sqlite3_column_int64(row, column);
      if (is_number && name == "turn") cell.turn = sqlite3_column_int64(row, column);
    }
    for (int column = 0; column < sqlite3_column_count(row); ++column) {
      Cell found = cell;
      found.column = sqlite3_column_name(row, column);
      const int type = sqlite3_column_type(row, column);
      const bool is_text = type == SQLITE_TEXT || type == SQLITE_BLOB;
      found.bytes = is_text ? static_cast<std::size_t>(sqlite3_column_bytes(row, column)) : 0;
      found.is_real = type == SQLITE_FLOAT;
      if (type != SQLITE_NULL && (!is_text || found.bytes > 0)) {
        cells.push_back(found);
      }
    }
  }
  sqlite3_finalize(row);
}

std::vector<Cell> cells_of(RawDatabase& database) {
  std::vector<Cell> cells;
  for (const char* table : {"meta", "runs", "lifecycles", "chunks", "tokens",
                            "advantages", "metrics", "checkpoints", "forks"}) {
    add_cells(database, table, cells);
  }
  return cells;
}

// Changes one byte of a text or blob, or one bit's worth of a number.
bool flip(RawDatabase& database, const Cell& cell, Random& random) {
  std::string value = cell.column + " + " + (cell.is_real ? "0.5" : "1");
  if (cell.bytes > 0) {
    sqlite3_stmt* row = nullptr;
    const std::string select =
        "SELECT " + cell.column + ", typeof(" + cell.column + ") FROM " + cell.table + " WHERE " +
        cell.where;
    sqlite3_prepare_v2(database.handle(), select.c_str(), -1, &row, nullptr);
    if (sqlite3_step(row) != SQLITE_ROW) {
      sqlite3_finalize(row);
      return false;
    }
    std::string bytes(static_cast<const char*>(sqlite3_column_blob(row, 0)), cell.bytes);
    const bool is_text = text_at(row, 1) == "text";
    sqlite3_finalize(row);
    char& byte = bytes[random.below(bytes.size())];
    byte = static_cast<char>(byte ^ (1 << random.below(8)));
    value = "x'" + hex(bytes) + "'";
    value = is_text ? "CAST(" + value + " AS TEXT)" : value;
  }
  database.run("PRAGMA foreign_keys = OFF");
  return database.run("UPDATE " + cell.table + " SET " + cell.column + " = " + value + " WHERE " +
                      cell.where);
}

// Whether the damage is named where the cell is. A changed key moves a row: to the next turn,
// episode or lifecycle.
bool names(const IntegrityReport& report, const Cell& cell) {
  const bool is_key = cell.column == "lifecycle" || cell.column == "episode" ||
                      cell.column == "turn" || cell.column == "chunk";
  return std::any_of(report.damage.begin(), report.damage.end(), [&](const Damage& damage) {
    if (is_key && cell.lifecycle >= 0 &&
        (damage.lifecycle == cell.lifecycle || damage.lifecycle == cell.lifecycle + 1)) {
      return true;
    }
    if (cell.lifecycle >= 0 && cell.table != "advantages" && cell.table != "forks") {
      const bool is_chunk = cell.table == "chunks";
      return damage.lifecycle == cell.lifecycle && (is_chunk || damage.episode == cell.episode) &&
             (damage.turn == cell.turn || cell.turn < 0);
    }
    return damage.what.find(cell.table) != std::string::npos || cell.table == "lifecycles";
  });
}

TEST(StoreDamageTest, OneChangedByteOfAnyCellIsFoundAndLocated) {
  const TestFolder folder;
  const std::string original = folder.file("original.sqlite");
  write_sample_store(original, 8);
  std::vector<Cell> cells;
  {
    RawDatabase database(original);
    cells = cells_of(database);
  }
  ASSERT_GT(cells.size(), 300U);
  Random random(RandomKey::from_seed(11));
  random.shuffle(std::span(cells));
  // Every column at least once, and a sample of the rest.
  std::vector<std::string> seen;
  int changed = 0;
  for (const Cell& cell : cells) {
    const std::string name = cell.table + "." + cell.column;
    const bool is_new = std::find(seen.begin(), seen.end(), name) == seen.end();
    if (!is_new && changed >= 250) {
      continue;
    }
    const std::string copy = folder.file("copy.sqlite");
    std::filesystem::copy_file(original, copy, std::filesystem::copy_options::overwrite_existing);
    {
      RawDatabase database(copy);
      if (!flip(database, cell, random)) {
        continue;  // a key that would be there twice
      }
    }
    seen.push_back(name);
    ++changed;
    const auto reader = StoreReader::open(copy);
    ASSERT_TRUE(reader.ok()) << name << " where " << cell.where << ": " << reader.error().text();
    const auto report = reader->check_integrity();
    ASSERT_TRUE(report.ok());
    EXPECT_FALSE(report->ok()) << name << " where " << cell.where;
    EXPECT_TRUE(names(*report, cell)) << name << " where " << cell.where << "; found "
                                      << (report->damage.empty() ? ""
                                                                 : report->damage[0].what);
  }
  EXPECT_GE(changed, 250);
}

TEST(StoreDamageTest, ChangedByteInTheFileIsFoundOrHarmless) {
  const TestFolder folder;
  const std::string original = folder.file("original.sqlite");
  write_sample_store(original, 20);
  const std::string bytes = read_file(original).value();
  const auto dump = [](const StoreReader& reader) {
    std::string all;
    for (const char* table : {"runs", "lifecycles", "episodes", "chunks", "turns", "messages",
                              "tool_calls",
                              "events", "tokens", "rewards", "metrics", "advantages",
                              "checkpoints", "forks"}) {
      const auto rows = reader.query(std::string("SELECT * FROM ") + table);
      all += rows ? canonical(*rows) : "?";
    }
    return all;
  };
  const std::string expected = dump(StoreReader::open(original).value());
  Random random(RandomKey::from_seed(12));
  int found = 0;
  for (int i = 0; i < 150; ++i) {
    std::string changed = bytes;
    char& byte = changed[random.below(changed.size())];
    byte = static_cast<char>(byte ^ (1 << random.below(8)));
    const std::string copy = folder.file("copy.sqlite");
    ASSERT_TRUE(write_file(copy, changed).ok());
    const auto reader = StoreReader::open(copy);
    if (!reader) {
      ++found;
      continue;
    }
    const auto report = reader->check_integrity();
    if (!report || !report->ok()) {
      ++found;
    } else {
      EXPECT_EQ(dump(*reader), expected) << "offset " << (&byte - changed.data());
    }
  }
  EXPECT_GT(found, 50);
}

TEST(StoreDamageTest, RowsThatAreMissingOrTooManyAreFound) {
  const TestFolder folder;
  const std::string original = folder.file("original.sqlite");
  write_sample_store(original, 3);
  for (const char* statement :
       {"DELETE FROM lifecycles WHERE id = 1", "DELETE FROM chunks WHERE lifecycle = 2",
        "DELETE FROM tokens WHERE lifecycle = 0",
        "UPDATE chunks SET turns = json_remove(turns, '$[0]') WHERE lifecycle = 1",
        "UPDATE chunks SET turns = json_remove(turns, '$[#-1]') WHERE lifecycle = 1",
        "UPDATE chunks SET openings = json_remove(openings, '$[0]') WHERE lifecycle = 1",
        "UPDATE chunks SET openings = json_remove(openings, '$[1].messages[1]') "
        "WHERE lifecycle = 0",
        "UPDATE chunks SET endings = json_remove(endings, '$[1]') WHERE lifecycle = 1",
        "UPDATE chunks SET endings = json_remove(endings, '$[0].reward') WHERE lifecycle = 0",
        "UPDATE chunks SET texts = json_insert(texts, '$[#]', 0) WHERE lifecycle = 1",
        "UPDATE chunks SET lines = '[]' WHERE lifecycle = 1",
        "DELETE FROM metrics WHERE id = 1", "DELETE FROM runs", "DELETE FROM forks",
        "DELETE FROM meta WHERE key = 'seal'",
        "INSERT INTO tokens VALUES (0, 0, 9, 0, 1, 1, x'00')",
        "INSERT INTO chunks VALUES (0, 9, '[]', '[]', '[]', '[]', '[]', x'', zeroblob(32))",
        "UPDATE chunks SET endings = json_insert(endings, '$[0].rewards[#]', "
        "json('[\"bonus\",1.0]')) WHERE lifecycle = 0",
        "INSERT INTO meta VALUES ('extra', '1')", "DROP VIEW outcomes",
        "UPDATE lifecycles SET chain = NULL WHERE id = 2",
        "UPDATE chunks SET turns = replace(turns, '\"t\":0', '\"t\":1') WHERE lifecycle = 0",
        "UPDATE chunks SET chunk = chunk + 1 WHERE lifecycle = 0"}) {
    const std::string copy = folder.file("copy.sqlite");
    std::filesystem::copy_file(original, copy, std::filesystem::copy_options::overwrite_existing);
    ASSERT_TRUE(RawDatabase(copy).run(statement)) << statement;
    const auto reader = StoreReader::open(copy);
    ASSERT_TRUE(reader.ok());
    EXPECT_FALSE(reader->check_integrity()->ok()) << statement;
  }
}

// Changes the byte in the middle of each turn's text, one after the other.
TEST(StoreDamageTest, ChangedByteOfATurnIsLocatedToThatTurn) {
  const TestFolder folder;
  const std::string path = folder.file("s.sqlite");
  write_sample_store(path, 2);
  const auto reader = std::move(StoreReader::open(path)).value();
  const std::string text =
      (*reader.query("SELECT turns FROM chunks WHERE lifecycle = 1"))[0][0].get<std::string>();
  const StoredLifecycle lifecycle = reader.lifecycle(1).value();
  std::size_t begin = text.find("{\"e\":");
  for (std::int64_t episode = 0; episode < std::ssize(lifecycle.episodes); ++episode) {
    const auto& turns = lifecycle.episodes[static_cast<std::size_t>(episode)].turns;
    for (std::int64_t turn = 0; turn < std::ssize(turns); ++turn) {
      const std::size_t next = std::min(text.find("{\"e\":", begin + 1), text.size());
      std::string changed = text;
      changed[(begin + next) / 2] = static_cast<char>(changed[(begin + next) / 2] ^ 4);
      begin = next;
      RawDatabase database(path);
      ASSERT_TRUE(database.run("UPDATE chunks SET turns = CAST(x'" + hex(changed) +
                               "' AS TEXT) WHERE lifecycle = 1"));
      const auto found = reader.lifecycle(1);
      ASSERT_TRUE(found.ok());
      ASSERT_FALSE(found->damage.empty()) << episode << ", " << turn;
      EXPECT_EQ(found->damage.front().episode, episode) << found->damage.front().what;
      EXPECT_EQ(found->damage.front().turn, turn) << found->damage.front().what;
    }
  }
}

// Changes the byte in the middle of each line. It is located to who says the line first.
TEST(StoreDamageTest, ChangedByteOfALineIsLocatedToAnEpisode) {
  const TestFolder folder;
  const std::string path = folder.file("s.sqlite");
  write_sample_store(path, 2);
  const auto reader = std::move(StoreReader::open(path)).value();
  const std::string text =
      (*reader.query("SELECT lines FROM chunks WHERE lifecycle = 1"))[0][0].get<std::string>();
  int changed_lines = 0;
  for (std::size_t at = text.find("\",\""); at != std::string::npos;
       at = text.find("\",\"", at + 1), ++changed_lines) {
    std::string changed = text;
    changed[at + 3] = static_cast<char>(changed[at + 3] ^ 4);
    RawDatabase database(path);
    ASSERT_TRUE(database.run("UPDATE chunks SET lines = CAST(x'" + hex(changed) +
                             "' AS TEXT) WHERE lifecycle = 1"));
    const auto found = reader.lifecycle(1);
    ASSERT_TRUE(found.ok());
    ASSERT_FALSE(found->damage.empty()) << at;
    EXPECT_EQ(found->damage.front().lifecycle, 1);
    EXPECT_GE(found->damage.front().episode, 0) << at;
  }
  EXPECT_GT(changed_lines, 10);
}

// A page of zeros, and one that stands where another should.
TEST(StoreDamageTest, DamagedPagesAreFoundAndNeverCrashTheReader) {
  const TestFolder folder;
  const std::string original = folder.file("original.sqlite");
  write_sample_store(original, 40);
  const std::string bytes = read_file(original).value();
  constexpr std::size_t kPage = 4096;
  ASSERT_GT(bytes.size(), 8 * kPage);
  const std::string copy = folder.file("copy.sqlite");
  int found = 0;
  for (std::size_t page = 0; page < bytes.size() / kPage; ++page) {
    for (const bool zeros : {true, false}) {
      std::string changed = bytes;
      const std::size_t other = (page + 3) % (bytes.size() / kPage);
      changed.replace(page * kPage, kPage,
                      zeros ? std::string(kPage, '\0') : bytes.substr(other * kPage, kPage));
      if (changed == bytes) continue;
      ASSERT_TRUE(write_file(copy, changed).ok());
      const auto reader = StoreReader::open(copy);
      const bool good = reader.ok() && reader->check_integrity().ok() &&
                        reader->check_integrity()->ok();
      EXPECT_FALSE(good) << "page " << page;
      found += good ? 0 : 1;
    }
  }
  EXPECT_GT(found, 10);
}

TEST(StoreDamageTest, TruncatedFileIsRefusedOrFound) {
  const TestFolder folder;
  const std::string original = folder.file("original.sqlite");
  write_sample_store(original, 20);
  const std::string bytes = read_file(original).value();
  const std::string copy = folder.file("copy.sqlite");
  for (std::size_t size = 0; size < bytes.size(); size += 9'000) {
    ASSERT_TRUE(write_file(copy, bytes.substr(0, size)).ok());
    const auto reader = StoreReader::open(copy);
    if (!reader) continue;
    const auto report = reader->check_integrity();
    EXPECT_FALSE(report.ok() && report->ok()) << size;
  }
}

TEST(StoreDamageTest, FullDiskGivesOneErrorAndKeepsWhatWasAcknowledged) {
  const TestFolder folder;
  const std::string path = folder.file("s.sqlite");
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{2'000'000, 2'000'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    auto store = std::move(Store::create(path, sample_run())).value();
    std::int64_t acknowledged = 0;
    for (std::int64_t i = 0; i < 10'000 && store->status().ok(); ++i) {
      record(*store->recorder({i}), sample_lifecycle(i));
      acknowledged = store->flush().ok() ? i + 1 : acknowledged;
    }
    const Status status = store->close();
    const std::string text = status.ok() ? "no error" : status.error().text();
    std::ofstream(folder.file("said")) << acknowledged << " " << text << "\n";
    _exit(0);
  }
  int how = 0;
  waitpid(child, &how, 0);
  ASSERT_TRUE(WIFEXITED(how) && WEXITSTATUS(how) == 0);
  const std::string said = read_file(folder.file("said")).value();
  EXPECT_THAT(said, HasSubstr(path + ": "));
  EXPECT_THAT(said, HasSubstr("the store ends with the last turn that was acknowledged"));
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1);
  const auto reader = StoreReader::open(path);
  ASSERT_TRUE(reader.ok());
  const auto report = reader->check_integrity();
  EXPECT_TRUE(report->ok()) << report->damage.front().what;
  std::int64_t acknowledged = 0;
  ASSERT_TRUE(parse_integer(said.substr(0, said.find(' ')), acknowledged));
  EXPECT_GE(report->lifecycles, acknowledged);
  EXPECT_GT(report->lifecycles, 5);
}

TEST(StoreDamageTest, FolderThatCannotBeWrittenGivesOneErrorAndLeavesNothing) {
  const auto missing = Store::create("/proc/turnhalle/s.sqlite", sample_run());
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().text(),
              HasSubstr("s.sqlite: the file or its folder cannot be written ("));
  EXPECT_THAT(missing.error().text(), Not(HasSubstr("\n")));
}

TEST(StoreDamageTest, StoreInAFolderThatCannotBeWrittenIsRead) {
  const TestFolder folder;
  const std::string path = folder.file("s.sqlite");
  write_sample_store(path, 2);
  // Root may write anywhere, so the reader runs as somebody else.
  const pid_t child = fork();
  if (child == 0) {
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
    if (getuid() == 0 && setuid(65534) != 0) {
      _exit(3);
    }
    const auto reader = StoreReader::open(path);
    _exit(reader.ok() && reader->check_integrity()->ok() ? 0 : 4);
  }
  int how = 0;
  waitpid(child, &how, 0);
  EXPECT_EQ(WEXITSTATUS(how), 0);
}

// What a child that runs as nobody finds; root may write anywhere.
int as_nobody(const std::function<int()>& look) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(getuid() == 0 && setuid(65534) != 0 ? 100 : look());
  }
  int how = 0;
  waitpid(child, &how, 0);
  return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
}

TEST(StoreDamageTest, ReadOnlyFileIsReadAndNotGoneOnWith) {
  const TestFolder folder;
  const std::string path = folder.file("s.sqlite");
  write_sample_store(path, 2);
  const std::string before = read_file(path).value();
  std::filesystem::permissions(path, std::filesystem::perms(0444));
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
  EXPECT_EQ(as_nobody([&] {
              const auto reader = StoreReader::open(path);
              if (!reader || !reader->check_integrity()->ok()) return 1;
              const auto store = Store::open_for_append(path);
              if (store.ok()) return 2;
              const std::string said = store.error().text();
              return said.starts_with(path + ": the file or its folder cannot be written") ? 0 : 3;
            }),
            0);
  EXPECT_EQ(read_file(path).value(), before);
}

TEST(StoreDamageTest, SecondProcessThatWantsToWriteIsRefusedAndDisturbsNothing) {
  const TestFolder folder;
  const std::string path = folder.file("s.sqlite");
  auto store = std::move(Store::create(path, sample_run())).value();
  record(*store->recorder({0}), sample_lifecycle(0));
  const pid_t child = fork();
  if (child == 0) {
    const auto second = Store::open_for_append(path);
    const bool refused =
        !second && second.error().text() == path + ": another process is writing this store";
    const auto again = Store::create(path, sample_run());
    _exit(refused && !again ? 0 : 1);
  }
  int how = 0;
  waitpid(child, &how, 0);
  EXPECT_TRUE(WIFEXITED(how) && WEXITSTATUS(how) == 0);
  record(*store->recorder({1}), sample_lifecycle(1));
  ASSERT_TRUE(store->close().ok());
  const auto report = StoreReader::open(path)->check_integrity();
  EXPECT_TRUE(report->ok());
  EXPECT_EQ(report->lifecycles, 2);
}

// Another program of SQLite's that writes to the file for a while holds the store up; one that
// does not stop ends the recording with one error.
TEST(StoreDamageTest, FileLockedByAnotherProgramIsWaitedForAndThenGivenUp) {
  const TestFolder folder;
  const std::string path = folder.file("s.sqlite");
  auto store = std::move(Store::create(path, sample_run())).value();
  RawDatabase other(path);
  ASSERT_TRUE(other.run("BEGIN IMMEDIATE"));
  std::thread release([&] {
    usleep(100'000);
    other.run("ROLLBACK");
  });
  record(*store->recorder({0}), sample_lifecycle(0));
  EXPECT_TRUE(store->flush().ok());
  release.join();
  ASSERT_TRUE(other.run("BEGIN IMMEDIATE"));
  record(*store->recorder({1}), sample_lifecycle(1));
  const Status status = store->flush();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().text(), HasSubstr("another process is writing this file"));
  EXPECT_THAT(status.error().text(), Not(HasSubstr("\n")));
  other.run("ROLLBACK");
  EXPECT_FALSE(store->close().ok());
  const auto report = StoreReader::open(path)->check_integrity();
  EXPECT_TRUE(report->ok());
  EXPECT_EQ(report->lifecycles, 1) << "what was acknowledged is there";
}

}  // namespace
}  // namespace turnhalle
