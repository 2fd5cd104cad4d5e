#include "apps/progress.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <mutex>
#include <utility>

namespace turnhalle::app {
namespace {

constexpr std::int64_t kBarCells = 24;
constexpr double kSecondsBetweenDrawings = 0.1;

std::string as_time(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  const std::string rest = std::to_string(whole % 60);
  return std::to_string(whole / 60) + ":" + (rest.size() < 2 ? "0" : "") + rest;
}

}  // namespace

double wall_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

struct Progress::State {
  std::string title;
  std::string unit;
  std::int64_t total = 0;
  double begin = wall_seconds();
  std::mutex mutex;  // guards what follows; add() comes from every thread of a pool
  std::int64_t done = 0;
  double drawn = 0.0;

  void draw(double now) {
    const double share =
        total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 1.0;
    const double rate = static_cast<double>(done) / std::max(now - begin, 1e-9);
    const auto filled = static_cast<std::int64_t>(share * static_cast<double>(kBarCells));
    std::string bar(static_cast<std::size_t>(filled), '#');
    bar.resize(static_cast<std::size_t>(kBarCells), '.');
    std::string line = "\r\x1b[K" + title + " [" + bar + "] " + grouped(done) + "/" +
                       grouped(total) + " " + unit + ", " + fixed(rate, rate < 10 ? 2 : 0) + "/s";
    if (done > 0) {
      line += ", " + as_time(static_cast<double>(total - done) / rate) + " left";
    }
    std::cerr << line << std::flush;
    drawn = now;
  }
};

Progress::Progress(const OutputOptions& options, std::string title, std::string unit,
                   std::int64_t total) {
  if (options.quiet || isatty(STDERR_FILENO) == 0) {
    return;
  }
  state_ = std::make_unique<State>();
  state_->title = std::move(title);
  state_->unit = std::move(unit);
  state_->total = total;
}

Progress::~Progress() { finish(); }

void Progress::add(std::int64_t count) {
  if (!state_) {
    return;
  }
  const std::lock_guard lock(state_->mutex);
  state_->done += count;
  const double now = wall_seconds();
  if (now - state_->drawn >= kSecondsBetweenDrawings) {
    state_->draw(now);
  }
}

void Progress::finish() {
  if (state_) {
    std::cerr << "\r\x1b[K" << std::flush;
    state_.reset();
  }
}

}  // namespace turnhalle::app
