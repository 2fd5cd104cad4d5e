#include "apps/fork.h"

#include <array>
#include <set>
#include <utility>

#include "apps/replay_world.h"
#include "core/text.h"

namespace turnhalle::app {
namespace {

Error bad_fork(const std::string& text, const std::string& expected, const std::string& found) {
  return {"--fork " + text, "expected " + expected + "; found " + found};
}

// Splits at the last three colons, so that a path may have some.
bool split_name(const std::string& text, std::string& store, std::array<std::int64_t, 3>& numbers) {
  std::string rest = text;
  for (std::size_t i = numbers.size(); i-- > 0;) {
    const std::size_t colon = rest.rfind(':');
    if (colon == std::string::npos ||
        !parse_integer(std::string_view(rest).substr(colon + 1), numbers[i]) || numbers[i] < 0) {
      return false;
    }
    rest.resize(colon);
  }
  store = std::move(rest);
  return !store.empty();
}

Result<LifecycleSummary> find_lifecycle(const std::string& text, const StoreReader& store,
                                        std::int64_t number) {
  Result<std::vector<LifecycleSummary>> all = store.lifecycles();
  if (!all) {
    return all.error();
  }
  for (const LifecycleSummary& summary : *all) {
    if (summary.number == number) return summary;
  }
  return bad_fork(text, "a lifecycle of the store, which holds " + std::to_string(all->size()),
                  "lifecycle " + std::to_string(number));
}

Status check_point(const std::string& text, const StoredLifecycle& recording,
                   const ForkPoint& point) {
  const auto episodes = std::ssize(recording.episodes);
  if (point.episode >= episodes) {
    return bad_fork(text, "one of the " + std::to_string(episodes) + " episodes of the lifecycle",
                    "episode " + std::to_string(point.episode));
  }
  const StoredEpisode& episode = recording.episodes[static_cast<std::size_t>(point.episode)];
  const auto turns = std::ssize(episode.turns);
  if (point.turn >= turns + (episode.end ? 0 : 1)) {
    return bad_fork(text, "one of the " + std::to_string(turns) + " turns of the episode",
                    "turn " + std::to_string(point.turn));
  }
  return ok_status();
}

Status check_replays(const std::string& text, const StoreReader& store, std::int64_t number) {
  Result<ReplayReport> report = replay(store, make_replay_worlds(), {number, std::nullopt});
  if (!report) {
    return report.error();
  }
  if (report->mismatches == 0) {
    return ok_status();
  }
  return bad_fork(text, "a lifecycle that replays as it is stored",
                  "one that differs (turnhalle replay --verify says where)");
}

}  // namespace

Result<StoredFork> read_fork(const std::string& text) {
  std::array<std::int64_t, 3> numbers{};
  StoredFork fork;
  ForkOrigin& origin = fork.origin;
  if (!split_name(text, origin.store, numbers)) {
    return Error{"--fork", "expected STORE:LIFECYCLE:EPISODE:TURN; found \"" + text + "\""};
  }
  origin.lifecycle = numbers[0];
  origin.point = {numbers[1], numbers[2]};
  Result<StoreReader> store = StoreReader::open(origin.store);
  if (!store) {
    return store.error();
  }
  Result<LifecycleSummary> summary = find_lifecycle(text, *store, origin.lifecycle);
  if (!summary) {
    return summary.error();
  }
  if (Status replays = check_replays(text, *store, origin.lifecycle); !replays) {
    return replays.error();
  }
  Result<StoredLifecycle> recording = store->lifecycle(origin.lifecycle);
  if (!recording) {
    return recording.error();
  }
  if (Status point = check_point(text, *recording, origin.point); !point) {
    return point.error();
  }
  fork.run = store->runs().at(static_cast<std::size_t>(summary->run.value));
  // Of a lifecycle that was forked itself, the tasks are those of its own origin.
  const Json before = fork.run.info.details.value("forked_from", Json());
  origin.index =
      before.is_object() ? LifecycleIndex{before.value("index", std::int64_t{0})} : summary->index;
  origin.recording = std::make_shared<const StoredLifecycle>(std::move(*recording));
  return fork;
}

Json to_json(const ForkOrigin& origin) {
  return {{"store", origin.store},
          {"lifecycle", origin.lifecycle},
          {"index", origin.index.value},
          {"episode", origin.point.episode},
          {"turn", origin.point.turn}};
}

Status record_lineage(Store& store, const StoreReader* stored, const ForkOrigin& origin,
                      std::int64_t continuations) {
  std::set<std::int64_t> known;
  if (stored != nullptr) {
    Result<Json> rows = stored->query("SELECT lifecycle FROM forks");
    if (!rows) {
      return rows.error();
    }
    for (const Json& row : *rows) known.insert(row.at(0).get<std::int64_t>());
  }
  for (std::int64_t i = 0; i < continuations; ++i) {
    const std::int64_t number = store.number({0}, {i});
    if (!known.contains(number)) {
      store.fork({number, origin.store, origin.lifecycle, origin.point.episode, origin.point.turn});
    }
  }
  return ok_status();
}

}  // namespace turnhalle::app
