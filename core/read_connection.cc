#include "core/read_connection.h"

namespace turnhalle {
namespace {

using Kind = SqliteStatement::Kind;

Kind expected_kind(char type) {
  switch (type) {
    case 'i': return Kind::integer;
    case 't': return Kind::text;
    case 'b': return Kind::blob;
    default: return Kind::real;
  }
}

}  // namespace

ReadTransaction::ReadTransaction(SqliteDatabase& database)
    : database_(database), status_(database.execute("BEGIN")) {}
ReadTransaction::~ReadTransaction() {
  if (status_) {
    static_cast<void>(database_.execute("COMMIT"));
  }
}

bool append_columns(std::string& out, const SqliteStatement& row, int column,
                    std::string_view types) {
  ByteWriter bytes(out);
  bool good = true;
  for (const char type : types) {
    const Kind kind = row.kind(column);
    const bool is_null = kind == Kind::null && type == 'R';
    good = good && (is_null || kind == expected_kind(type));
    switch (type) {
      case 'i': bytes.i64(row.integer(column)); break;
      case 'r': bytes.f64(row.real(column)); break;
      case 't':
      case 'b': bytes.string(row.bytes(column)); break;
      default:
        bytes.boolean(!is_null);
        if (!is_null) {
          bytes.f64(row.real(column));
        }
    }
    ++column;
  }
  return good;
}

Result<SqliteStatement*> ReadConnection::rows_of(const StoreTable& table, std::string_view extra) {
  const std::string keys(table.keys);
  std::string sql = "SELECT " + keys + ", " + std::string(table.columns);
  if (!extra.empty()) {
    sql += ", " + std::string(extra);
  }
  sql += " FROM " + std::string(table.name) + " WHERE lifecycle = ? ORDER BY " + keys;
  const auto known = statements_.find(sql);
  if (known != statements_.end()) {
    return &known->second;
  }
  auto statement = database.prepare(sql);
  if (!statement) {
    return statement.error();
  }
  return &statements_.emplace(sql, std::move(*statement)).first->second;
}

}  // namespace turnhalle
