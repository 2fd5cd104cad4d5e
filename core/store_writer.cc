#include "core/store_writer.h"

#include <chrono>
#include <cstring>

#include "core/check.h"

namespace turnhalle {

StoreWriter::StoreWriter(Parts parts)
    : options_(parts.options),
      lock_(std::move(parts.lock)),
      tables_(std::move(parts.tables)),
      runs_(std::move(parts.runs)),
      thread_([this] { work(); }) {}

StoreWriter::~StoreWriter() { static_cast<void>(close()); }

void StoreWriter::append(std::string_view groups) {
  if (failed_.load(std::memory_order_relaxed)) {
    return;
  }
  std::unique_lock guard(mutex_);
  check(!closed_, "nothing is recorded after a store was closed");
  const auto limit = static_cast<std::size_t>(options_.queue_bytes_max);
  if (queue_.size() >= limit) {
    progress_.wait(guard, [&] { return queue_.size() < limit || error_; });
  }
  if (error_) {
    return;
  }
  const bool was_empty = queue_.empty();
  queue_ += groups;
  appended_ += groups.size();
  const bool is_batch = queue_.size() >= static_cast<std::size_t>(options_.batch_bytes);
  guard.unlock();
  if (was_empty || is_batch) {
    wake_.notify_one();
  }
}

void StoreWriter::append_body(std::string_view body) {
  QueueHeader header;
  header.bytes = body.size();
  std::string group(reinterpret_cast<const char*>(&header), sizeof header);
  group += body;
  append(group);
}

Status StoreWriter::flush() {
  std::unique_lock guard(mutex_);
  const std::uint64_t target = appended_;
  wanted_ = target;
  wake_.notify_one();
  progress_.wait(guard, [&] { return durable_ >= target || error_; });
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
  std::string batch;
  std::unique_lock guard(mutex_);
  while (true) {
    wake_.wait(guard, [&] { return !queue_.empty() || stop_; });
    wake_.wait_for(guard, std::chrono::milliseconds(options_.batch_ms), [&] {
      return stop_ || wanted_ > durable_ ||
             queue_.size() >= static_cast<std::size_t>(options_.batch_bytes);
    });
    if (queue_.empty()) {
      return;
    }
    batch.clear();
    std::swap(batch, queue_);
    const std::uint64_t end = appended_;
    guard.unlock();
    progress_.notify_all();  // there is room in the queue
    const bool good = write(batch);
    guard.lock();
    if (!good) {
      return;
    }
    durable_ = end;
    progress_.notify_all();
  }
}

void StoreWriter::gather(std::int64_t lifecycle, std::string_view body) {
  const auto [place, is_new] = gathered_place_.try_emplace(lifecycle, gathered_count_);
  if (is_new) {
    if (gathered_count_ == gathered_.size()) gathered_.emplace_back();
    gathered_[gathered_count_].lifecycle = lifecycle;
    gathered_[gathered_count_].bodies.clear();
    ++gathered_count_;
  }
  gathered_[place->second].bodies.push_back(body);
}

// Rows of a lifecycle that came between those of others are put together: they become one chunk.
bool StoreWriter::insert(std::string_view batch) {
  gathered_count_ = 0;
  gathered_place_.clear();
  bool good = true;
  while (good && !batch.empty()) {
    QueueHeader header;
    std::memcpy(&header, batch.data(), sizeof header);
    const std::string_view body = batch.substr(sizeof header, header.bytes);
    if (header.lifecycle < 0) {
      good = tables_->insert_chained(body);
    } else {
      gather(header.lifecycle, body);
    }
    batch.remove_prefix(sizeof header + body.size());
  }
  for (std::size_t i = 0; good && i < gathered_count_; ++i) {
    good = tables_->insert(gathered_[i].lifecycle, gathered_[i].bodies);
  }
  return good;
}

bool StoreWriter::write(std::string_view batch) {
  const bool good = tables_->begin() && insert(batch) && tables_->commit();
  if (!good) {
    fail(tables_->error());
    return false;
  }
  for (std::size_t i = 0; i < gathered_count_; ++i) {
    for (const std::string_view body : gathered_[i].bodies) {
      turns_committed_ += static_cast<RowGroup>(body.front()) == RowGroup::turn ? 1 : 0;
    }
  }
  const Status moved = tables_->checkpoint(/*last=*/false);
  if (!moved) {
    fail(moved.error());
  }
  return moved.ok();
}

void StoreWriter::fail(Error error) {
  const std::lock_guard guard(mutex_);
  if (!error_) {
    error.message += "; the store ends with the last turn that was acknowledged";
    error_ = std::move(error);
  }
  failed_ = true;
  queue_.clear();
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
