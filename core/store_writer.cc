#include "core/store_writer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/check.h"

namespace turnhalle {
namespace {

// Small enough that what is not announced yet (of each open lifecycle) does not count.
constexpr std::size_t kAnnouncedBytesMin = 4096;
constexpr std::size_t kSpareParts = 1024;
constexpr std::size_t kSpareBytesMax = std::size_t{1} << 16;

}  // namespace

StoreWriter::StoreWriter(Parts parts)
    : options_(parts.options),
      lock_(std::move(parts.lock)),
      tables_(std::move(parts.tables)),
      runs_(std::move(parts.runs)),
      thread_([this] { work(); }) {}

StoreWriter::~StoreWriter() { static_cast<void>(close()); }

std::unique_ptr<ChunkParts> StoreWriter::empty_parts() {
  {
    const std::lock_guard guard(mutex_);
    if (!spare_.empty()) {
      std::unique_ptr<ChunkParts> parts = std::move(spare_.back());
      spare_.pop_back();
      return parts;
    }
  }
  return std::make_unique<ChunkParts>();
}

Outbox::News Outbox::news() {
  const std::size_t more = parts->bytes() - announced;
  if (listed && more < kAnnouncedBytesMin) {
    return {};
  }
  announced += more;
  return {!std::exchange(listed, true), more};
}

void StoreWriter::announce(const std::shared_ptr<Outbox>& outbox, Outbox::News news) {
  std::unique_lock guard(mutex_);
  check(!closed_, "nothing is recorded after a store was closed");
  if (error_) {
    return;
  }
  const bool was_idle = !has_work();
  if (news.is_first) listed_.push_back(outbox);
  waiting_ += static_cast<std::int64_t>(news.bytes);
  if (was_idle || waiting_ >= options_.batch_bytes) {
    wake_.notify_one();
  }
  if (waiting_ >= options_.queue_bytes_max) {
    progress_.wait(guard, [&] { return waiting_ < options_.queue_bytes_max || error_; });
  }
}

void StoreWriter::append_body(std::string_view body) {
  const std::lock_guard guard(mutex_);
  check(!closed_, "nothing is recorded after a store was closed");
  if (error_) {
    return;
  }
  const bool was_idle = !has_work();
  ByteWriter(rows_).string(body);
  if (was_idle) wake_.notify_one();
}

Status StoreWriter::flush() {
  std::unique_lock guard(mutex_);
  const std::uint64_t mine = ++asked_;
  wake_.notify_one();
  progress_.wait(guard, [&] { return answered_ >= mine || closed_ || error_; });
  return error_ ? Status(*error_) : ok_status();
}

Status StoreWriter::status() const {
  if (!failed_.load(std::memory_order_relaxed)) {
    return ok_status();
  }
  const std::lock_guard guard(mutex_);
  return *error_;
}

Status StoreWriter::close() {
  {
    const std::lock_guard guard(mutex_);
    if (closed_) {
      return error_ ? Status(*error_) : ok_status();
    }
    closed_ = true;
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
  Status status = this->status();
  if (status) {
    status = tables_->checkpoint(/*last=*/true);
  }
  if (!status) {
    fail(status.error());
  }
  tables_.reset();
  return status;
}

// Takes what has gathered, at the latest after batch_ms, and commits it as one transaction.
void StoreWriter::work() {
  Batch batch;
  std::unique_lock guard(mutex_);
  while (true) {
    wake_.wait(guard, [&] { return has_work() || stop_; });
    wake_.wait_for(guard, std::chrono::milliseconds(options_.batch_ms), [&] {
      return stop_ || asked_ > answered_ || waiting_ >= options_.batch_bytes;
    });
    if (!has_work()) {
      return;
    }
    batch.flushes = asked_;
    for (std::shared_ptr<Outbox>& outbox : listed_) {
      batch.lifecycles.push_back({std::move(outbox), nullptr});
    }
    listed_.clear();
    std::swap(batch.rows, rows_);
    guard.unlock();
    take(batch);
    guard.lock();
    waiting_ -= batch.bytes;
    progress_.notify_all();  // there is room
    guard.unlock();
    const bool good = write(batch);
    guard.lock();
    if (!good) {
      return;
    }
    answered_ = batch.flushes;
    give_back(batch);
    progress_.notify_all();
  }
}

// What flush() waits for was put into an outbox before it was called, and is taken after that.
void StoreWriter::take(Batch& batch) {
  batch.bytes = 0;
  for (Batch::Lifecycle& lifecycle : batch.lifecycles) {
    Outbox& outbox = *lifecycle.outbox;
    const std::lock_guard guard(outbox.mutex);
    lifecycle.parts = std::move(outbox.parts);
    batch.bytes += static_cast<std::int64_t>(std::exchange(outbox.announced, 0));
    outbox.listed = false;
  }
  std::sort(batch.lifecycles.begin(), batch.lifecycles.end(), [](const auto& a, const auto& b) {
    return a.outbox->lifecycle < b.outbox->lifecycle;
  });
}

bool StoreWriter::insert(Batch& batch) {
  ByteReader rows(batch.rows);
  while (rows.left() > 0) {
    if (!tables_->insert_chained(rows.view())) return false;
  }
  for (Batch::Lifecycle& lifecycle : batch.lifecycles) {
    if (!tables_->insert(lifecycle.outbox->lifecycle, *lifecycle.parts)) return false;
  }
  return true;
}

bool StoreWriter::write(Batch& batch) {
  const bool is_empty = batch.lifecycles.empty() && batch.rows.empty();
  const bool good = is_empty || (tables_->begin() && insert(batch) && tables_->commit());
  if (!good) {
    fail(tables_->error());
    return false;
  }
  for (Batch::Lifecycle& lifecycle : batch.lifecycles) {
    turns_committed_ += std::ssize(lifecycle.parts->texts.turns.ends);
    if (lifecycle.parts->bytes() > kSpareBytesMax) {
      lifecycle.parts.reset();
    } else {
      lifecycle.parts->clear();
    }
  }
  const Status moved = tables_->checkpoint(/*last=*/false);
  if (!moved) {
    fail(moved.error());
  }
  return moved.ok();
}

// Keeps some memory for lifecycles to come. The caller holds the lock.
void StoreWriter::give_back(Batch& batch) {
  for (Batch::Lifecycle& lifecycle : batch.lifecycles) {
    if (spare_.size() < kSpareParts && lifecycle.parts != nullptr) {
      spare_.push_back(std::move(lifecycle.parts));
    }
  }
  batch.lifecycles.clear();
  batch.rows.clear();
}

void StoreWriter::fail(Error error) {
  const std::lock_guard guard(mutex_);
  if (!error_) {
    error.message += "; the store ends with the last turn that was acknowledged";
    error_ = std::move(error);
  }
  failed_ = true;
  listed_.clear();
  rows_.clear();
  waiting_ = 0;
  progress_.notify_all();
}

Result<RunNumber> StoreWriter::add_run(const RunInfo& run) {
  std::string body;
  RunNumber number;
  {
    const std::lock_guard guard(mutex_);
    RunPlace place;
    if (!runs_.empty()) {
      place.first_lifecycle = runs_.back().first_lifecycle + runs_.back().lifecycles;
    }
    place.lifecycles = run.lifecycles > 0 ? run.lifecycles : kOpenRunLifecycles;
    encode_run(body, run, place.first_lifecycle);
    number.value = static_cast<std::int64_t>(runs_.size());
    runs_.push_back(std::move(place));
  }
  append_body(body);
  const Status status = flush();
  if (!status) {
    return status.error();
  }
  return number;
}

RunNumber StoreWriter::last_run() const {
  const std::lock_guard guard(mutex_);
  return {static_cast<std::int64_t>(runs_.size()) - 1};
}

StoreWriter::RunPlace StoreWriter::run_place(RunNumber run) const {
  const std::lock_guard guard(mutex_);
  check(run.value >= 0 && run.value < static_cast<std::int64_t>(runs_.size()),
        "a run of the store is meant", run.value);
  return runs_[static_cast<std::size_t>(run.value)];
}

}  // namespace turnhalle
