// The store: every run, lifecycle, episode, turn, token and metric in one SQLite file.
//
//   recorders (any thread) → bounded queue → writer thread → one transaction per batch
//
// Exactly one connection writes and checkpoints. What flush() has acknowledged survives kill -9
// and a power cut (WAL, synchronous=FULL). The rows of a lifecycle are committed in the order in
// which they happened, so that a recovered store holds a prefix of it without gaps. What a
// lifecycle gathered between two commits is one chunk, which carries SHA-256 of the chunk before
// and of all its own columns: one changed byte is found and located (store_reader.h).
//
// An I/O error stops the writer for good (a failed fsync must not be tried again); the error
// comes back from flush(), close() and status(). The schema is described in docs/store.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/recorder.h"
#include "core/result.h"

namespace turnhalle {

/// One run of a store: what was played, and by whom. Enough to play it again.
struct RunInfo {
  std::string id;           ///< names the run; deterministic, given by the caller
  std::string command;      ///< "run", "eval", "train"
  Json scenario;            ///< the scenario's document
  std::string scenario_name;
  std::string environment;
  std::uint64_t seed = 0;
  std::string split = "test";  ///< "train" or "test"
  std::int64_t trial = 0;
  std::string agent;
  std::string program;      ///< version that plays
  Json details = Json::object();  ///< anything else worth keeping
  /// How many lifecycles are planned: the store's numbers of the next run's lifecycles begin
  /// after them. 0: open, room for 10⁹.
  std::int64_t lifecycles = 0;
};

/// A run of this store: 0, 1, 2, …
struct RunNumber {
  std::int64_t value = 0;
  auto operator<=>(const RunNumber&) const = default;
};

/// Why a turn counted as it did in training. `turn` is −1 for a value of the whole episode.
struct AdvantageRow {
  std::int64_t step = 0;       ///< training step
  std::int64_t lifecycle = 0;  ///< number in the store
  std::int64_t episode = 0;
  std::int64_t turn = -1;
  double value = 0.0;
};

struct CheckpointRow {
  std::int64_t step = 0;
  std::int64_t weight_version = 0;
  std::string path;    ///< relative to the run's folder
  std::string digest;  ///< of its files, in hexadecimal; may be empty
};

/// A lifecycle that was branched off another one after `turn` turns of an episode.
struct ForkRow {
  std::int64_t lifecycle = 0;  ///< the child's number in this store
  std::string parent_store;    ///< "" when the parent is in the same store
  std::int64_t parent_lifecycle = 0;
  std::int64_t episode = 0;
  std::int64_t turn = 0;
};

struct StoreOptions {
  std::int64_t queue_bytes_max = std::int64_t{32} << 20;  ///< recorders wait when it is full
  std::int64_t batch_bytes = std::int64_t{4} << 20;       ///< a batch of that size is committed
  std::int64_t batch_ms = 20;                             ///< a smaller one after that long
};

class StoreWriter;

/// The writing side. Thread-safe; recorders must be gone before the store is.
class Store {
 public:
  /// Makes a new store with its first run. Refuses a file that exists; leaves none on failure.
  static Result<std::unique_ptr<Store>> create(const std::string& path, const RunInfo& run,
                                               StoreOptions options = {});
  /// Goes on with a store after a stop or a crash: unfinished lifecycles are removed, so that
  /// they can be played again from their beginning.
  static Result<std::unique_ptr<Store>> open_for_append(const std::string& path,
                                                        StoreOptions options = {});
  /// Writes a store of an earlier schema version anew; the old file stays beside it as FILE.v1.
  /// false when there is nothing to do. open_for_append() does it by itself.
  static Result<bool> migrate(const std::string& path);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Begins another run; recorder(index) belongs to it from then on. From one thread at a time.
  Result<RunNumber> add_run(const RunInfo& run);
  /// The run added last.
  RunNumber run() const;
  /// Records one lifecycle of a run. A lifecycle can be recorded once.
  std::unique_ptr<Recorder> recorder(LifecycleIndex index) { return recorder(run(), index); }
  std::unique_ptr<Recorder> recorder(RunNumber run, LifecycleIndex index);
  /// The number in the store (lifecycles.id) of a run's lifecycle.
  std::int64_t number(RunNumber run, LifecycleIndex index) const;
  /// Lifecycles of a run that were complete when the store was opened, in order.
  std::vector<LifecycleIndex> complete(RunNumber run) const;

  /// A value of a training or evaluation step; NaN is stored as null.
  void metric(std::int64_t step, const std::string& name, double value);
  void advantage(const AdvantageRow& row);
  void checkpoint(const CheckpointRow& row);
  void fork(const ForkRow& row);

  /// Waits until everything recorded so far is durable, or says why it is not.
  Status flush();
  /// The first error of the writer, if there was one. Cheap; poll it to stop a run early.
  Status status() const;
  /// Turns committed so far.
  std::int64_t turns_committed() const;
  /// flush(), then closes the file. The destructor does the same and drops the error.
  Status close();

 private:
  explicit Store(std::unique_ptr<StoreWriter> writer);
  std::unique_ptr<StoreWriter> writer_;
};

}  // namespace turnhalle
