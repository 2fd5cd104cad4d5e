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
  /// Inserts what one lifecycle gathered as one chunk. Cheapest in the order of lifecycles.
  /// The texts and bodies are used up.
  bool insert(std::int64_t lifecycle, ChunkParts& parts);
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
  };
  bool insert_tokens(std::int64_t lifecycle, const ChunkParts& parts);
  bool insert_chunk(std::int64_t lifecycle, Open& open, ChunkParts& parts);
  bool insert_lifecycle(std::int64_t lifecycle, Open& open, const ChunkParts& parts);
  bool write_seals();

  SqliteDatabase database_;
  StoreSeals seals_;
  bool seals_changed_ = true;
  std::map<std::int64_t, Open> open_;
  std::string body_, head_, marks_, tokens_body_, token_marks_;  ///< kept for their memory
  SqliteStatement begin_;
  SqliteStatement commit_;
  SqliteStatement seal_;
  SqliteStatement lifecycle_start_;
  SqliteStatement lifecycle_end_;
  SqliteStatement lifecycle_whole_;
  SqliteStatement chunk_insert_;
  SqliteStatement tokens_;
  std::vector<SqliteStatement> chained_;  ///< in the order of kChainedTables
};

}  // namespace turnhalle
