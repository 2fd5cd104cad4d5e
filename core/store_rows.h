// What recorders hand to the writer of a store: row groups as bytes.
//
//   body = u8 group | i64 lifecycle, episode, turn | columns
//
// Columns come in the order of store_schema.h: i as i64, r as f64, R as boolean and f64, t and b
// as string (core/bytes.h). A turn has one column, its text (store_text.h); the writer joins the
// turns that a lifecycle gathered since the last commit to one row, a chunk. The chain of hashes
// is taken over chunks with all bodies that belong to them, and a reader that checks it builds
// them again from the stored columns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/recorder.h"
#include "core/store.h"

namespace turnhalle {

enum class RowGroup : std::uint8_t {
  lifecycle_start = 1,
  episode_start,
  turn,
  tokens,
  episode_end,
  chunk,
  lifecycle_end,
  run,
  metric,
  advantage,
  checkpoint,
  fork,
};

/// Numbers that a run without a planned count of lifecycles takes up.
inline constexpr std::int64_t kOpenRunLifecycles = 1'000'000'000;

/// Names a row group. −1: not within a turn, or an episode.
struct RowKey {
  std::int64_t lifecycle = 0;
  std::int64_t episode = -1;
  std::int64_t turn = -1;
};

/// The beginning of every body.
void write_key(ByteWriter& out, RowGroup group, const RowKey& key);
/// SQLite has no −0 and stores NaN as null: what is written is what will be read.
inline double storable(double value) { return value + 0.0; }

// Bodies of the row groups of a lifecycle, appended to `out`. `lifecycle` is its number in the
// store.
struct LifecycleStartRow {
  std::int64_t lifecycle = 0;
  RunNumber run;
  LifecycleIndex index;
};
struct LifecycleEndRow {
  std::int64_t lifecycle = 0;
  std::int64_t episodes = 0;
  std::int64_t turns = 0;
};
void encode_lifecycle_start(std::string& out, const LifecycleStartRow& row);
void encode_episode_start(std::string& out, const RowKey& key, const EpisodeStart& start);
void encode_turn(std::string& out, std::int64_t lifecycle, const TurnRecord& turn);
void encode_tokens(std::string& out, const RowKey& key, const ReplyTokens& tokens);
void encode_episode_end(std::string& out, const RowKey& key, const EpisodeEnd& end,
                        std::int64_t turns);
void encode_lifecycle_end(std::string& out, const LifecycleEndRow& row);

/// A chunk as far as it is a row of its own: its number, how many episodes had begun and ended by
/// its end, its turns' array, and the marks of all that belongs to it.
struct ChunkRow {
  std::int64_t lifecycle = 0;
  std::int64_t chunk = 0;
  std::int64_t started = 0;
  std::int64_t ended = 0;
  std::string_view turns;
  std::string_view marks;
};
void encode_chunk(std::string& out, const ChunkRow& row);

/// Four bytes that tell which part of a chunk was changed when its hash does not fit. Marks of a
/// chunk stand in the order: starts of episodes, turns, ends of episodes, tokens.
void append_mark(std::string& marks, std::string_view bytes);
inline constexpr std::size_t kMarkBytes = 4;

// Bodies of rows of tables with a chain of their own: u8 group │ columns.
void encode_run(std::string& out, const RunInfo& run, std::int64_t first_lifecycle);
void encode_metric(std::string& out, std::int64_t step, std::string_view name, double value);
void encode_advantage(std::string& out, const AdvantageRow& row);
void encode_checkpoint(std::string& out, const CheckpointRow& row);
void encode_fork(std::string& out, const ForkRow& row);

/// Token ids and log-probabilities of one turn: ids as differences in base 128, log-probabilities
/// as they are in memory, compressed by zstd where that is shorter.
std::string pack_tokens(const ReplyTokens& tokens);
/// Nothing when the bytes are not what pack_tokens() gives.
std::optional<ReplyTokens> unpack_tokens(std::string_view data);

std::string_view name_of(ReplyFailure failure);
// The value with that name, or nothing.
std::optional<ReplyFailure> failure_of(std::string_view name);
std::optional<Outcome> outcome_of(std::string_view name);
std::optional<EpisodeKind> episode_kind_of(std::string_view name);
std::optional<Role> role_of(std::string_view name);

}  // namespace turnhalle
