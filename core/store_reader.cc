#include "core/store_reader.h"

#include <mutex>
#include <utility>

#include "core/read_connection.h"
#include "core/store_tables.h"

namespace turnhalle {
namespace {

using Step = SqliteStatement::Step;

// Column 0 is the number; the rest is in the order of kRuns.
StoredRun run_from(const SqliteStatement& row) {
  StoredRun run;
  run.number.value = row.integer(0);
  run.info.id = row.bytes(1);
  run.info.command = row.bytes(2);
  run.info.scenario_name = row.bytes(3);
  run.info.environment = row.bytes(4);
  auto scenario = parse_json(std::string(row.bytes(5)));
  run.info.scenario = scenario ? std::move(scenario->root) : Json();
  run.info.seed = static_cast<std::uint64_t>(row.integer(6));
  run.info.split = row.bytes(7);
  run.info.trial = row.integer(8);
  run.info.agent = row.bytes(9);
  run.info.program = row.bytes(10);
  auto details = parse_json(std::string(row.bytes(11)));
  run.info.details = details ? std::move(details->root) : Json();
  run.first_lifecycle = row.integer(12);
  run.info.lifecycles = row.integer(13);
  return run;
}

Result<std::vector<StoredRun>> read_runs(SqliteDatabase& database) {
  auto rows = database.prepare("SELECT id, " + std::string(kRuns.columns) +
                               " FROM runs ORDER BY id");
  if (!rows) {
    return rows.error();
  }
  std::vector<StoredRun> runs;
  Step step = rows->step();
  for (; step == Step::row; step = rows->step()) {
    runs.push_back(run_from(*rows));
  }
  if (step == Step::error) {
    return database.error();
  }
  return runs;
}

Json cell(const SqliteStatement& row, int column) {
  switch (row.kind(column)) {
    case SqliteStatement::Kind::integer: return row.integer(column);
    case SqliteStatement::Kind::real: return row.real(column);
    case SqliteStatement::Kind::text: return std::string(row.bytes(column));
    case SqliteStatement::Kind::blob: return "(" + std::to_string(row.bytes(column).size()) +
                                             " bytes)";
    case SqliteStatement::Kind::null: break;
  }
  return nullptr;
}

}  // namespace

TurnRecord StoredTurn::record(std::int64_t episode, std::int64_t turn) const {
  return {episode, turn, reply, result, asked, replied, finished, events};
}

StoreReader::StoreReader(std::unique_ptr<ReadConnection> connection)
    : connection_(std::move(connection)) {}
StoreReader::StoreReader(StoreReader&&) noexcept = default;
StoreReader& StoreReader::operator=(StoreReader&&) noexcept = default;
StoreReader::~StoreReader() = default;

Result<StoreReader> StoreReader::open(const std::string& path) {
  auto database = SqliteDatabase::open(path, SqliteDatabase::Mode::read);
  if (!database) {
    return database.error();
  }
  Status status = check_store_schema(*database);
  if (status) {
    // Some versions of SQLite (3.40) call json_extract unsafe in a view unless the schema is
    // trusted. This program adds no functions and loads no extensions that a view could misuse.
    status = database->execute(
        "PRAGMA query_only = ON; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = ON");
  }
  if (!status) {
    return status.error();
  }
  auto runs = read_runs(*database);
  if (!runs) {
    return runs.error();
  }
  return StoreReader(std::make_unique<ReadConnection>(std::move(*database), std::move(*runs)));
}

const std::string& StoreReader::path() const { return connection_->database.path(); }
std::int64_t StoreReader::schema_version() const { return kStoreSchemaVersion; }
const std::vector<StoredRun>& StoreReader::runs() const { return connection_->runs; }

Result<std::vector<LifecycleSummary>> StoreReader::lifecycles() const {
  const std::lock_guard guard(connection_->mutex);
  auto rows = connection_->database.prepare(
      "SELECT id, run, number, chain IS NOT NULL FROM lifecycles ORDER BY id");
  if (!rows) {
    return rows.error();
  }
  std::vector<LifecycleSummary> list;
  Step step = rows->step();
  for (; step == Step::row; step = rows->step()) {
    list.push_back({rows->integer(0), {rows->integer(1)}, {rows->integer(2)},
                    rows->integer(3) != 0});
  }
  if (step == Step::error) {
    return connection_->database.error();
  }
  return list;
}

Result<StoredLifecycle> StoreReader::lifecycle(std::int64_t number) const {
  const std::lock_guard guard(connection_->mutex);
  return connection_->lifecycle(number);
}

Result<std::vector<std::pair<std::string, std::int64_t>>> StoreReader::counts() const {
  const std::lock_guard guard(connection_->mutex);
  std::vector<std::pair<std::string, std::int64_t>> counts;
  for (const std::string_view table : store_table_names()) {
    const auto rows = connection_->database.integer("SELECT count(*) FROM " + std::string(table));
    if (!rows) {
      return rows.error();
    }
    counts.emplace_back(table, *rows);
  }
  return counts;
}

Result<IntegrityReport> StoreReader::check_integrity() const {
  const std::lock_guard guard(connection_->mutex);
  return connection_->check_integrity();
}

std::vector<Damage> StoreReader::table_damage() const {
  const std::lock_guard guard(connection_->mutex);
  return connection_->table_damage();
}

Result<Json> StoreReader::query(const std::string& sql) const {
  const std::lock_guard guard(connection_->mutex);
  auto rows = connection_->database.prepare(sql);
  if (!rows) {
    return rows.error();
  }
  Json table = Json::array();
  Step step = rows->step();
  for (; step == Step::row; step = rows->step()) {
    Json line = Json::array();
    for (int column = 0; column < rows->columns(); ++column) {
      line.push_back(cell(*rows, column));
    }
    table.push_back(std::move(line));
  }
  if (step == Step::error) {
    return connection_->database.error();
  }
  return table;
}

}  // namespace turnhalle
