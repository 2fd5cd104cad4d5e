// What the tests of store, replay and export share: a folder of their own, lifecycles with all
// kinds of rows, and a look at stored bytes past the store's own code.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/recorder.h"
#include "core/rng.h"
#include "core/store.h"
#include "core/store_reader.h"
#include "tests/test_folder.h"

namespace turnhalle {

inline RunInfo sample_run() {
  RunInfo run;
  run.id = "sample-1";
  run.command = "run";
  run.scenario = {{"kind", "scenario"}, {"environment", "sample"}, {"options", {{"side", 4}}}};
  run.scenario_name = "sample_easy";
  run.environment = "sample";
  run.seed = 0xFFFFFFFFFFFFFFFEULL;
  run.split = "train";
  run.trial = 2;
  run.agent = "hash";
  run.program = "turnhalle 0.1.0";
  run.details = {{"note", "grüße"}};
  run.lifecycles = 10;
  return run;
}

/// Text with everything that may go wrong: umlauts, emoji, NUL, line breaks, ill-formed bytes.
inline std::string awkward_text(Random& random) {
  static const std::string kPieces[] = {"plain", "äöü", "\xF0\x9F\x8E\xB2", std::string(1, '\0'),
                                        "\n",    "'\"", "\xFF\xFE",         ""};
  std::string text;
  for (std::uint64_t i = random.below(6); i > 0; --i) {
    text += kPieces[random.below(std::size(kPieces))];
  }
  return text;
}

inline std::shared_ptr<const ReplyTokens> sample_tokens(Random& random) {
  auto tokens = std::make_shared<ReplyTokens>();
  for (std::uint64_t i = random.below(300); i > 0; --i) {
    tokens->observed.push_back(static_cast<std::int32_t>(random.between(0, 50'000)));
  }
  for (std::uint64_t i = 1 + random.below(9); i > 0; --i) {
    tokens->sampled.push_back(static_cast<std::int32_t>(random.between(-3, 2'000'000'000)));
    tokens->logprobs.push_back(static_cast<float>(-5.0 * random.uniform()));
  }
  tokens->weight_version = random.between(0, 9);
  return tokens;
}

inline StoredTurn sample_turn(Random& random) {
  StoredTurn turn;
  turn.reply.text = awkward_text(random);
  turn.reply.latency = {random.between(0, 1'000'000'000)};
  if (random.chance(1, 3)) {
    turn.reply.tool_calls.push_back({"call-1", "look", {{"at", {1, 2.5, nullptr}}, {"ü", "\n"}}});
    turn.reply.tool_calls.push_back({"call-2", "wait", Json::object()});
    turn.result.tool_results.push_back({Role::tool, awkward_text(random), {}, "call-1"});
    turn.result.tool_results.push_back({Role::tool, "ok", {}, "call-2"});
  }
  if (random.chance(1, 4)) {
    turn.reply.failure = ReplyFailure::agent;
    turn.reply.failure_text = "refused";
  }
  if (random.chance(1, 2)) {
    turn.reply.tokens = sample_tokens(random);
  }
  turn.result.observation = awkward_text(random);
  turn.result.reward = random.chance(1, 2) ? random.normal() : 1.0;
  turn.result.parts = {{"goal", turn.result.reward}, {"penalty", 0.0}};
  turn.asked = {random.between(0, 1'000'000'000'000)};
  turn.replied = turn.asked + turn.reply.latency;
  turn.finished = {turn.replied.ns + 5};
  for (std::uint64_t i = random.below(3); i > 0; --i) {
    turn.events.push_back({{turn.asked.ns + 1}, random.bits(),
                           static_cast<std::uint32_t>(random.bits()), awkward_text(random)});
  }
  return turn;
}

/// What a lifecycle of a sample store is drawn from.
inline RandomKey sample_key(std::int64_t lifecycle) {
  return RandomKey::from_seed(7).split(static_cast<std::uint64_t>(lifecycle));
}

/// Episodes with one to four turns; the same for the same key.
inline std::vector<StoredEpisode> sample_episodes(RandomKey key, int count) {
  Random random(key);
  std::vector<StoredEpisode> episodes;
  for (int i = 0; i < count; ++i) {
    StoredEpisode episode;
    episode.start.kind = i % 2 == 0 ? EpisodeKind::solve : EpisodeKind::update_context;
    episode.start.position = (i + 1) / 2;
    episode.start.continues = i % 2 == 1;
    episode.start.turns_max = 8;
    episode.start.context = awkward_text(random);
    episode.start.messages = {{Role::system, awkward_text(random), {}, {}},
                              {Role::user, "go", {}, {}}};
    if (i == 2) {
      episode.start.messages.push_back({Role::assistant, "", {{"c", "f", {{"x", 1}}}}, {}});
    }
    for (std::uint64_t turn = 1 + random.below(4); turn > 0; --turn) {
      episode.turns.push_back(sample_turn(random));
    }
    EpisodeEnd end;
    const bool broken = random.chance(1, 4);
    end.outcome = broken ? Outcome::infrastructure_error : Outcome::done;
    if (!broken) {
      end.reward = random.uniform();
    }
    end.success = !broken && random.chance(1, 2);
    end.parts = {{"return", 0.25}};
    end.feedback = awkward_text(random);
    episode.turns.back().result.outcome = end.outcome;
    episode.end = end;
    episodes.push_back(std::move(episode));
  }
  return episodes;
}

/// What write_sample_store() records as this lifecycle.
inline std::vector<StoredEpisode> sample_lifecycle(std::int64_t lifecycle) {
  return sample_episodes(sample_key(lifecycle), 3);
}

inline void record(Recorder& recorder, const std::vector<StoredEpisode>& episodes) {
  for (std::size_t i = 0; i < episodes.size(); ++i) {
    const auto number = static_cast<std::int64_t>(i);
    recorder.episode_started(number, episodes[i].start);
    for (std::size_t turn = 0; turn < episodes[i].turns.size(); ++turn) {
      recorder.turn_played(
          episodes[i].turns[turn].record(number, static_cast<std::int64_t>(turn)));
    }
    if (episodes[i].end) {
      recorder.episode_ended(number, *episodes[i].end);
    }
  }
  recorder.lifecycle_ended();
}

/// Everything of a lifecycle as bytes, but the tokens' log-probabilities.
inline std::string all_bytes(const std::vector<StoredEpisode>& episodes) {
  std::string bytes;
  auto recorder = make_canonical_recorder([&](std::string all) { bytes = std::move(all); });
  record(*recorder, episodes);
  return bytes;
}

/// A closed store with `count` lifecycles of three episodes and rows in every table. Nothing is
/// committed before all is recorded, so that the turns of each lifecycle are one chunk.
inline void write_sample_store(const std::string& path, int count) {
  StoreOptions options;
  options.batch_ms = 600'000;
  auto store = std::move(Store::create(path, sample_run(), options)).value();
  for (int i = 0; i < count; ++i) {
    auto recorder = store->recorder({i});
    record(*recorder, sample_lifecycle(i));
  }
  store->metric(1, "reward/mean", 0.5);
  store->metric(2, "loss", -0.25);
  store->advantage({1, 0, 0, -1, 0.75});
  store->checkpoint({1, 3, "step_000001", "00ff"});
  store->fork({1, "other.sqlite", 4, 0, 1});
  const Status closed = store->close();
  check(closed.ok(), "the sample store is closed", closed.ok() ? "" : closed.error().text());
}

/// A connection of the test's own, past the store's code.
class RawDatabase {
 public:
  explicit RawDatabase(const std::string& path) {
    check(sqlite3_open(path.c_str(), &handle_) == SQLITE_OK, "the test opens the file");
  }
  ~RawDatabase() { sqlite3_close(handle_); }
  RawDatabase(const RawDatabase&) = delete;
  RawDatabase& operator=(const RawDatabase&) = delete;
  bool run(const std::string& sql) {
    return sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
  }
  sqlite3* handle() { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
};

}  // namespace turnhalle
