#include "core/store_tables.h"

#include <algorithm>
#include <string>

#include "core/check.h"

namespace turnhalle {
namespace {

constexpr std::int64_t kLogPagesMax = 4096;  // 32 MiB of log are moved into the file at once

std::string insert_sql(const StoreTable& table, std::string_view more) {
  std::string names = std::string(table.keys) + ", " + std::string(table.columns);
  if (!more.empty()) {
    names += ", " + std::string(more);
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
                                      (newer ? " of a newer program"
                                             : " (turnhalle inspect store FILE --migrate brings "
                                               "it up to date)")};
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
      set(episode_start_, insert_sql(kEpisodes, "")) &&
      set(episode_end_,
          "UPDATE episodes SET outcome = ?, reward = ?, success = ?, turns = ?, feedback = ?, "
          "rewards = ? WHERE lifecycle = ? AND episode = ?") &&
      set(episode_whole_, insert_sql(kEpisodes, kEpisodeEnds.columns)) &&
      set(chunk_insert_, insert_sql(kChunks, "chain")) && set(tokens_, insert_sql(kTokens, ""));
  for (const StoreTable* table : kChainedTables) {
    good = good && set(chained_.emplace_back(), insert_sql(*table, "chain"));
  }
  return good ? ok_status() : Status(database_.error());
}

Status StoreTables::remove_unfinished() {
  std::string sql = "BEGIN IMMEDIATE;";
  for (const std::string_view table :
       {"tokens", "chunks", "episodes"}) {
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

void StoreTables::Chunk::clear() {
  for (std::string* text : {&turns, &turn_marks, &marks, &body}) text->clear();
  for (auto* bodies : {&starts, &ends, &tokens, &pieces}) bodies->clear();
}

bool StoreTables::insert(std::int64_t lifecycle, std::span<const std::string_view> bodies) {
  Open& open = open_[lifecycle];
  chunk_.clear();
  pending_start_ = {};
  std::string_view end;
  for (const std::string_view body : bodies) {
    if (static_cast<RowGroup>(body.front()) == RowGroup::lifecycle_end) {
      end = body;
    } else if (!insert_body(open, body)) {
      return false;
    }
  }
  if (!insert_start(pending_start_) || !insert_chunk(lifecycle, open)) {
    return false;
  }
  if (end.empty()) {
    return true;
  }
  const bool good = insert_lifecycle_end(lifecycle, open, end);
  open_.erase(lifecycle);
  return good;
}

bool StoreTables::insert_body(Open& open, std::string_view body) {
  ByteReader in(body);
  const auto group = static_cast<RowGroup>(in.u8());
  RowKey key;
  key.lifecycle = in.i64();
  key.episode = in.i64();
  key.turn = in.i64();
  switch (group) {
    case RowGroup::lifecycle_start:
      open.chain.add(body);
      lifecycle_start_.bind(0, key.lifecycle);
      bind_columns(lifecycle_start_, 1, in, "ii");
      return lifecycle_start_.run();
    case RowGroup::episode_start:
      ++open.started;
      chunk_.starts.push_back(body);
      pending_start_ = body;
      return true;
    case RowGroup::turn: add_turn(in.view()); return true;
    case RowGroup::tokens: chunk_.tokens.push_back(body); return insert_tokens(key, in);
    case RowGroup::episode_end:
      ++open.ended;
      chunk_.ends.push_back(body);
      return insert_end(key, in);
    default: check(false, "a row group of a lifecycle", static_cast<int>(group)); return false;
  }
}

void StoreTables::add_turn(std::string_view text) {
  chunk_.turns += chunk_.turns.empty() ? '[' : ',';
  chunk_.turns += text;
  append_mark(chunk_.turn_marks, text);
}

// The row of an episode that has begun; nothing to do when there is none.
bool StoreTables::insert_start(std::string_view body) {
  if (body.empty()) {
    return true;
  }
  ByteReader in(body);
  in.u8();
  episode_start_.bind(0, in.i64());
  episode_start_.bind(1, in.i64());
  in.i64();
  bind_columns(episode_start_, 2, in, kEpisodes.types);
  return episode_start_.run();
}

// An episode that began and ended since the last commit is one row at once.
bool StoreTables::insert_end(const RowKey& key, ByteReader& in) {
  if (pending_start_.empty()) {
    const int parameter = bind_columns(episode_end_, 0, in, kEpisodeEnds.types);
    episode_end_.bind(parameter, key.lifecycle);
    episode_end_.bind(parameter + 1, key.episode);
    return episode_end_.run();
  }
  ByteReader start(pending_start_);
  start.u8();
  episode_whole_.bind(0, start.i64());
  episode_whole_.bind(1, start.i64());
  start.i64();
  bind_columns(episode_whole_, bind_columns(episode_whole_, 2, start, kEpisodes.types), in,
               kEpisodeEnds.types);
  pending_start_ = {};
  return episode_whole_.run();
}

bool StoreTables::insert_tokens(const RowKey& key, ByteReader& in) {
  tokens_.bind(0, key.lifecycle);
  tokens_.bind(1, key.episode);
  tokens_.bind(2, key.turn);
  bind_columns(tokens_, 3, in, kTokens.types);
  return tokens_.run();
}

bool StoreTables::insert_chunk(std::int64_t lifecycle, Open& open) {
  if (chunk_.empty()) {
    return true;
  }
  chunk_.turns += chunk_.turns.empty() ? "[]" : "]";
  for (const std::string_view body : chunk_.starts) append_mark(chunk_.marks, body);
  chunk_.marks += chunk_.turn_marks;
  for (const auto* bodies : {&chunk_.ends, &chunk_.tokens}) {
    for (const std::string_view body : *bodies) append_mark(chunk_.marks, body);
  }
  const ChunkRow row{lifecycle,  open.chunks,   open.started,
                     open.ended, chunk_.turns, chunk_.marks};
  encode_chunk(chunk_.body, row);
  chunk_.pieces.push_back(chunk_.body);
  for (const auto* bodies : {&chunk_.starts, &chunk_.ends, &chunk_.tokens}) {
    chunk_.pieces.insert(chunk_.pieces.end(), bodies->begin(), bodies->end());
  }
  open.chain.add(chunk_.pieces);
  ++open.chunks;
  chunk_insert_.bind(0, row.lifecycle);
  chunk_insert_.bind(1, row.chunk);
  chunk_insert_.bind(2, row.started);
  chunk_insert_.bind(3, row.ended);
  chunk_insert_.bind_text(4, row.turns);
  chunk_insert_.bind_blob(5, row.marks);
  chunk_insert_.bind_blob(6, open.chain.link());
  return chunk_insert_.run();
}

bool StoreTables::insert_lifecycle_end(std::int64_t lifecycle, Open& open,
                                       std::string_view body) {
  ByteReader in(body);
  in.u8();
  for (int key = 0; key < 3; ++key) in.i64();
  open.chain.add(body);
  bind_columns(lifecycle_end_, 0, in, "ii");
  lifecycle_end_.bind_blob(2, open.chain.link());
  lifecycle_end_.bind(3, lifecycle);
  seals_.lifecycles.mix(open.chain.link());
  ++seals_.complete;
  seals_changed_ = true;
  return lifecycle_end_.run();
}

bool StoreTables::insert_chained(std::string_view body) {
  const std::size_t table =
      static_cast<std::size_t>(body.front()) - static_cast<std::size_t>(RowGroup::run);
  body.remove_prefix(1);
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
