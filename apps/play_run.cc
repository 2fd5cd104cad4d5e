#include "apps/play_run.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "apps/progress.h"
#include "apps/signals.h"
#include "core/pool.h"
#include "envs/task_sequence.h"

namespace turnhalle::app {
namespace {

constexpr std::int64_t kWindow = 1024;

// A lifecycle that was played, waiting for those before it.
struct Finished {
  std::string bytes;
  std::vector<EpisodeSummary> episodes;
  std::vector<StoredEpisode> kept;  ///< the same, whole; empty unless asked for
};

// Gathers one lifecycle.
class SummaryRecorder final : public Recorder {
 public:
  SummaryRecorder(bool keep, std::function<void(Finished)> done)
      : keep_(keep), done_(std::move(done)) {}

  void episode_started(std::int64_t episode, const EpisodeStart& start) override {
    finished_.bytes += canonical_start(episode, start);
    finished_.episodes.push_back(
        {.kind = start.kind, .position = static_cast<std::int32_t>(start.position), .reward = {},
         .latency = {}});
    if (keep_) finished_.kept.push_back({start, {}, {}});
  }
  void turn_played(const TurnRecord& turn) override {
    finished_.bytes += canonical_turn(turn);
    EpisodeSummary& summary = finished_.episodes.back();
    ++summary.turns;
    summary.latency.ns += turn.reply.latency.ns;
    if (turn.reply.tokens) {
      summary.tokens = summary.tokens.value_or(0) + std::ssize(turn.reply.tokens->sampled);
    }
    if (keep_) {
      finished_.kept.back().turns.push_back({turn.reply, turn.result, turn.asked, turn.replied,
                                             turn.finished,
                                             {turn.events.begin(), turn.events.end()}});
    }
  }
  void episode_ended(std::int64_t episode, const EpisodeEnd& end) override {
    finished_.bytes += canonical_end(episode, end);
    EpisodeSummary& summary = finished_.episodes.back();
    summary.outcome = end.outcome;
    summary.success = end.success;
    summary.reward = end.reward;
    if (keep_) finished_.kept.back().end = end;
  }
  void lifecycle_ended() override { done_(std::move(finished_)); }

 private:
  bool keep_;
  std::function<void(Finished)> done_;
  Finished finished_;
};

// Reads a lifecycle of the store as if it had just been played.
Result<Finished> read_finished(const StoreReader& reader, std::int64_t number, bool keep) {
  Result<StoredLifecycle> stored = reader.lifecycle(number);
  if (!stored) {
    return stored.error();
  }
  if (!stored->complete || !stored->damage.empty()) {
    return Error{reader.path(), "lifecycle " + std::to_string(number) + " is damaged"};
  }
  Finished finished;
  SummaryRecorder recorder(keep, [&](Finished read) { finished = std::move(read); });
  for (std::size_t i = 0; i < stored->episodes.size(); ++i) {
    const StoredEpisode& episode = stored->episodes[i];
    const auto number_in_lifecycle = static_cast<std::int64_t>(i);
    recorder.episode_started(number_in_lifecycle, episode.start);
    for (std::size_t turn = 0; turn < episode.turns.size(); ++turn) {
      recorder.turn_played(
          episode.turns[turn].record(number_in_lifecycle, static_cast<std::int64_t>(turn)));
    }
    check(episode.end.has_value(), "an episode of a complete lifecycle has an end");
    recorder.episode_ended(number_in_lifecycle, *episode.end);
  }
  recorder.lifecycle_ended();
  return finished;
}

// Puts lifecycles back into their order. finish() is called from every thread of the pool.
class Reorderer {
 public:
  Reorderer(const PlayRequest& request, Sha256& digest) : request_(request), digest_(digest) {
    if (request.stored != nullptr) {
      const std::vector<LifecycleIndex> complete = request.store->complete(request.run);
      stored_.insert(complete.begin(), complete.end());
    }
  }

  bool is_stored(LifecycleIndex index) const { return stored_.contains(index); }

  void finish(LifecycleIndex index, Finished finished) {
    const std::lock_guard lock(mutex_);
    for (const EpisodeSummary& episode : finished.episodes) played_.turns += episode.turns;
    waiting_.emplace(index.value, std::move(finished));
    drain();
  }

  // Takes what is stored at the front; called between windows too, when nobody plays.
  Status drain_stored() {
    const std::lock_guard lock(mutex_);
    drain();
    return error_ ? Status(*error_) : ok_status();
  }

  PlayedRun take() { return std::move(played_); }

 private:
  void drain() {
    while (!error_) {
      const auto front = waiting_.find(next_);
      if (front != waiting_.end()) {
        accept(std::move(front->second));
        waiting_.erase(front);
      } else if (stored_.contains({next_})) {
        const std::int64_t number = request_.store->number(request_.run, {next_});
        Result<Finished> read =
            read_finished(*request_.stored, number, next_ < request_.keep);
        if (!read) {
          error_ = read.error();
          return;
        }
        accept(std::move(*read));
      } else {
        return;
      }
    }
  }

  void accept(Finished finished) {
    digest_.update(finished.bytes);
    played_.lifecycles.push_back({{next_}, std::move(finished.episodes)});
    if (next_ < request_.keep) played_.kept.push_back(std::move(finished.kept));
    ++next_;
  }

  const PlayRequest& request_;
  Sha256& digest_;
  std::set<LifecycleIndex> stored_;
  std::mutex mutex_;  // guards what follows
  std::map<std::int64_t, Finished> waiting_;
  std::int64_t next_ = 0;
  PlayedRun played_;
  std::optional<Error> error_;
};

// What a lifecycle took outside this process, under its number in the store as the step.
void record_usage(const PlayRequest& request, LifecycleIndex index) {
  if (request.agent.usage == nullptr) {
    return;
  }
  const AgentUsage usage = request.agent.usage->take(index);
  if (request.store == nullptr) {
    return;
  }
  const std::int64_t number = request.store->number(request.run, index);
  for (const auto& [name, value] : named_values(usage)) {
    request.store->metric(number, "agent/" + name, value);
  }
}

PoolTask make_task(const PlayRequest& request, Reorderer& reorderer, Progress& progress) {
  PoolTask task;
  task.make_world = [&](LifecycleIndex index) {
    std::vector<std::unique_ptr<Recorder>> recorders;
    if (request.store != nullptr) {
      recorders.push_back(request.store->recorder(request.run, index));
    }
    const auto finish = [&reorderer, index](Finished finished) {
      reorderer.finish(index, std::move(finished));
    };
    recorders.push_back(std::make_unique<SummaryRecorder>(index.value < request.keep, finish));
    const LifecycleIndex tasks = request.fork != nullptr ? request.fork->index : index;
    WorldOptions options{index, request.seed.agent(tasks), request.scenario.limits};
    if (request.fork != nullptr) {
      options.agent_key = branch_key(options.agent_key, index.value);
    }
    return std::make_unique<World>(make_lifecycle(request.scenario, request.seed, tasks), options,
                                   tee(std::move(recorders)));
  };
  task.make_agent = stoppable(request.fork == nullptr
                                  ? request.agent.make
                                  : make_forking_agents(request.fork->recording,
                                                        request.fork->point, request.agent.make));
  task.finished = [&](World&, LifecycleIndex index) {
    progress.add(1);
    record_usage(request, index);
    if (request.store != nullptr && !request.store->status()) {
      ask_to_stop();  // the writer has given up: the error is reported by flush()
    }
  };
  return task;
}

// Plays lifecycles begin … end-1 that are not stored; false when stopped before the end.
Result<bool> play_window(std::int64_t begin, std::int64_t end, const PlayRequest& request,
                         const Reorderer& reorderer, const PoolTask& task) {
  std::vector<LifecycleIndex> indices;
  for (std::int64_t i = begin; i < end; ++i) {
    if (!reorderer.is_stored({i})) indices.push_back({i});
  }
  PoolOptions options;
  options.threads = request.threads;
  options.in_flight = request.agent.alone ? 1 : request.in_flight;
  options.stop = &stop_flag();
  options.pump = request.agent.pump;
  return play_all(indices, task, options);
}

}  // namespace

Result<PlayedRun> play_run(const PlayRequest& request, Sha256& digest) {
  const double begin = wall_seconds();
  Reorderer reorderer(request, digest);
  bool complete = true;
  {
    Progress progress(request.output, request.agent.name, "lifecycles", request.lifecycles);
    const PoolTask task = make_task(request, reorderer, progress);
    for (std::int64_t at = 0; complete && at < request.lifecycles; at += kWindow) {
      const std::int64_t end = std::min(at + kWindow, request.lifecycles);
      Result<bool> played = play_window(at, end, request, reorderer, task);
      if (!played) {
        return played.error();
      }
      complete = *played;
      if (Status drained = reorderer.drain_stored(); !drained) {
        return drained.error();
      }
    }
  }
  if (request.store != nullptr) {
    if (Status flushed = request.store->flush(); !flushed) {
      return flushed.error();
    }
  }
  PlayedRun run = reorderer.take();
  run.complete = complete;
  run.seconds = wall_seconds() - begin;
  return run;
}

}  // namespace turnhalle::app
