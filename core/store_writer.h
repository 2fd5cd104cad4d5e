// The queue and the thread behind a Store.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/file_lock.h"
#include "core/store_tables.h"

namespace turnhalle {

/// One row group in the queue: this header, then `bytes` bytes of body.
struct QueueHeader {
  std::uint64_t bytes = 0;
  std::int64_t lifecycle = -1;  ///< −1: of a table with a chain of its own
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

  /// Appends row groups, each with its header. Waits while the queue is full; after an error of
  /// the writer it drops them.
  void append(std::string_view groups);
  /// Appends one row group of a table with a chain of its own.
  void append_body(std::string_view body);
  Status flush();
  Status status() const;
  std::int64_t turns_committed() const { return turns_committed_.load(); }
  Status close();

  Result<RunNumber> add_run(const RunInfo& run);
  RunNumber last_run() const;
  RunPlace run_place(RunNumber run) const;

 private:
  void work();
  bool write(std::string_view batch);
  bool insert(std::string_view batch);
  void fail(Error error);

  // Row groups of one lifecycle in a batch.
  struct Gathered {
    std::int64_t lifecycle = 0;
    std::vector<std::string_view> bodies;
  };
  void gather(std::int64_t lifecycle, std::string_view body);

  StoreOptions options_;
  FileLock lock_;
  // Touched by the thread alone while it runs.
  std::optional<StoreTables> tables_;
  std::vector<Gathered> gathered_;  ///< the first `gathered_count_` are of this batch
  std::size_t gathered_count_ = 0;
  std::map<std::int64_t, std::size_t> gathered_place_;

  mutable std::mutex mutex_;  ///< guards what follows
  std::condition_variable wake_;
  std::condition_variable progress_;
  std::string queue_;
  std::uint64_t appended_ = 0;  ///< bytes since the start
  std::uint64_t durable_ = 0;   ///< of them committed
  std::uint64_t wanted_ = 0;    ///< of them a flush() waits for
  bool stop_ = false;
  bool closed_ = false;
  std::optional<Error> error_;
  std::vector<RunPlace> runs_;

  std::atomic<bool> failed_ = false;
  std::atomic<std::int64_t> turns_committed_ = 0;
  std::thread thread_;
};

}  // namespace turnhalle
