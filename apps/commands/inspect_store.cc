#include "apps/commands/inspect_store.h"

#include <algorithm>
#include <iostream>
#include <memory>

#include "apps/output.h"
#include "apps/recording.h"
#include "core/store_reader.h"

namespace turnhalle::app {
namespace {

struct StoreOptions {
  std::string store;
  bool check = false;
  bool migrate = false;
  std::optional<std::string> query;
  OutputOptions output;
};

struct StoreFacts {
  std::vector<std::pair<std::string, std::int64_t>> counts;
  std::int64_t complete = 0;
  Json forks = Json::array();  ///< rows of lifecycle, store, lifecycle, episode, turn
  IntegrityReport integrity;
};

Result<StoreFacts> read_facts(const StoreReader& store) {
  StoreFacts facts;
  auto counts = store.counts();
  if (!counts) {
    return counts.error();
  }
  facts.counts = std::move(*counts);
  auto lifecycles = store.lifecycles();
  if (!lifecycles) {
    return lifecycles.error();
  }
  for (const LifecycleSummary& summary : *lifecycles) facts.complete += summary.complete ? 1 : 0;
  Result<Json> forks = store.query(
      "SELECT lifecycle, parent_store, parent_lifecycle, episode, turn FROM forks ORDER BY id");
  if (!forks) {
    return forks.error();
  }
  facts.forks = std::move(*forks);
  Result<IntegrityReport> integrity = store.check_integrity();
  if (!integrity) {
    return integrity.error();
  }
  facts.integrity = std::move(*integrity);
  return facts;
}

Json to_json(const StoreOptions& options, const StoreReader& store, const StoreFacts& facts) {
  Json counts = Json::object();
  Json tables = Json::array();
  for (const auto& [table, rows] : facts.counts) {
    counts[table] = rows;
    tables.push_back(table);
  }
  Json damage = Json::array();
  for (const Damage& item : facts.integrity.damage) {
    damage.push_back({{"lifecycle", item.lifecycle},
                      {"episode", item.episode},
                      {"turn", item.turn},
                      {"what", item.what}});
  }
  Json runs = Json::array();
  for (const StoredRun& run : store.runs()) {
    runs.push_back({{"id", run.info.id},
                    {"command", run.info.command},
                    {"scenario", run.info.scenario_name},
                    {"agent", run.info.agent},
                    {"seed", run.info.seed},
                    {"split", run.info.split},
                    {"trial", run.info.trial},
                    {"program", run.info.program}});
  }
  Json forks = Json::array();
  for (const Json& row : facts.forks) {
    forks.push_back({{"lifecycle", row[0]},
                     {"parent_store", row[1]},
                     {"parent_lifecycle", row[2]},
                     {"episode", row[3]},
                     {"turn", row[4]}});
  }
  return {{"command", "inspect store"},
          {"store", options.store},
          {"forks", std::move(forks)},
          {"schema_version", store.schema_version()},
          {"tables", std::move(tables)},
          {"counts", std::move(counts)},
          {"runs", std::move(runs)},
          {"lifecycles_complete", facts.complete},
          {"integrity",
           {{"ok", facts.integrity.ok()},
            {"sqlite_ok", facts.integrity.sqlite_ok},
            {"lifecycles", facts.integrity.lifecycles},
            {"turns", facts.integrity.turns},
            {"damage", std::move(damage)}}}};
}

// The lineage, shortened when it is long.
std::string forks_text(const Json& forks) {
  constexpr std::size_t kShown = 20;
  const auto text = [](const Json& cell) {
    return cell.is_string() ? cell.get<std::string>() : cell.dump();
  };
  Table table({">lifecycle", "forked from", ">lifecycle", ">episode", ">turn"});
  for (std::size_t i = 0; i < std::min(kShown, forks.size()); ++i) {
    const Json& row = forks[i];
    table.row({text(row[0]), text(row[1]), text(row[2]), text(row[3]), text(row[4])});
  }
  const std::size_t left = forks.size() - std::min(kShown, forks.size());
  return "\n" + table.text() + (left > 0 ? "and " + std::to_string(left) + " more\n" : "");
}

void print_for_people(const StoreOptions& options, const StoreReader& store,
                      const StoreFacts& facts) {
  std::cout << options.store << ", schema version " << store.schema_version() << "\n\n";
  Table runs({">run", "command", "scenario", "agent", ">seed", "split", ">trial"});
  for (const StoredRun& run : store.runs()) {
    runs.row({std::to_string(run.number.value), run.info.command, run.info.scenario_name,
              run.info.agent, std::to_string(run.info.seed), run.info.split,
              std::to_string(run.info.trial)});
  }
  Table tables({"table", ">rows"});
  for (const auto& [table, rows] : facts.counts) tables.row({table, grouped(rows)});
  std::cout << runs.text() << "\n" << tables.text() << "\n" << grouped(facts.complete)
            << " complete lifecycles\n";
  if (!facts.forks.empty()) std::cout << forks_text(facts.forks);
  if (facts.integrity.ok()) {
    std::cout << "intact: " << grouped(facts.integrity.lifecycles) << " chains of hashes hold\n";
  }
  for (const Damage& item : facts.integrity.damage) {
    std::cout << "DAMAGED: lifecycle " << item.lifecycle << ", episode " << item.episode
              << ", turn " << item.turn << ": " << item.what << "\n";
  }
  if (!facts.integrity.sqlite_ok) {
    std::cout << "DAMAGED: SQLite's own checks fail\n";
  }
  std::cout << std::flush;
}

CommandResult inspect(const StoreOptions& options) {
  if (options.migrate) {
    Result<bool> migrated = Store::migrate(options.store);
    if (!migrated) {
      return migrated.error();
    }
    print_remark(options.output, *migrated ? options.store + " is up to date; the old store is " +
                                                 options.store + ".v1"
                                           : options.store + " was up to date");
  }
  Result<StoreReader> store = StoreReader::open(options.store);
  if (!store) {
    return store.error();
  }
  if (options.query) {
    Result<Json> rows = store->query(*options.query);
    if (!rows) {
      return rows.error();
    }
    print_json({{"command", "inspect store"}, {"rows", std::move(*rows)}});
    return 0;
  }
  Result<StoreFacts> facts = read_facts(*store);
  if (!facts) {
    return failed(facts.error());
  }
  if (options.output.json) {
    print_json(to_json(options, *store, *facts));
  } else {
    print_for_people(options, *store, *facts);
  }
  return facts->integrity.ok() ? 0 : 1;
}

}  // namespace

void add_inspect_store(CommandLine& line) {
  const auto options = std::make_shared<StoreOptions>();
  Arguments store = line.command("inspect store", "What a store holds, and whether it is intact");
  store.positional("STORE", options->store, "store file");
  store.flag("--check", options->check, "the same: the check is always made");
  store.flag("--migrate", options->migrate, "first bring a store of an earlier version up to date");
  store.text("--query", options->query, "one SELECT; its rows as JSON");
  add_output_options(store, options->output);
  store.action([options] { return inspect(*options); });
}

}  // namespace turnhalle::app
