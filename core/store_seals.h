// What the table `meta` says about the rest of a store, so that a row that is missing is noticed.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/hash_chain.h"
#include "core/sqlite.h"
#include "core/store_schema.h"

namespace turnhalle {

struct StoreSeals {
  /// Of one table with a chain of its own: its last link and how many rows it has.
  struct Table {
    HashChain chain;
    std::int64_t rows = 0;
    bool operator==(const Table&) const = default;
  };

  HashChain lifecycles;       ///< the last links of all complete lifecycles, mixed
  std::int64_t complete = 0;  ///< how many there are
  std::array<Table, std::size(kChainedTables)> tables;

  bool operator==(const StoreSeals&) const = default;

  /// The rows of `meta`; the last one, "seal", is SHA-256 of the others.
  std::vector<std::pair<std::string, std::string>> rows() const;
  /// From `meta`; an error when a row is missing, changed or too many.
  static Result<StoreSeals> read(SqliteDatabase& database);
};

}  // namespace turnhalle
