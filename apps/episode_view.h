// Stored episodes as text for people, at once or turn by turn.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>

#include "core/store_reader.h"

namespace turnhalle::app {

/// Writes the episodes of a lifecycle, or one of them. With `steps` it waits after every turn for
/// a line from `in`: empty goes on, "e" to the next episode, "q" ends.
void show_lifecycle(const StoredLifecycle& lifecycle, std::optional<std::int64_t> episode,
                    bool steps, std::istream& in, std::ostream& out);

}  // namespace turnhalle::app
