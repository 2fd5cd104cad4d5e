#include "core/store_tables.h"

#include <algorithm>
#include <array>
#include <string>

#include "core/check.h"

namespace turnhalle {
namespace {

constexpr std::int64_t kLogPagesMax = 8192;  // 32 MiB of log are moved into the file at once

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
  std::string seals;
  for (const auto& [key, value] : tables.seals_.rows()) {
    seals += "INSERT INTO meta VALUES ('" + key + "', '" + value + "');";
  }
  // One transaction after the switch to the log: a crash leaves an empty file or a store.
  const std::string sql =
      "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; BEGIN IMMEDIATE;" +
      store_schema_statements() + seals +
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
      set(lifecycle_whole_,
          "INSERT INTO lifecycles (id, run, number, episodes, turns, chain) "
          "VALUES (?, ?, ?, ?, ?, ?)") &&
      set(chunk_insert_, insert_sql(kChunks, "chain")) && set(tokens_, insert_sql(kTokens, ""));
  for (const StoreTable* table : kChainedTables) {
    good = good && set(chained_.emplace_back(), insert_sql(*table, "chain"));
  }
  return good ? ok_status() : Status(database_.error());
}

Status StoreTables::remove_unfinished() {
  std::string sql = "BEGIN IMMEDIATE;";
  for (const std::string_view table : {"tokens", "chunks"}) {
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

bool StoreTables::insert(std::int64_t lifecycle, ChunkParts& parts) {
  Open& open = open_[lifecycle];
  if (parts.start) {
    body_.clear();
    encode_lifecycle_start(body_, *parts.start);
    open.chain.add(body_);
  }
  if (!insert_tokens(lifecycle, parts) || !insert_chunk(lifecycle, open, parts) ||
      !insert_lifecycle(lifecycle, open, parts)) {
    return false;
  }
  if (parts.end) open_.erase(lifecycle);
  return true;
}

bool StoreTables::insert_tokens(std::int64_t lifecycle, const ChunkParts& parts) {
  tokens_body_.clear();
  token_marks_.clear();
  for (const ChunkParts::Tokens& row : parts.tokens) {
    const std::size_t begin = tokens_body_.size();
    encode_tokens(tokens_body_, {lifecycle, row.episode, row.turn}, *row.tokens);
    const std::string_view body = std::string_view(tokens_body_).substr(begin);
    append_mark(token_marks_, body);
    ByteReader in(body);
    in.u8();
    for (int key = 0; key < 3; ++key) tokens_.bind(key, in.i64());
    bind_columns(tokens_, 3, in, kTokens.types);
    if (!tokens_.run()) return false;
  }
  return true;
}

bool StoreTables::insert_chunk(std::int64_t lifecycle, Open& open, ChunkParts& parts) {
  if (parts.texts.empty()) {
    return true;
  }
  marks_.clear();
  std::array<std::string_view, 6> columns;
  const std::vector<JsonPieces*> arrays = parts.texts.arrays();
  for (std::size_t column = 0; column < arrays.size(); ++column) {
    JsonPieces& array = *arrays[column];
    for (std::size_t i = 0; i < array.size(); ++i) append_mark(marks_, array.piece(i));
    array.close();
    columns[column] = array.text;
  }
  marks_ += token_marks_;
  columns.back() = marks_;
  head_.clear();
  encode_chunk_head(head_, {lifecycle}, open.chunks, columns);
  open.chain.add(std::array{std::string_view(head_), columns[0], columns[1], columns[2],
                            columns[3], columns[4], columns[5], std::string_view(tokens_body_)});
  chunk_insert_.bind(0, lifecycle);
  chunk_insert_.bind(1, open.chunks);
  for (int column = 0; column < 5; ++column) {
    chunk_insert_.bind_text(2 + column, columns[static_cast<std::size_t>(column)]);
  }
  chunk_insert_.bind_blob(7, marks_);
  chunk_insert_.bind_blob(8, open.chain.link());
  ++open.chunks;
  return chunk_insert_.run();
}

// A lifecycle that began and ended since the last commit is one row at once.
bool StoreTables::insert_lifecycle(std::int64_t lifecycle, Open& open, const ChunkParts& parts) {
  if (!parts.start && !parts.end) {
    return true;
  }
  SqliteStatement& statement = parts.start && parts.end
                                   ? lifecycle_whole_
                                   : (parts.start ? lifecycle_start_ : lifecycle_end_);
  int parameter = 0;
  if (parts.start) {
    statement.bind(parameter++, lifecycle);
    statement.bind(parameter++, parts.start->run.value);
    statement.bind(parameter++, parts.start->index.value);
  }
  if (parts.end) {
    body_.clear();
    encode_lifecycle_end(body_, *parts.end);
    open.chain.add(body_);
    statement.bind(parameter++, parts.end->episodes);
    statement.bind(parameter++, parts.end->turns);
    statement.bind_blob(parameter++, open.chain.link());
    if (!parts.start) statement.bind(parameter, lifecycle);
    seals_.lifecycles.mix(open.chain.link());
    ++seals_.complete;
    seals_changed_ = true;
  }
  return statement.run();
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
