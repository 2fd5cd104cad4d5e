#include "tests/core/store_kills.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "core/sha256.h"
#include "tests/core/store_fixture.h"

namespace turnhalle {
namespace {

constexpr std::int64_t kLifecycles = 4;
constexpr std::uint64_t kHeardMax = 20;       // about as many as one run acknowledges
constexpr std::uint64_t kDelayMaxUs = 1'500;  // after the last one that was waited for

// The first `turns` turns of a lifecycle are durable.
struct Acknowledgement {
  std::int64_t lifecycle = -1;
  std::int64_t turns = 0;
};

std::string canonical_bytes(const std::vector<StoredEpisode>& episodes) {
  std::string bytes;
  for (std::int64_t e = 0; e < std::ssize(episodes); ++e) {
    const StoredEpisode& episode = episodes[static_cast<std::size_t>(e)];
    bytes += canonical_start(e, episode.start);
    for (std::int64_t t = 0; t < std::ssize(episode.turns); ++t) {
      bytes += canonical_turn(episode.turns[static_cast<std::size_t>(t)].record(e, t));
    }
    if (episode.end) bytes += canonical_end(e, *episode.end);
  }
  return bytes;
}

std::int64_t count_turns(const std::vector<StoredEpisode>& episodes) {
  std::int64_t turns = 0;
  for (const StoredEpisode& episode : episodes) turns += std::ssize(episode.turns);
  return turns;
}

/// The program that is killed: records what the store does not have yet, and says after some of
/// the turns that they are durable.
class Child {
 public:
  Child(std::string path, int report, Random random, KillPlant plant)
      : path_(std::move(path)), report_(report), random_(random), plant_(plant) {}

  /// Its exit code when nobody kills it.
  int run() {
    StoreOptions options;
    options.batch_bytes = 1 << 12;
    options.batch_ms = 1;
    auto store = std::filesystem::exists(path_)
                     ? Store::open_for_append(path_, options)
                     : Store::create(path_, sample_run(), options);
    if (!store) return 3;
    // A store that was killed before its first run was durable has none.
    if ((*store)->run().value < 0 && !(*store)->add_run(sample_run())) return 3;
    const std::vector<LifecycleIndex> complete = (*store)->complete({0});
    for (std::int64_t i = 0; i < kLifecycles; ++i) {
      const bool is_there = std::find(complete.begin(), complete.end(), LifecycleIndex{i}) !=
                            complete.end();
      if (!is_there && !record_one(**store, i)) return 4;
    }
    return (*store)->close().ok() ? 0 : 5;
  }

 private:
  bool record_one(Store& store, std::int64_t lifecycle) {
    const auto recorder = store.recorder({lifecycle});
    const std::vector<StoredEpisode> episodes = sample_lifecycle(lifecycle);
    std::int64_t turns = 0;
    for (std::int64_t e = 0; e < std::ssize(episodes); ++e) {
      const StoredEpisode& episode = episodes[static_cast<std::size_t>(e)];
      recorder->episode_started(e, episode.start);
      for (std::int64_t t = 0; t < std::ssize(episode.turns); ++t) {
        recorder->turn_played(episode.turns[static_cast<std::size_t>(t)].record(e, t));
        ++turns;
        if (random_.chance(2, 3) && !acknowledge(store, {lifecycle, turns})) return false;
      }
      recorder->episode_ended(e, *episode.end);
    }
    recorder->lifecycle_ended();
    return true;
  }

  bool acknowledge(Store& store, const Acknowledgement& done) {
    const bool durable = plant_ == KillPlant::early_acknowledgement || store.flush().ok();
    return durable && write(report_, &done, sizeof done) == sizeof done;
  }

  std::string path_;
  int report_;
  Random random_;
  KillPlant plant_;
};

/// One store after the other, each killed until a program finishes it.
class KillLoop {
 public:
  explicit KillLoop(const KillOptions& options)
      : options_(options),
        path_(options.folder + "/killed.sqlite"),
        key_(RandomKey::from_seed(options.seed).split("kill")) {
    for (std::int64_t i = 0; i < kLifecycles; ++i) {
      expected_.push_back(canonical_bytes(sample_lifecycle(i)));
      digest_.update(expected_.back());
    }
  }

  KillReport run() {
    for (std::uint64_t round = 0; report_.kills < options_.kills && report_.problem.empty();
         ++round) {
      one_program(Random(key_.split(round)));
    }
    return report_;
  }

 private:
  void one_program(Random random) {
    int ends[2];
    check(pipe2(ends, O_CLOEXEC) == 0, "a pipe can be made");
    const pid_t child = fork();
    if (child == 0) {
      _exit(Child(path_, ends[1], random, options_.plant).run());
    }
    close(ends[1]);
    Acknowledgement last;
    hear(ends[0], random.below(kHeardMax), last);
    usleep(static_cast<useconds_t>(random.below(kDelayMaxUs)));
    kill(child, SIGKILL);
    int how = 0;
    waitpid(child, &how, 0);
    while (hear(ends[0], 1, last)) {
    }
    close(ends[0]);
    if (WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL) {
      ++report_.kills;
      report_.acknowledged += last.turns;
      report_.problem = look_at_what_is_left(last);
    } else if (WIFEXITED(how) && WEXITSTATUS(how) == 0) {
      report_.problem = look_at_the_end();
      ++report_.runs;
      start_anew();
    } else {
      report_.problem = "a program ended with status " + std::to_string(how);
    }
  }

  // Reads `count` acknowledgements; false when there are no more.
  static bool hear(int descriptor, std::uint64_t count, Acknowledgement& last) {
    Acknowledgement next;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (read(descriptor, &next, sizeof next) != sizeof next) return false;
      last = next;
    }
    return true;
  }

  void start_anew() {
    for (const char* ending : {"", "-wal", "-shm", ".lock"}) unlink((path_ + ending).c_str());
    complete_ = 0;
  }

  std::string look_at_what_is_left(const Acknowledgement& last) {
    const auto reader = StoreReader::open(path_);
    if (!reader) {
      const bool may_be_missing = complete_ == 0 && last.lifecycle < 0;
      start_anew();
      return may_be_missing ? "" : reader.error().text();
    }
    const auto integrity = reader->check_integrity();
    if (!integrity) return integrity.error().text();
    if (!integrity->ok()) return integrity->damage.front().what;
    std::int64_t complete = 0;
    bool found = last.lifecycle < 0;
    for (const LifecycleSummary& summary : reader->lifecycles().value()) {
      const auto stored = reader->lifecycle(summary.number);
      if (!stored) return stored.error().text();
      const std::string bytes = canonical_bytes(stored->episodes);
      const std::string& expected = expected_.at(static_cast<std::size_t>(summary.number));
      const bool fits = summary.complete ? bytes == expected : expected.starts_with(bytes);
      if (!fits) return "what is stored is no prefix of what was played";
      complete += summary.complete ? 1 : 0;
      found = found || (summary.number == last.lifecycle &&
                        count_turns(stored->episodes) >= last.turns);
    }
    if (!found) return "an acknowledged turn is lost";
    if (complete < complete_) return "a complete lifecycle is lost";
    complete_ = complete;
    return "";
  }

  std::string look_at_the_end() {
    const auto reader = StoreReader::open(path_);
    if (!reader) return reader.error().text();
    if (!reader->check_integrity()->ok()) return "the store of a run that ended is damaged";
    Sha256 digest;
    for (std::int64_t i = 0; i < kLifecycles; ++i) {
      const auto stored = reader->lifecycle(i);
      if (!stored) return stored.error().text();
      digest.update(canonical_bytes(stored->episodes));
    }
    return digest.hexdigest() == digest_.hexdigest() ? "" : "a resumed run has another digest";
  }

  const KillOptions& options_;
  std::string path_;
  RandomKey key_;
  std::vector<std::string> expected_;
  Sha256 digest_;
  std::int64_t complete_ = 0;  ///< lifecycles of the store that is at hand
  KillReport report_;
};

}  // namespace

KillReport kill_recorders(const KillOptions& options) { return KillLoop(options).run(); }

}  // namespace turnhalle
