// The search for damage in a whole store.
#include <set>

#include "core/read_connection.h"
#include "core/store_seals.h"

namespace turnhalle {
namespace {

using Step = SqliteStatement::Step;

constexpr std::size_t kDamageMax = 100;

/// Checks one part after the other and gathers what it finds.
class IntegrityCheck {
 public:
  explicit IntegrityCheck(ReadConnection& connection) : connection_(connection) {}
  IntegrityReport run();
  /// Without SQLite's own checks and without reading lifecycles.
  std::vector<Damage> run_tables();

 private:
  void check_file();
  void check_schema();
  void check_seals();
  void check_chained(std::size_t table);
  void check_lifecycles();
  void count_lifecycles();
  void add(Damage damage);
  void add(const std::string& what) { add(Damage{-1, -1, -1, what}); }

  ReadConnection& connection_;
  IntegrityReport report_;
  StoreSeals found_;
};

void IntegrityCheck::add(Damage damage) {
  if (report_.damage.size() < kDamageMax) {
    report_.damage.push_back(std::move(damage));
  }
}

IntegrityReport IntegrityCheck::run() {
  check_file();
  run_tables();
  check_lifecycles();
  return std::move(report_);
}

std::vector<Damage> IntegrityCheck::run_tables() {
  check_schema();
  for (std::size_t table = 0; table < std::size(kChainedTables); ++table) {
    check_chained(table);
  }
  count_lifecycles();
  check_seals();
  return report_.damage;
}

void IntegrityCheck::check_file() {
  report_.sqlite_ok = true;
  auto rows = connection_.database.prepare("PRAGMA integrity_check(10)");
  Step step = rows ? rows->step() : Step::error;
  for (; step == Step::row; step = rows->step()) {
    if (rows->bytes(0) != "ok") {
      report_.sqlite_ok = false;
      add("SQLite: " + std::string(rows->bytes(0)));
    }
  }
  auto keys = connection_.database.prepare("PRAGMA foreign_key_check");
  Step key = keys ? keys->step() : Step::error;
  for (int count = 0; key == Step::row && count < 10; key = keys->step(), ++count) {
    report_.sqlite_ok = false;
    add("a row of " + std::string(keys->bytes(0)) + " belongs to no row of " +
        std::string(keys->bytes(2)));
  }
  if (step == Step::error || key == Step::error) {
    report_.sqlite_ok = false;
    add(connection_.database.error().message);
  }
}

// The schema is the one that an empty store gets, word for word.
void IntegrityCheck::check_schema() {
  const auto read = [](SqliteDatabase& database) {
    std::set<std::string> lines;
    auto rows = database.prepare("SELECT coalesce(sql, name) FROM sqlite_schema");
    while (rows && rows->step() == Step::row) {
      lines.emplace(rows->bytes(0));
    }
    return lines;
  };
  auto empty = SqliteDatabase::open_memory();
  if (!empty || !empty->execute(store_schema_statements()) ||
      read(*empty) != read(connection_.database)) {
    add("the schema is not that of a store");
  }
}

void IntegrityCheck::check_chained(std::size_t table) {
  const StoreTable& spec = *kChainedTables[table];
  StoreSeals::Table& seal = found_.tables[table];
  const std::string name(spec.name);
  auto rows = connection_.database.prepare("SELECT id, " + std::string(spec.columns) +
                                           ", chain FROM " + name + " ORDER BY id");
  Step step = rows ? rows->step() : Step::error;
  for (; step == Step::row; step = rows->step()) {
    std::string covered;
    ByteWriter(covered).i64(seal.rows);
    const bool typed = append_columns(covered, *rows, 1, spec.types);
    seal.chain.add(covered);
    const std::string_view stored =
        rows->bytes(1 + static_cast<int>(spec.types.size()));
    if (!typed || rows->integer(0) != seal.rows || seal.chain.link() != stored) {
      add("table " + name + ", row " + std::to_string(rows->integer(0)) +
          ": its bytes do not fit its hash");
      seal.chain = HashChain(stored);
    }
    ++seal.rows;
  }
  if (step == Step::error) {
    add("table " + name + ": " + connection_.database.error().message);
  }
}

void IntegrityCheck::count_lifecycles() {
  auto rows = connection_.database.prepare("SELECT chain FROM lifecycles");
  Step step = rows ? rows->step() : Step::error;
  for (; step == Step::row; step = rows->step()) {
    if (rows->bytes(0).size() == HashChain::kBytes) {
      found_.lifecycles.mix(rows->bytes(0));
      ++found_.complete;
    }
  }
  if (step == Step::error) {
    add("table lifecycles: " + connection_.database.error().message);
  }
}

void IntegrityCheck::check_lifecycles() {
  auto rows = connection_.database.prepare("SELECT id FROM lifecycles ORDER BY id");
  Step step = rows ? rows->step() : Step::error;
  for (; step == Step::row; step = rows->step()) {
    const auto lifecycle = connection_.read_lifecycle(rows->integer(0));
    if (!lifecycle) {
      add({rows->integer(0), -1, -1, lifecycle.error().message});
      continue;
    }
    ++report_.lifecycles;
    for (const StoredEpisode& episode : lifecycle->episodes) {
      report_.turns += static_cast<std::int64_t>(episode.turns.size());
    }
    for (const Damage& damage : lifecycle->damage) {
      add(damage);
    }
  }
}

void IntegrityCheck::check_seals() {
  const auto seals = StoreSeals::read(connection_.database);
  if (!seals) {
    add(seals.error().message);
    return;
  }
  if (seals->lifecycles != found_.lifecycles || seals->complete != found_.complete) {
    add("table lifecycles: a complete lifecycle is missing or changed");
  }
  for (std::size_t i = 0; i < found_.tables.size(); ++i) {
    if (!(seals->tables[i] == found_.tables[i])) {
      add("table " + std::string(kChainedTables[i]->name) +
          ": its last rows are missing or changed");
    }
  }
}

}  // namespace

std::vector<Damage> ReadConnection::table_damage() {
  const ReadTransaction transaction(database);
  if (!transaction.status()) {
    return {{-1, -1, -1, transaction.status().error().message}};
  }
  return IntegrityCheck(*this).run_tables();
}

Result<IntegrityReport> ReadConnection::check_integrity() {
  const ReadTransaction transaction(database);
  if (!transaction.status()) {
    return transaction.status().error();
  }
  return IntegrityCheck(*this).run();
}

}  // namespace turnhalle
