// What recorders hand to the writer of a store, and what the chain of hashes is taken over.
//
//   body = u8 group | i64 lifecycle, episode, turn | columns
//
// Columns come in the order of store_schema.h: i as i64, r as f64, R as boolean and f64, t and b
// as string (core/bytes.h). What a lifecycle gathers between two commits is one chunk, whose link
// covers its head, its columns as they are and the bodies of its rows of tokens. A reader that
// checks it builds them again from what is stored.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/recorder.h"
#include "core/store.h"
#include "core/store_text.h"

namespace turnhalle {

enum class RowGroup : std::uint8_t {
  lifecycle_start = 1,
  tokens,
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
void encode_tokens(std::string& out, const RowKey& key, const ReplyTokens& tokens);
void encode_lifecycle_end(std::string& out, const LifecycleEndRow& row);

/// What a lifecycle gathered since the last commit; it becomes one chunk.
struct ChunkParts {
  struct Tokens {
    std::int64_t episode = 0;
    std::int64_t turn = 0;
    std::shared_ptr<const ReplyTokens> tokens;
  };
  std::optional<LifecycleStartRow> start;  ///< when the lifecycle began
  ChunkTexts texts;
  std::vector<Tokens> tokens;  ///< packed by the writer, not by who plays
  std::optional<LifecycleEndRow> end;      ///< when it ended

  void add_turn(const TurnRecord& turn);
  /// About as many as will be written.
  std::size_t bytes() const { return texts.bytes() + token_bytes; }
  std::size_t token_bytes = 0;
  /// Keeps the memory.
  void clear();
};

/// What is hashed of a chunk before its columns: its names and their lengths.
void encode_chunk_head(std::string& out, const RowKey& key, std::int64_t chunk,
                       std::span<const std::string_view> columns);

/// Two bytes that tell which part of a chunk was changed when its hash does not fit. Marks of a
/// chunk stand in the order: elements of its arrays, column by column, then its rows of tokens.
void append_mark(std::string& marks, std::string_view bytes);
inline constexpr std::size_t kMarkBytes = 2;

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
