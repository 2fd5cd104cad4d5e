// The queue and the thread behind a Store.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/file_lock.h"
#include "core/store_tables.h"

namespace turnhalle {

/// Where a recorder leaves what its lifecycle gathers until the writer takes it. The two meet
/// here only, so that recorders of different lifecycles do not wait for each other.
struct Outbox {
  explicit Outbox(std::int64_t number) : lifecycle(number) {}

  const std::int64_t lifecycle;
  std::mutex mutex;           ///< guards what follows
  std::unique_ptr<ChunkParts> parts;  ///< null: nothing was put in since the writer took it
  bool listed = false;        ///< the writer knows that there is something
  std::size_t announced = 0;  ///< bytes of it that the writer knows of

  /// What the writer has to be told after something was put in, if it has to be told anything.
  struct News {
    bool is_first = false;   ///< the writer knows of nothing in here
    std::size_t bytes = 0;   ///< that it does not know of
  };
  News news();
};

class StoreWriter {
 public:
  /// Numbers of one run's lifecycles in the store.
  struct RunPlace {
    std::int64_t first_lifecycle = 0;
    std::int64_t lifecycles = 0;
    std::vector<LifecycleIndex> complete;  ///< when the store was opened
  };
  struct Parts {
    FileLock lock;
    StoreTables tables;
    std::vector<RunPlace> runs;
    StoreOptions options;
  };

  explicit StoreWriter(Parts parts);
  ~StoreWriter();
  StoreWriter(const StoreWriter&) = delete;
  StoreWriter& operator=(const StoreWriter&) = delete;

  /// Empty parts for an outbox; may be called while its lock is held.
  std::unique_ptr<ChunkParts> empty_parts();
  /// Takes the news of an outbox whose lock the caller has let go. Waits while too much is waiting
  /// to be written; after an error of the writer it does nothing.
  void announce(const std::shared_ptr<Outbox>& outbox, Outbox::News news);
  /// Whether there was an error, after which nothing is recorded.
  bool failed() const { return failed_.load(std::memory_order_relaxed); }
  /// Appends one row of a table with a chain of its own.
  void append_body(std::string_view body);
  Status flush();
  Status status() const;
  std::int64_t turns_committed() const { return turns_committed_.load(); }
  Status close();

  Result<RunNumber> add_run(const RunInfo& run);
  RunNumber last_run() const;
  RunPlace run_place(RunNumber run) const;

 private:
  // What is written as one transaction.
  struct Batch {
    struct Lifecycle {
      std::shared_ptr<Outbox> outbox;
      std::unique_ptr<ChunkParts> parts;
    };
    std::vector<Lifecycle> lifecycles;
    std::string rows;           ///< of tables with a chain of their own, each after its length
    std::uint64_t flushes = 0;  ///< calls of flush() that wait for it
    std::int64_t bytes = 0;     ///< that were announced
  };
  bool has_work() const { return !listed_.empty() || !rows_.empty() || asked_ > answered_; }
  void work();
  void take(Batch& batch);
  bool write(Batch& batch);
  bool insert(Batch& batch);
  void give_back(Batch& batch);
  void fail(Error error);

  StoreOptions options_;
  FileLock lock_;
  // Touched by the thread alone while it runs.
  std::optional<StoreTables> tables_;

  mutable std::mutex mutex_;  ///< guards what follows; no outbox's is taken while it is held
  std::condition_variable wake_;
  std::condition_variable progress_;
  std::vector<std::shared_ptr<Outbox>> listed_;
  std::string rows_;
  std::int64_t waiting_ = 0;    ///< bytes that were announced and not yet taken
  std::uint64_t asked_ = 0;     ///< calls of flush()
  std::uint64_t answered_ = 0;  ///< of them
  std::vector<std::unique_ptr<ChunkParts>> spare_;  ///< empty, with memory
  bool stop_ = false;
  bool closed_ = false;
  std::optional<Error> error_;
  std::vector<RunPlace> runs_;

  std::atomic<bool> failed_ = false;
  std::atomic<std::int64_t> turns_committed_ = 0;
  std::thread thread_;
};

}  // namespace turnhalle
