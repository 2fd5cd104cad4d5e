#include "core/store_rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "core/check.h"
#include "core/store_text.h"

namespace turnhalle {
namespace {

// A JSON text as a column.
template <class Append>
void write_text(ByteWriter& out, const Append& append) {
  thread_local std::string text;
  text.clear();
  append(text);
  out.string(text);
}

template <class Value, std::size_t kCount>
std::optional<Value> find_name(std::string_view name, const std::array<Value, kCount>& values) {
  for (const Value value : values) {
    if (name_of(value) == name) {
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace

void write_key(ByteWriter& out, RowGroup group, const RowKey& key) {
  out.u8(static_cast<std::uint8_t>(group));
  out.i64(key.lifecycle);
  out.i64(key.episode);
  out.i64(key.turn);
}

void encode_lifecycle_start(std::string& out, const LifecycleStartRow& row) {
  ByteWriter bytes(out);
  write_key(bytes, RowGroup::lifecycle_start, {row.lifecycle});
  bytes.i64(row.run.value);
  bytes.i64(row.index.value);
}

void encode_episode_start(std::string& out, const RowKey& key, const EpisodeStart& start) {
  ByteWriter bytes(out);
  write_key(bytes, RowGroup::episode_start, key);
  bytes.string(name_of(start.kind));
  bytes.i64(start.position);
  bytes.i64(start.continues ? 1 : 0);
  bytes.i64(start.turns_max);
  bytes.string(start.context);
  write_text(bytes, [&](std::string& text) { append_messages_text(text, start.messages); });
  write_text(bytes, [&](std::string& text) { append_calls_text(text, {}, start.messages); });
}

void encode_turn(std::string& out, std::int64_t lifecycle, const TurnRecord& turn) {
  ByteWriter bytes(out);
  write_key(bytes, RowGroup::turn, {lifecycle, turn.episode, turn.turn});
  write_text(bytes, [&](std::string& text) { append_turn_text(text, turn); });
}

void encode_tokens(std::string& out, const RowKey& key, const ReplyTokens& tokens) {
  ByteWriter bytes(out);
  write_key(bytes, RowGroup::tokens, key);
  bytes.i64(static_cast<std::int64_t>(tokens.observed.size()));
  bytes.i64(static_cast<std::int64_t>(tokens.sampled.size()));
  bytes.i64(tokens.weight_version);
  bytes.string(pack_tokens(tokens));
}

void encode_episode_end(std::string& out, const RowKey& key, const EpisodeEnd& end,
                        std::int64_t turns) {
  ByteWriter bytes(out);
  write_key(bytes, RowGroup::episode_end, key);
  bytes.string(name_of(end.outcome));
  bytes.boolean(end.reward.has_value());
  if (end.reward) {
    check(std::isfinite(*end.reward), "a reward is finite", *end.reward);
    bytes.f64(storable(*end.reward));
  }
  bytes.i64(end.success ? 1 : 0);
  bytes.i64(turns);
  bytes.string(end.feedback);
  write_text(bytes, [&](std::string& text) { append_rewards_text(text, end.parts); });
}

void encode_chunk(std::string& out, const ChunkRow& row) {
  ByteWriter bytes(out);
  write_key(bytes, RowGroup::chunk, {row.lifecycle});
  bytes.i64(row.chunk);
  bytes.i64(row.started);
  bytes.i64(row.ended);
  bytes.string(row.turns);
  bytes.string(row.marks);
}

// Multiplies and folds eight bytes at a time: fast, and every bit counts. It locates; the hash of
// the chunk is what finds.
void append_mark(std::string& marks, std::string_view bytes) {
  constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15;
  std::uint64_t sum = bytes.size() * kFactor;
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t count = std::min(bytes.size(), sizeof word);
    std::memcpy(&word, bytes.data(), count);
    sum = (sum ^ word) * kFactor;
    sum ^= sum >> 29;
    bytes.remove_prefix(count);
  }
  ByteWriter(marks).u32(static_cast<std::uint32_t>(sum ^ (sum >> 32)));
}

void encode_lifecycle_end(std::string& out, const LifecycleEndRow& row) {
  ByteWriter bytes(out);
  write_key(bytes, RowGroup::lifecycle_end, {row.lifecycle});
  bytes.i64(row.episodes);
  bytes.i64(row.turns);
}

void encode_run(std::string& out, const RunInfo& run, std::int64_t first_lifecycle) {
  ByteWriter bytes(out);
  bytes.u8(static_cast<std::uint8_t>(RowGroup::run));
  bytes.string(run.id);
  bytes.string(run.command);
  bytes.string(run.scenario_name);
  bytes.string(run.environment);
  bytes.string(canonical(run.scenario));
  bytes.i64(static_cast<std::int64_t>(run.seed));
  bytes.string(run.split);
  bytes.i64(run.trial);
  bytes.string(run.agent);
  bytes.string(run.program);
  bytes.string(canonical(run.details));
  bytes.i64(first_lifecycle);
  bytes.i64(run.lifecycles);
}

void encode_metric(std::string& out, std::int64_t step, std::string_view name, double value) {
  ByteWriter bytes(out);
  bytes.u8(static_cast<std::uint8_t>(RowGroup::metric));
  bytes.i64(step);
  bytes.string(name);
  bytes.boolean(!std::isnan(value));
  if (!std::isnan(value)) {
    bytes.f64(storable(value));
  }
}

void encode_advantage(std::string& out, const AdvantageRow& row) {
  check(std::isfinite(row.value), "an advantage is finite", row.value);
  ByteWriter bytes(out);
  bytes.u8(static_cast<std::uint8_t>(RowGroup::advantage));
  bytes.i64(row.step);
  bytes.i64(row.lifecycle);
  bytes.i64(row.episode);
  bytes.i64(row.turn);
  bytes.f64(storable(row.value));
}

void encode_checkpoint(std::string& out, const CheckpointRow& row) {
  ByteWriter bytes(out);
  bytes.u8(static_cast<std::uint8_t>(RowGroup::checkpoint));
  bytes.i64(row.step);
  bytes.i64(row.weight_version);
  bytes.string(row.path);
  bytes.string(row.digest);
}

void encode_fork(std::string& out, const ForkRow& row) {
  ByteWriter bytes(out);
  bytes.u8(static_cast<std::uint8_t>(RowGroup::fork));
  bytes.i64(row.lifecycle);
  bytes.string(row.parent_store);
  bytes.i64(row.parent_lifecycle);
  bytes.i64(row.episode);
  bytes.i64(row.turn);
}

std::string_view name_of(ReplyFailure failure) {
  switch (failure) {
    case ReplyFailure::none: return "none";
    case ReplyFailure::agent: return "agent";
    case ReplyFailure::infrastructure: return "infrastructure";
    case ReplyFailure::interrupted: return "interrupted";
  }
  return "none";
}

std::optional<ReplyFailure> failure_of(std::string_view name) {
  return find_name(name, std::array{ReplyFailure::none, ReplyFailure::agent,
                                    ReplyFailure::infrastructure, ReplyFailure::interrupted});
}

std::optional<Outcome> outcome_of(std::string_view name) {
  return find_name(name, std::array{Outcome::running, Outcome::done, Outcome::truncated,
                                    Outcome::agent_error, Outcome::environment_error,
                                    Outcome::infrastructure_error, Outcome::timeout});
}

std::optional<EpisodeKind> episode_kind_of(std::string_view name) {
  return find_name(name, std::array{EpisodeKind::solve, EpisodeKind::update_context});
}

std::optional<Role> role_of(std::string_view name) {
  return find_name(name, std::array{Role::system, Role::user, Role::assistant, Role::tool});
}

}  // namespace turnhalle
