// The tables of a store, as SQL and as a description that writing and checking share.
//
// Writing and checking turn a row into bytes by the same description, so that no column can be
// stored without being covered by the chain of hashes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace turnhalle {

/// "Turn" in ASCII: PRAGMA application_id of every store.
inline constexpr std::int64_t kStoreApplicationId = 0x5475726E;
/// PRAGMA user_version. A newer one is refused.
inline constexpr std::int64_t kStoreSchemaVersion = 1;

/// One table. `types` has a letter for each column after the keys:
///   i integer   r real   R real or null   t text   b blob
struct StoreTable {
  std::string_view name;
  std::string_view keys;     ///< integer columns that name a row, separated by ", "
  std::string_view columns;  ///< the others but `chain`, in order
  std::string_view types;
};

// Rows of a lifecycle. Tables in which a turn has several rows have the key `number`: 0, 1, …
inline constexpr StoreTable kEpisodes{
    "episodes", "lifecycle, episode", "kind, position, continues, turns_max, context", "tiiit"};
inline constexpr StoreTable kEpisodeEnds{
    "episodes", "lifecycle, episode", "outcome, reward, success, turns, feedback", "tRiit"};
inline constexpr StoreTable kTurns{
    "turns", "lifecycle, episode, turn",
    "reply, failure, failure_text, latency_ns, observation, outcome, reward, asked_ns, "
    "replied_ns, finished_ns",
    "tttittriii"};
inline constexpr StoreTable kMessages{"messages", "lifecycle, episode, turn, number",
                                      "role, content, tool_call_id", "ttt"};
inline constexpr StoreTable kToolCalls{"tool_calls", "lifecycle, episode, turn, number",
                                       "message, id, name, arguments", "ittt"};
inline constexpr StoreTable kRewards{"rewards", "lifecycle, episode, turn, number", "name, value",
                                     "tr"};
inline constexpr StoreTable kEvents{"events", "lifecycle, episode, turn, number",
                                    "time_ns, sequence, kind, payload", "iiib"};
inline constexpr StoreTable kTokens{"tokens", "lifecycle, episode, turn",
                                    "observed, sampled, weight_version, data", "iiib"};

// What a row group carries beside its main row, in the order in which it is hashed.
inline constexpr const StoreTable* kStartParts[] = {&kMessages, &kToolCalls};
inline constexpr const StoreTable* kTurnParts[] = {&kMessages, &kToolCalls, &kRewards, &kEvents,
                                                   &kTokens};
inline constexpr const StoreTable* kEndParts[] = {&kRewards};

// Tables with one chain over the whole table, in the order of `id`.
inline constexpr StoreTable kRuns{
    "runs", "id",
    "name, command, scenario_name, environment, scenario, seed, split, trial, agent, program, "
    "details, first_lifecycle, lifecycles",
    "tttttititttii"};
inline constexpr StoreTable kMetrics{"metrics", "id", "step, name, value", "itR"};
inline constexpr StoreTable kAdvantages{"advantages", "id",
                                        "step, lifecycle, episode, turn, value", "iiiir"};
inline constexpr StoreTable kCheckpoints{"checkpoints", "id", "step, weight_version, path, digest",
                                         "iitt"};
inline constexpr StoreTable kForks{
    "forks", "id", "lifecycle, parent_store, parent_lifecycle, episode, turn", "itiii"};
inline constexpr const StoreTable* kChainedTables[] = {&kRuns, &kMetrics, &kAdvantages,
                                                       &kCheckpoints, &kForks};

/// Every table's name, in the order of the documentation.
std::span<const std::string_view> store_table_names();
/// The statements that make an empty store, without pragmas.
std::string_view store_schema_statements();

}  // namespace turnhalle
