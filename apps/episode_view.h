// Stored episodes as text for people, at once or turn by turn.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>

#include "core/json.h"
#include "core/store_reader.h"

namespace turnhalle::app {

/// Why a turn of an episode counted as it did: its line of credit.jsonl, or null.
using TurnCredit = std::function<const Json*(std::int64_t episode, std::int64_t turn)>;

/// Writes the episodes of a lifecycle, or one of them. With `steps` it waits after every turn for
/// a line from `in`: empty goes on, "e" to the next episode, "q" ends.
void show_lifecycle(const StoredLifecycle& lifecycle, std::optional<std::int64_t> episode,
                    const TurnCredit& credit, bool steps, std::istream& in, std::ostream& out);

}  // namespace turnhalle::app
