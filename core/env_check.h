// The list that every environment passes: run by tests/conformance over all scenarios, and by
// `turnhalle check` on a user's own.
//
// The checks (names as reported):
//   players          expert and random exist, as does every role that the registry lists
//   repeatable       same seed, same bytes; among eight other seeds one gives different bytes
//   threads          four threads give the bytes that one gives
//   neighbours       two worlds played in turns give the bytes that each gives alone
//   fresh            an episode does not depend on those that its environment played before
//   snapshots        save, load, save is byte-equal at turns 0 to 10 and at powers of two; cut
//                    bytes are refused
//   forks            a fork given its parent's replies stays equal to it; given others it does
//                    not touch it
//   expert           legal in every turn, readable in every update, better than random play
//   rewards          steps add up to the episode, parts to their sum, all within the bounds
//   limits           no episode has more turns than its limit
//   hostile          empty, huge, broken and out-of-range replies end in a defined outcome with
//                    well-formed text
//   ended            nothing changes after the end of an episode
//   options          an unknown option is refused, by name
//   chunks           the pieces of the compact style cover all text (where a list is given)
//
// A scenario's latencies, faults and events are left out where the environment itself is judged
// (fresh, ended, hostile, chunks, expert).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/playthrough.h"
#include "core/registry.h"
#include "core/scenario.h"

namespace turnhalle {

/// One line of the report.
struct CheckLine {
  std::string name;
  bool passed = true;
  std::string detail;  ///< what was found: the first failure, or what was measured
};

struct EnvironmentCheckOptions {
  std::uint64_t seed = 1;
  std::int64_t lifecycles = 4;           ///< of most checks
  std::int64_t scored_lifecycles = 200;  ///< for comparing expert and random play
  std::int64_t episodes_before = 1000;   ///< of the check "fresh"
};

/// Runs the whole list. Takes seconds; never stops early.
std::vector<CheckLine> check_environment(const Scenario& scenario,
                                         const EnvironmentRegistry& registry,
                                         const LifecycleFactory& make_lifecycle,
                                         const EnvironmentCheckOptions& options = {});

/// Splits text at the longest matching piece; returns how many pieces, or −1 when a byte is left
/// over at `stuck`.
std::int64_t count_pieces(std::string_view text, const std::vector<std::string>& pieces,
                          std::size_t* stuck = nullptr);

}  // namespace turnhalle
