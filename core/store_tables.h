// The SQL of the writing side: puts row groups (store_rows.h) into the tables.
//
// Used by one thread at a time. After a false the transaction is lost and error() says why.
#pragma once

#include <cstdint>
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
  /// Inserts one row group; `chain` is its link for groups of a lifecycle.
  bool insert(std::string_view body, std::string_view chain);
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
  bool insert_lifecycle_row(RowGroup group, ByteReader& in, std::string_view chain);
  bool insert_chained(std::size_t table, std::string_view body);
  bool insert_parts(std::span<const StoreTable* const> parts, const RowKey& key, ByteReader& in);
  bool write_seals();

  SqliteDatabase database_;
  StoreSeals seals_;
  bool seals_changed_ = true;
  SqliteStatement begin_;
  SqliteStatement commit_;
  SqliteStatement seal_;
  SqliteStatement lifecycle_start_;
  SqliteStatement lifecycle_end_;
  SqliteStatement episode_start_;
  SqliteStatement episode_end_;
  SqliteStatement turn_;
  std::vector<SqliteStatement> parts_;    ///< in the order of kTurnParts
  std::vector<SqliteStatement> chained_;  ///< in the order of kChainedTables
};

}  // namespace turnhalle
