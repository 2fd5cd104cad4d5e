#include "apps/bench_store.h"

#include <filesystem>
#include <memory>
#include <utility>

#include "apps/play_run.h"
#include "apps/progress.h"
#include "apps/temporary_folder.h"
#include "core/store.h"
#include "core/store_reader.h"

namespace turnhalle::app {
namespace {

using Lifecycles = std::vector<std::vector<StoredEpisode>>;

Result<Lifecycles> play(const Scenario& scenario, const StoreBenchOptions& options) {
  Result<SeatedAgent> agent = seat_agent(options.agent, scenario, true);
  if (!agent) {
    return agent.error();
  }
  Sha256 digest;
  Result<PlayedRun> run = play_run({.scenario = scenario,
                                    .seed = {},
                                    .agent = *agent,
                                    .lifecycles = options.lifecycles,
                                    .output = {.json = false, .quiet = true},
                                    .run = {},
                                    .keep = options.lifecycles},
                                   digest);
  if (!run) {
    return run.error();
  }
  return std::move(run->kept);
}

std::int64_t turns_in(const Lifecycles& lifecycles) {
  std::int64_t turns = 0;
  for (const auto& episodes : lifecycles) {
    for (const StoredEpisode& episode : episodes) turns += std::ssize(episode.turns);
  }
  return turns;
}

Result<std::unique_ptr<Store>> new_store(const std::string& file, const Scenario& scenario,
                                         const StoreBenchOptions& options) {
  for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(file + ending);
  RunInfo info;
  info.id = "bench";
  info.command = "run";
  info.scenario = scenario.document;
  info.scenario_name = scenario.name;
  info.environment = scenario.environment;
  info.agent = options.agent;
  info.lifecycles = options.lifecycles;
  return Store::create(file, info);
}

void record(Recorder& recorder, const std::vector<StoredEpisode>& episodes) {
  for (std::size_t i = 0; i < episodes.size(); ++i) {
    const auto episode = static_cast<std::int64_t>(i);
    recorder.episode_started(episode, episodes[i].start);
    for (std::size_t turn = 0; turn < episodes[i].turns.size(); ++turn) {
      recorder.turn_played(
          episodes[i].turns[turn].record(episode, static_cast<std::int64_t>(turn)));
    }
    if (episodes[i].end) recorder.episode_ended(episode, *episodes[i].end);
  }
  recorder.lifecycle_ended();
}

// The same lifecycles in one run after another, measured.
class StoreBench {
 public:
  StoreBench(const Scenario& scenario, const StoreBenchOptions& options, Lifecycles lifecycles)
      : scenario_(scenario),
        options_(options),
        lifecycles_(std::move(lifecycles)),
        turns_(static_cast<double>(turns_in(lifecycles_))) {}

  Status run() {
    for (std::int64_t i = 0; i <= options_.runs; ++i) {
      keep_ = i > 0;  // 0 warms up
      for (const auto step : {&StoreBench::write, &StoreBench::read, &StoreBench::flush}) {
        if (Status done = (this->*step)(); !done) {
          return done;
        }
      }
    }
    return ok_status();
  }

  std::vector<BenchRow> rows() {
    return {summarise_runs("record", "turns/s", recorded_),
            summarise_runs("record, processor time", "ns/turn", processor_),
            summarise_runs("read and check", "turns/s", read_),
            summarise_runs("flush after each turn", "turns/s", flushed_),
            summarise_runs("file", "bytes/turn", bytes_)};
  }

 private:
  void add(std::vector<double>& values, double value) const {
    if (keep_) values.push_back(value);
  }

  Status write() {
    Result<std::unique_ptr<Store>> store = new_store(file_, scenario_, options_);
    if (!store) {
      return store.error();
    }
    const double begin = wall_seconds();
    const double processor_begin = processor_seconds();
    for (std::size_t i = 0; i < lifecycles_.size(); ++i) {
      record(*(*store)->recorder({static_cast<std::int64_t>(i)}), lifecycles_[i]);
    }
    if (Status closed = (*store)->close(); !closed) {
      return closed;
    }
    add(recorded_, turns_ / (wall_seconds() - begin));
    add(processor_, (processor_seconds() - processor_begin) * 1e9 / turns_);
    add(bytes_, static_cast<double>(std::filesystem::file_size(file_)) / turns_);
    return ok_status();
  }

  Status read() {
    const double begin = wall_seconds();
    Result<StoreReader> reader = StoreReader::open(file_);
    if (!reader) {
      return reader.error();
    }
    for (std::size_t i = 0; i < lifecycles_.size(); ++i) {
      Result<StoredLifecycle> read = reader->lifecycle(static_cast<std::int64_t>(i));
      if (!read) {
        return read.error();
      }
      if (!read->damage.empty()) {
        return Error{file_, read->damage.front().what};
      }
    }
    add(read_, turns_ / (wall_seconds() - begin));
    return ok_status();
  }

  Status flush() {
    Result<std::unique_ptr<Store>> store = new_store(file_, scenario_, options_);
    if (!store) {
      return store.error();
    }
    const StoredEpisode& episode = lifecycles_.front().front();
    const auto recorder = (*store)->recorder({0});
    recorder->episode_started(0, episode.start);
    const double begin = wall_seconds();
    for (std::int64_t turn = 0; turn < options_.flushes; ++turn) {
      recorder->turn_played(episode.turns.front().record(0, turn));
      if (Status flushed = (*store)->flush(); !flushed) {
        return flushed;
      }
    }
    add(flushed_, static_cast<double>(options_.flushes) / (wall_seconds() - begin));
    return ok_status();
  }

  const Scenario& scenario_;
  const StoreBenchOptions& options_;
  Lifecycles lifecycles_;
  double turns_;
  TemporaryFolder folder_{"bench-store"};
  std::string file_ = folder_.file("bench.sqlite");
  bool keep_ = false;
  std::vector<double> recorded_, processor_, read_, flushed_, bytes_;
};

}  // namespace

Result<std::vector<BenchRow>> bench_store(const Scenario& scenario,
                                          const StoreBenchOptions& options) {
  Result<Lifecycles> lifecycles = play(scenario, options);
  if (!lifecycles) {
    return lifecycles.error();
  }
  if (lifecycles->empty() || lifecycles->front().empty() ||
      lifecycles->front().front().turns.empty()) {
    return Error{"--agent", "expected an agent that plays at least one turn; found \"" +
                                options.agent + "\""};
  }
  StoreBench bench(scenario, options, *std::move(lifecycles));
  if (Status measured = bench.run(); !measured) {
    return measured.error();
  }
  return bench.rows();
}

}  // namespace turnhalle::app
