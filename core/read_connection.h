// The connection behind a StoreReader.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/hash_chain.h"
#include "core/sqlite.h"
#include "core/store_reader.h"
#include "core/store_rows.h"
#include "core/store_schema.h"

namespace turnhalle {

/// Holds one state of the file still while several tables are read.
class ReadTransaction {
 public:
  explicit ReadTransaction(SqliteDatabase& database);
  ~ReadTransaction();
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;
  const Status& status() const { return status_; }

 private:
  SqliteDatabase& database_;
  Status status_;
};

class ReadConnection {
 public:
  ReadConnection(SqliteDatabase source, std::vector<StoredRun> run_list)
      : database(std::move(source)), runs(std::move(run_list)) {}

  /// See StoreReader.
  Result<StoredLifecycle> lifecycle(std::int64_t number);
  Result<IntegrityReport> check_integrity();
  std::vector<Damage> table_damage();
  /// lifecycle() within the caller's transaction.
  Result<StoredLifecycle> read_lifecycle(std::int64_t number);
  /// A statement that selects a lifecycle's rows of a table: keys, columns, then `extra`.
  Result<SqliteStatement*> rows_of(const StoreTable& table, std::string_view extra);

  std::mutex mutex;  ///< held by whoever uses the connection
  SqliteDatabase database;
  const std::vector<StoredRun> runs;

 private:
  std::map<std::string, SqliteStatement> statements_;
};

/// Appends columns of the current row, from `column` on, as store_rows.h describes; false when a
/// column holds another type than it should.
bool append_columns(std::string& out, const SqliteStatement& row, int column,
                    std::string_view types);

}  // namespace turnhalle
