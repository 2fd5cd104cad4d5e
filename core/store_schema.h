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
inline constexpr std::int64_t kStoreSchemaVersion = 2;

/// One table. `types` has a letter for each column after the keys:
///   i integer   r real   R real or null   t text   b blob
struct StoreTable {
  std::string_view name;
  std::string_view keys;     ///< integer columns that name a row, separated by ", "
  std::string_view columns;  ///< the others but `chain`, in order
  std::string_view types;
};

// What a lifecycle gathered between two commits, as JSON arrays (store_text.h).
inline constexpr StoreTable kChunks{"chunks", "lifecycle, chunk",
                                    "lines, texts, openings, turns, endings, marks", "tttttb"};
inline constexpr StoreTable kTokens{"tokens", "lifecycle, episode, turn",
                                    "observed, sampled, weight_version, data", "iiib"};

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

/// Names of all tables, and of the views that show a chunk's content as rows, in the order of the
/// documentation.
std::span<const std::string_view> store_table_names();
/// The statements that make an empty store, without pragmas.
const std::string& store_schema_statements();

}  // namespace turnhalle
