// The reading side of a store: runs, lifecycles, counts, and the search for damage.
//
// A reader never writes and never checkpoints; it may read while the store is being written.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/store.h"

namespace turnhalle {

/// A run as it is stored.
struct StoredRun {
  RunNumber number;
  RunInfo info;
  std::int64_t first_lifecycle = 0;  ///< number in the store of the run's lifecycle 0
};

struct StoredTurn {
  AgentReply reply;
  StepResult result;
  SimTime asked;
  SimTime replied;
  SimTime finished;
  std::vector<Event> events;

  /// As it was recorded; refers to this object.
  TurnRecord record(std::int64_t episode, std::int64_t turn) const;
};

struct StoredEpisode {
  EpisodeStart start;
  std::vector<StoredTurn> turns;
  std::optional<EpisodeEnd> end;  ///< nothing when the recording stops within the episode
};

/// Something in the store that is not as it was written. −1: not within one.
struct Damage {
  std::int64_t lifecycle = -1;
  std::int64_t episode = -1;
  std::int64_t turn = -1;  ///< −1 also for the start and the end of an episode
  std::string what;
};

struct StoredLifecycle {
  std::int64_t number = 0;  ///< in the store
  RunNumber run;
  LifecycleIndex index;     ///< in the run
  bool complete = false;
  std::vector<StoredEpisode> episodes;
  /// Where its chain of hashes does not hold; the rest of the record is as far as it could be
  /// read. Empty: every byte is as it was written.
  std::vector<Damage> damage;
};

/// One row of the list of lifecycles.
struct LifecycleSummary {
  std::int64_t number = 0;
  RunNumber run;
  LifecycleIndex index;
  bool complete = false;
};

/// What a look at the whole store found.
struct IntegrityReport {
  bool sqlite_ok = false;        ///< integrity_check and foreign_key_check
  std::int64_t lifecycles = 0;   ///< whose chain was checked
  std::int64_t turns = 0;
  std::vector<Damage> damage;    ///< at most 100
  bool ok() const { return sqlite_ok && damage.empty(); }
};

class ReadConnection;

/// Thread-safe: calls take turns.
class StoreReader {
 public:
  /// Refuses what is not a store, or one of a newer schema, with one line.
  static Result<StoreReader> open(const std::string& path);
  StoreReader(StoreReader&&) noexcept;
  StoreReader& operator=(StoreReader&&) noexcept;
  ~StoreReader();

  const std::string& path() const;
  std::int64_t schema_version() const;
  const std::vector<StoredRun>& runs() const;
  /// In the order of their numbers.
  Result<std::vector<LifecycleSummary>> lifecycles() const;
  /// Reads one lifecycle with all its rows and checks its chain. An error when there is none of
  /// this number, or when the file cannot be read at all.
  Result<StoredLifecycle> lifecycle(std::int64_t number) const;
  /// Rows of each table, by name.
  Result<std::vector<std::pair<std::string, std::int64_t>>> counts() const;
  /// SQLite's own checks, the schema, and every chain.
  Result<IntegrityReport> check_integrity() const;
  /// Damage outside lifecycles, without SQLite's own checks: the schema, the seals, and tables
  /// with a chain of their own. Fast.
  std::vector<Damage> table_damage() const;
  /// Runs one SELECT and gives its rows as an array of arrays (text, numbers, null).
  Result<Json> query(const std::string& sql) const;

 private:
  explicit StoreReader(std::unique_ptr<ReadConnection> connection);
  std::unique_ptr<ReadConnection> connection_;
};

/// The SQL that makes an empty store (`turnhalle schema store`).
std::string store_schema_sql();

}  // namespace turnhalle
