// Reading stores of schema version 1, which had a row for every turn, message and reward; used to
// bring them up to date (store_migration.h).
#pragma once

#include <cstdint>

#include "core/read_connection.h"

namespace turnhalle {

/// One lifecycle of a store of version 1 with the damage that its chain of hashes shows.
Result<StoredLifecycle> read_v1_lifecycle(ReadConnection& connection, std::int64_t number);

}  // namespace turnhalle
