#include "core/store_seals.h"

#include <map>

#include "core/sha256.h"
#include "core/text.h"

namespace turnhalle {
namespace {

std::int64_t number_in(const std::map<std::string, std::string>& rows, const std::string& key) {
  const auto found = rows.find(key);
  std::int64_t value = 0;
  return found != rows.end() && parse_integer(found->second, value) ? value : -1;
}

HashChain chain_in(const std::map<std::string, std::string>& rows, const std::string& key) {
  const auto found = rows.find(key);
  return found == rows.end() ? HashChain() : HashChain(from_hex(found->second));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> StoreSeals::rows() const {
  std::vector<std::pair<std::string, std::string>> rows;
  rows.emplace_back("rows.lifecycles", std::to_string(complete));
  rows.emplace_back("chain.lifecycles", lifecycles.hexdigits());
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const std::string name(kChainedTables[i]->name);
    rows.emplace_back("rows." + name, std::to_string(tables[i].rows));
    rows.emplace_back("chain." + name, tables[i].chain.hexdigits());
  }
  std::string all;
  for (const auto& [key, value] : rows) {
    all += key + "=" + value + "\n";
  }
  rows.emplace_back("seal", sha256_hex(all));
  return rows;
}

Result<StoreSeals> StoreSeals::read(SqliteDatabase& database) {
  auto statement = database.prepare("SELECT key, value FROM meta");
  if (!statement) {
    return statement.error();
  }
  std::map<std::string, std::string> stored;
  SqliteStatement::Step step = statement->step();
  for (; step == SqliteStatement::Step::row; step = statement->step()) {
    stored.emplace(statement->bytes(0), statement->bytes(1));
  }
  if (step == SqliteStatement::Step::error) {
    return database.error();
  }
  StoreSeals seals;
  seals.complete = number_in(stored, "rows.lifecycles");
  seals.lifecycles = chain_in(stored, "chain.lifecycles");
  for (std::size_t i = 0; i < seals.tables.size(); ++i) {
    const std::string name(kChainedTables[i]->name);
    seals.tables[i].rows = number_in(stored, "rows." + name);
    seals.tables[i].chain = chain_in(stored, "chain." + name);
  }
  std::map<std::string, std::string> expected;
  for (auto& [key, value] : seals.rows()) {
    expected.emplace(key, value);
  }
  if (stored != expected) {
    return Error{database.path(), "table meta is damaged: its seal does not fit its rows"};
  }
  return seals;
}

}  // namespace turnhalle
