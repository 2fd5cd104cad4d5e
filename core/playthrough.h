// Playthroughs: a lifecycle written down as text that reads like a story, one item a line.
//
// tests/golden/SCENARIO.txt holds one for each scenario. `turnhalle golden` compares them with
// what the program does; only `turnhalle golden --update` writes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/scenario.h"
#include "core/world.h"

namespace turnhalle {

/// Makes lifecycle `index` of a run (envs/task_sequence.h has the one that programs use).
using LifecycleFactory = std::function<std::unique_ptr<Lifecycle>(
    const Scenario& scenario, const RunSeed& seed, LifecycleIndex index)>;

/// Asks a player of the environment for the reply to the world's conversation.
AgentReply reply_of(Player& player, const Conversation& conversation);

struct PlaythroughOptions {
  std::string role = "expert";  ///< a player of the environment
  RunSeed seed{1, Split::test, 0};
  LifecycleIndex lifecycle{0};
};

/// Plays the lifecycle and writes: scenario, specification and seed; then per episode its opening
/// messages, per turn reply, outcome, reward parts, events, observation, a hash of the state and
/// the hidden state; then how it ended. An error when the environment has no such player.
Result<std::string> write_playthrough(const Scenario& scenario, const PlaythroughOptions& options,
                                      const LifecycleFactory& make_lifecycle);

/// Where two texts first differ; lines and columns (in bytes) count from 1.
struct TextDifference {
  std::size_t line = 0;
  std::size_t column = 0;
  std::string expected;  ///< the line; empty past the end
  std::string found;
};
std::optional<TextDifference> first_difference(std::string_view expected, std::string_view found);
/// "FILE:LINE:COLUMN: expected "…"; found "…"".
std::string describe(const std::string& file, const TextDifference& difference);

}  // namespace turnhalle
