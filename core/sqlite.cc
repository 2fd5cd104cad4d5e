#include "core/sqlite.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "core/check.h"
#include "core/text.h"

namespace turnhalle {
namespace {

std::string system_words(sqlite3* database) {
  const int number = sqlite3_system_errno(database);
  return number == 0 ? "" : std::string(" (") + std::strerror(number) + ")";
}

std::string words_of(int code, sqlite3* database) {
  switch (code & 0xFF) {
    case SQLITE_FULL: return "the disk is full";
    case SQLITE_READONLY: return "the file or its folder cannot be written";
    case SQLITE_PERM: return "access is denied";
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return "another process is writing this file";
    case SQLITE_NOTADB: return "this is not a store (not an SQLite file)";
    case SQLITE_CORRUPT: return "the file is damaged";
    case SQLITE_CANTOPEN: return "the file cannot be opened" + system_words(database);
    case SQLITE_IOERR: return "input/output error" + system_words(database);
    default: return sqlite3_errmsg(database);
  }
}

// A file in write-ahead mode needs its helper files. In a folder that cannot be written it is
// read as it is, which is right only when no log is left beside it.
bool needs_immutable(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder =
      slash == std::string::npos ? "." : (slash == 0 ? "/" : path.substr(0, slash));
  struct stat log {};
  const bool log_is_there = stat((path + "-wal").c_str(), &log) == 0 && log.st_size > 0;
  return !log_is_there && access(folder.c_str(), W_OK) != 0;
}

// The path as a file: URI, with everything escaped that has a meaning in one.
std::string uri_of(const std::string& path, const char* query) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string uri = "file:";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '%' || c == '?' || c == '#' || byte < 0x21 || byte > 0x7E) {
      uri += '%';
      uri += kDigits[byte >> 4];
      uri += kDigits[byte & 15];
    } else {
      uri += c;
    }
  }
  return uri + query;
}

}  // namespace

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void SqliteStatement::bind(int parameter, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), parameter + 1, value);
}
void SqliteStatement::bind(int parameter, double value) {
  sqlite3_bind_double(statement_.get(), parameter + 1, value);
}
void SqliteStatement::bind_text(int parameter, std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();
  sqlite3_bind_text64(statement_.get(), parameter + 1, data, text.size(), SQLITE_STATIC,
                      SQLITE_UTF8);
}
void SqliteStatement::bind_blob(int parameter, std::string_view bytes) {
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  sqlite3_bind_blob64(statement_.get(), parameter + 1, data, bytes.size(), SQLITE_STATIC);
}
void SqliteStatement::bind_null(int parameter) {
  sqlite3_bind_null(statement_.get(), parameter + 1);
}

SqliteStatement::Step SqliteStatement::step() {
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW: return Step::row;
    case SQLITE_DONE: return Step::done;
    default: return Step::error;
  }
}
void SqliteStatement::reset() { sqlite3_reset(statement_.get()); }
bool SqliteStatement::run() {
  const bool done = step() == Step::done;
  const int code = sqlite3_reset(statement_.get());
  return done && code == SQLITE_OK;
}

int SqliteStatement::columns() const { return sqlite3_column_count(statement_.get()); }
SqliteStatement::Kind SqliteStatement::kind(int column) const {
  switch (sqlite3_column_type(statement_.get(), column)) {
    case SQLITE_INTEGER: return Kind::integer;
    case SQLITE_FLOAT: return Kind::real;
    case SQLITE_TEXT: return Kind::text;
    case SQLITE_BLOB: return Kind::blob;
    default: return Kind::null;
  }
}
std::int64_t SqliteStatement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}
double SqliteStatement::real(int column) const {
  return sqlite3_column_double(statement_.get(), column);
}
std::string_view SqliteStatement::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return data == nullptr ? std::string_view()
                         : std::string_view(static_cast<const char*>(data),
                                            static_cast<std::size_t>(size));
}

void SqliteDatabase::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

SqliteDatabase::SqliteDatabase(sqlite3* database, std::string path)
    : path_(std::move(path)),
      log_pages_(std::make_unique<std::int64_t>(0)),
      database_(database) {}

void SqliteDatabase::remove(const std::string& path) {
  for (const char* ending : {"", "-wal", "-shm"}) unlink((path + ending).c_str());
}

Result<SqliteDatabase> SqliteDatabase::open(const std::string& path, Mode mode) {
  struct stat status {};
  const bool there = stat(path.c_str(), &status) == 0;
  if (mode != Mode::create && !there) {
    return Error{path, "expected a store; found no file of this name"};
  }
  if (there && !S_ISREG(status.st_mode)) {
    return Error{path, "expected a store; found something that is not a regular file"};
  }
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE;
  flags |= mode == Mode::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  flags |= mode == Mode::create ? SQLITE_OPEN_CREATE : 0;
  const bool immutable = mode == Mode::read && needs_immutable(path);
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(uri_of(path, immutable ? "?immutable=1" : "").c_str(), &raw,
                                   flags, nullptr);
  SqliteDatabase database(raw, path);
  if (code != SQLITE_OK) {
    return Error{path, words_of(code, raw)};
  }
  // The one that writes moves the log itself; a reader never does.
  sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_busy_timeout(raw, 5000);
  sqlite3_wal_autocheckpoint(raw, 0);
  sqlite3_wal_hook(
      raw,
      [](void* pages, sqlite3*, const char*, int count) {
        *static_cast<std::int64_t*>(pages) = count;
        return SQLITE_OK;
      },
      database.log_pages_.get());
  return database;
}

Result<SqliteDatabase> SqliteDatabase::open_memory() {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open(":memory:", &raw);
  SqliteDatabase database(raw, ":memory:");
  if (code != SQLITE_OK) {
    return Error{":memory:", words_of(code, raw)};
  }
  return database;
}

Status SqliteDatabase::execute(const std::string& sql) {
  if (sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return error();
  }
  return ok_status();
}

Result<SqliteStatement> SqliteDatabase::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v3(handle(), sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &raw, nullptr) != SQLITE_OK) {
    return error();
  }
  return SqliteStatement(raw);
}

Result<std::int64_t> SqliteDatabase::integer(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) {
    return statement.error();
  }
  if (statement->step() != SqliteStatement::Step::row) {
    return error();
  }
  return statement->integer(0);
}

Status SqliteDatabase::checkpoint(bool truncate) {
  const int mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
  const int code = sqlite3_wal_checkpoint_v2(handle(), nullptr, mode, nullptr, nullptr);
  // A reader may hold the log; the pages stay in it, which is as durable.
  if (code != SQLITE_OK && (code & 0xFF) != SQLITE_BUSY) {
    return error();
  }
  return ok_status();
}

Error SqliteDatabase::error() const {
  return Error{path_, words_of(sqlite3_extended_errcode(handle()), handle())};
}

}  // namespace turnhalle
