// The SQL of the writing side: puts row groups (store_rows.h) into the tables.
//
// Used by one thread at a time. After a false the transaction is lost and error() says why.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/sqlite.h"
#include "core/store_rows.h"
#include "core/store_schema.h"
#include "core/store_seals.h"

namespace turnhalle {

/// Refuses what is not a store of a schema that this program knows.
Status check_store_schema(SqliteDatabase& database);

class StoreTables {
 public:
  /// Makes the schema in an empty file and prepares the statements.
  static Result<StoreTables> create(SqliteDatabase database);
  /// Prepares the statements, and removes lifecycles that were not finished.
  static Result<StoreTables> open(SqliteDatabase database);

  bool begin();
  /// Inserts what one lifecycle gathered: bodies of its row groups in their order, of which the
  /// turns become one chunk.
  bool insert(std::int64_t lifecycle, std::span<const std::string_view> bodies);
  /// Inserts a row of a table with a chain of its own.
  bool insert_chained(std::string_view body);
  /// Makes everything since begin() durable.
  bool commit();
  /// Moves the log into the file when it has grown long, or at the end.
  Status checkpoint(bool last);

  Error error() const { return database_.error(); }
  SqliteDatabase& database() { return database_; }
  const StoreSeals& seals() const { return seals_; }

 private:
  explicit StoreTables(SqliteDatabase database) : database_(std::move(database)) {}
  Status prepare();
  Status remove_unfinished();

  // How far a lifecycle is that has not ended.
  struct Open {
    HashChain chain;
    std::int64_t chunks = 0;
    std::int64_t started = 0;  ///< episodes
    std::int64_t ended = 0;
  };
  // What becomes one chunk; kept for its memory.
  struct Chunk {
    std::string turns;
    std::string turn_marks;
    std::string marks;
    std::string body;
    std::vector<std::string_view> starts, ends, tokens, pieces;
    void clear();
    bool empty() const { return turns.empty() && starts.empty() && ends.empty() && tokens.empty(); }
  };
  bool insert_body(Open& open, std::string_view body);
  bool insert_start(std::string_view body);
  bool insert_end(const RowKey& key, ByteReader& in);
  bool insert_tokens(const RowKey& key, ByteReader& in);
  bool insert_chunk(std::int64_t lifecycle, Open& open);
  bool insert_lifecycle_end(std::int64_t lifecycle, Open& open, std::string_view body);
  void add_turn(std::string_view text);
  bool write_seals();

  SqliteDatabase database_;
  StoreSeals seals_;
  bool seals_changed_ = true;
  std::map<std::int64_t, Open> open_;
  Chunk chunk_;
  std::string_view pending_start_;  ///< of an episode that may end before its row is written
  SqliteStatement begin_;
  SqliteStatement commit_;
  SqliteStatement seal_;
  SqliteStatement lifecycle_start_;
  SqliteStatement lifecycle_end_;
  SqliteStatement episode_start_;
  SqliteStatement episode_end_;
  SqliteStatement episode_whole_;
  SqliteStatement chunk_insert_;
  SqliteStatement tokens_;
  std::vector<SqliteStatement> chained_;  ///< in the order of kChainedTables
};

}  // namespace turnhalle
