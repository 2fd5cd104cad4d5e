#include "core/store_tables.h"

#include <algorithm>
#include <string>

#include "core/check.h"

namespace turnhalle {
namespace {

constexpr std::int64_t kLogPagesMax = 4096;  // 32 MiB of log are moved into the file at once

std::string insert_sql(const StoreTable& table, std::string_view chain) {
  std::string names = std::string(table.keys) + ", " + std::string(table.columns);
  if (!chain.empty()) {
    names += ", " + std::string(chain);
  }
  std::string places = "?";
  for (std::ptrdiff_t i = std::count(names.begin(), names.end(), ','); i > 0; --i) {
    places += ",?";
  }
  return "INSERT INTO " + std::string(table.name) + " (" + names + ") VALUES (" + places + ")";
}

// Binds one row's columns from `parameter` on; returns the parameter after them. Texts are bound
// where they stand in the body.
int bind_columns(SqliteStatement& statement, int parameter, ByteReader& in,
                 std::string_view types) {
  for (const char type : types) {
    switch (type) {
      case 'i': statement.bind(parameter, in.i64()); break;
      case 'r': statement.bind(parameter, in.f64()); break;
      case 't': statement.bind_text(parameter, in.view()); break;
      case 'b': statement.bind_blob(parameter, in.view()); break;
      default:
        if (in.boolean()) {
          statement.bind(parameter, in.f64());
        } else {
          statement.bind_null(parameter);
        }
    }
    ++parameter;
  }
  return parameter;
}

std::size_t place_of(const StoreTable* table) {
  const auto* const found = std::find(std::begin(kTurnParts), std::end(kTurnParts), table);
  check(found != std::end(kTurnParts), "a part's table is known", table->name);
  return static_cast<std::size_t>(found - std::begin(kTurnParts));
}

}  // namespace

Status check_store_schema(SqliteDatabase& database) {
  const auto id = database.integer("PRAGMA application_id");
  if (!id) {
    return id.error();
  }
  if (*id != kStoreApplicationId) {
    return Error{database.path(), "expected a store; found another kind of SQLite file"};
  }
  const auto version = database.integer("PRAGMA user_version");
  if (!version) {
    return version.error();
  }
  if (*version != kStoreSchemaVersion) {
    const bool newer = *version > kStoreSchemaVersion;
    return Error{database.path(), "expected a store of schema version " +
                                      std::to_string(kStoreSchemaVersion) + "; found version " +
                                      std::to_string(*version) +
                                      (newer ? " of a newer program" : "")};
  }
  return ok_status();
}

Result<StoreTables> StoreTables::create(SqliteDatabase database) {
  StoreTables tables(std::move(database));
  // One transaction after the switch to the log: a crash leaves an empty file or a store.
  const std::string sql =
      "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; BEGIN IMMEDIATE;" +
      std::string(store_schema_statements()) +
      "PRAGMA application_id = " + std::to_string(kStoreApplicationId) +
      "; PRAGMA user_version = " + std::to_string(kStoreSchemaVersion) + "; COMMIT;";
  Status status = tables.database_.execute(sql);
  if (status) {
    status = tables.prepare();
  }
  if (!status) {
    return status.error();
  }
  return tables;
}

Result<StoreTables> StoreTables::open(SqliteDatabase database) {
  StoreTables tables(std::move(database));
  Status status = check_store_schema(tables.database_);
  if (status) {
    auto seals = StoreSeals::read(tables.database_);
    status = seals ? ok_status() : Status(seals.error());
    if (seals) {
      tables.seals_ = *seals;
    }
  }
  if (status) {
    status = tables.prepare();
  }
  if (status) {
    status = tables.remove_unfinished();
  }
  if (!status) {
    return status.error();
  }
  return tables;
}

Status StoreTables::prepare() {
  const Status pragmas = database_.execute(
      "PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;"
      "PRAGMA mmap_size = 0; PRAGMA journal_size_limit = 67108864; PRAGMA cell_size_check = ON");
  if (!pragmas) {
    return pragmas;
  }
  const auto set = [this](SqliteStatement& statement, const std::string& sql) {
    auto prepared = database_.prepare(sql);
    if (!prepared) {
      return false;
    }
    statement = std::move(*prepared);
    return true;
  };
  bool good =
      set(begin_, "BEGIN IMMEDIATE") && set(commit_, "COMMIT") &&
      set(seal_, "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)") &&
      set(lifecycle_start_, "INSERT INTO lifecycles (id, run, number) VALUES (?, ?, ?)") &&
      set(lifecycle_end_,
          "UPDATE lifecycles SET episodes = ?, turns = ?, chain = ? WHERE id = ?") &&
      set(episode_start_, insert_sql(kEpisodes, "start_chain")) &&
      set(episode_end_,
          "UPDATE episodes SET outcome = ?, reward = ?, success = ?, turns = ?, feedback = ?, "
          "chain = ? WHERE lifecycle = ? AND episode = ?") &&
      set(turn_, insert_sql(kTurns, "chain"));
  for (const StoreTable* table : kTurnParts) {
    good = good && set(parts_.emplace_back(), insert_sql(*table, ""));
  }
  for (const StoreTable* table : kChainedTables) {
    good = good && set(chained_.emplace_back(), insert_sql(*table, "chain"));
  }
  return good ? ok_status() : Status(database_.error());
}

Status StoreTables::remove_unfinished() {
  std::string sql = "BEGIN IMMEDIATE;";
  for (const std::string_view table :
       {"events", "tokens", "rewards", "tool_calls", "messages", "turns", "episodes"}) {
    sql += "DELETE FROM " + std::string(table) +
           " WHERE lifecycle IN (SELECT id FROM lifecycles WHERE chain IS NULL);";
  }
  return database_.execute(sql + "DELETE FROM lifecycles WHERE chain IS NULL; COMMIT;");
}

bool StoreTables::begin() { return begin_.run(); }

bool StoreTables::commit() {
  if (seals_changed_ && !write_seals()) {
    return false;
  }
  seals_changed_ = false;
  return commit_.run();
}

Status StoreTables::checkpoint(bool last) {
  if (last || database_.log_pages() >= kLogPagesMax) {
    return database_.checkpoint(last);
  }
  return ok_status();
}

bool StoreTables::write_seals() {
  for (const auto& [key, value] : seals_.rows()) {
    seal_.bind_text(0, key);
    seal_.bind_text(1, value);
    if (!seal_.run()) {
      return false;
    }
  }
  return true;
}

bool StoreTables::insert(std::string_view body, std::string_view chain) {
  ByteReader in(body);
  const auto group = static_cast<RowGroup>(in.u8());
  if (group >= RowGroup::run) {
    return insert_chained(static_cast<std::size_t>(group) - static_cast<std::size_t>(RowGroup::run),
                          body.substr(1));
  }
  const bool good = insert_lifecycle_row(group, in, chain);
  check(!good || in.finished(), "a row group is read to its end", in.left());
  return good;
}

bool StoreTables::insert_lifecycle_row(RowGroup group, ByteReader& in, std::string_view chain) {
  RowKey key;
  key.lifecycle = in.i64();
  key.episode = in.i64();
  key.turn = in.i64();
  switch (group) {
    case RowGroup::lifecycle_start:
      lifecycle_start_.bind(0, key.lifecycle);
      bind_columns(lifecycle_start_, 1, in, "ii");
      return lifecycle_start_.run();
    case RowGroup::episode_start:
      episode_start_.bind(0, key.lifecycle);
      episode_start_.bind(1, key.episode);
      episode_start_.bind_blob(bind_columns(episode_start_, 2, in, kEpisodes.types), chain);
      return episode_start_.run() && insert_parts(kStartParts, key, in);
    case RowGroup::turn:
      turn_.bind(0, key.lifecycle);
      turn_.bind(1, key.episode);
      turn_.bind(2, key.turn);
      turn_.bind_blob(bind_columns(turn_, 3, in, kTurns.types), chain);
      return turn_.run() && insert_parts(kTurnParts, key, in);
    case RowGroup::episode_end: {
      const int parameter = bind_columns(episode_end_, 0, in, kEpisodeEnds.types);
      episode_end_.bind_blob(parameter, chain);
      episode_end_.bind(parameter + 1, key.lifecycle);
      episode_end_.bind(parameter + 2, key.episode);
      return episode_end_.run() && insert_parts(kEndParts, key, in);
    }
    default:
      bind_columns(lifecycle_end_, 0, in, "ii");
      lifecycle_end_.bind_blob(2, chain);
      lifecycle_end_.bind(3, key.lifecycle);
      seals_.lifecycles.mix(chain);
      ++seals_.complete;
      seals_changed_ = true;
      return lifecycle_end_.run();
  }
}

bool StoreTables::insert_parts(std::span<const StoreTable* const> parts, const RowKey& key,
                               ByteReader& in) {
  for (const StoreTable* table : parts) {
    const auto rows = static_cast<std::int64_t>(in.count());
    if (rows == 0) {
      continue;
    }
    const bool numbered = table->keys.ends_with("number");
    SqliteStatement& statement = parts_[place_of(table)];
    statement.bind(0, key.lifecycle);
    statement.bind(1, key.episode);
    statement.bind(2, key.turn);
    for (std::int64_t number = 0; number < rows; ++number) {
      if (numbered) {
        statement.bind(3, number);
      }
      bind_columns(statement, numbered ? 4 : 3, in, table->types);
      if (!statement.run()) {
        return false;
      }
    }
  }
  return true;
}

bool StoreTables::insert_chained(std::size_t table, std::string_view body) {
  StoreSeals::Table& seal = seals_.tables[table];
  std::string covered;
  ByteWriter(covered).i64(seal.rows);
  covered += body;
  seal.chain.add(covered);
  ByteReader in(body);
  SqliteStatement& statement = chained_[table];
  statement.bind(0, seal.rows);
  statement.bind_blob(bind_columns(statement, 1, in, kChainedTables[table]->types),
                      seal.chain.link());
  check(in.finished(), "a row is read to its end", in.left());
  ++seal.rows;
  seals_changed_ = true;
  return statement.run();
}

}  // namespace turnhalle
