// A thin owner of SQLite's handles, with errors that say what is wrong with the file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace turnhalle {

/// One prepared statement. Indices of parameters and columns count from 0.
class SqliteStatement {
 public:
  enum class Step : std::uint8_t { row, done, error };
  /// What a column holds.
  enum class Kind : std::uint8_t { integer, real, text, blob, null };

  SqliteStatement() = default;
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}

  void bind(int parameter, std::int64_t value);
  void bind(int parameter, double value);
  /// The bytes stay the caller's and must live until reset().
  void bind_text(int parameter, std::string_view text);
  void bind_blob(int parameter, std::string_view bytes);
  void bind_null(int parameter);

  Step step();
  /// Ready to run again; keeps what is bound.
  void reset();
  /// Runs a statement that gives no rows, and resets it.
  bool run();

  int columns() const;
  Kind kind(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  /// Text or blob; valid until the next step() or reset().
  std::string_view bytes(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// One connection, used by one thread at a time.
class SqliteDatabase {
 public:
  enum class Mode : std::uint8_t {
    create,  ///< a new file
    write,   ///< an existing one
    read,    ///< never writes; also where the folder cannot be written
  };
  static Result<SqliteDatabase> open(const std::string& path, Mode mode);
  /// Removes a database's files, those that are there; the database is not open.
  static void remove(const std::string& path);
  /// An empty database in memory.
  static Result<SqliteDatabase> open_memory();

  Status execute(const std::string& sql);
  Result<SqliteStatement> prepare(std::string_view sql);
  /// The single integer that a statement gives.
  Result<std::int64_t> integer(std::string_view sql);
  /// Moves the content of the write-ahead log into the file; truncates the log if asked.
  Status checkpoint(bool truncate);
  /// Pages in the write-ahead log after the last commit.
  std::int64_t log_pages() const { return *log_pages_; }
  /// The last error in plain words, with the file's name.
  Error error() const;
  const std::string& path() const { return path_; }
  sqlite3* handle() const { return database_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  SqliteDatabase(sqlite3* database, std::string path);
  std::string path_;
  std::unique_ptr<std::int64_t> log_pages_;
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace turnhalle
