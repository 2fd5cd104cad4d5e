// Bringing a store of an earlier schema version up to date.
#pragma once

#include <string>

#include "core/result.h"

namespace turnhalle {

/// Whether a file is a store of an earlier version that migrate_store_file() can read. An error
/// when it is no store at all.
Result<bool> needs_migration(const std::string& path);

/// Writes the store anew in the present version and puts it in the place of the old one, which
/// stays beside it as FILE.v1. Everything is checked on the way: a store that is damaged is left
/// as it is. The caller holds the store's lock. A crash leaves the old store or the new one.
Status migrate_store_file(const std::string& path);

}  // namespace turnhalle
