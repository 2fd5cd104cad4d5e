#include "core/store_rows.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/check.h"

namespace turnhalle {
namespace {

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

void encode_tokens(std::string& out, const RowKey& key, const ReplyTokens& tokens) {
  ByteWriter bytes(out);
  write_key(bytes, RowGroup::tokens, key);
  bytes.i64(static_cast<std::int64_t>(tokens.observed.size()));
  bytes.i64(static_cast<std::int64_t>(tokens.sampled.size()));
  bytes.i64(tokens.weight_version);
  bytes.string(pack_tokens(tokens));
}

void ChunkParts::add_turn(const TurnRecord& turn) {
  texts.add_turn(turn);
  if (turn.reply.tokens == nullptr) return;
  constexpr std::size_t kTokenBytes = 4;
  tokens.push_back({turn.episode, turn.turn, turn.reply.tokens});
  const ReplyTokens& more = *turn.reply.tokens;
  token_bytes +=
      kTokenBytes * (more.observed.size() + more.sampled.size() + more.logprobs.size());
}

void ChunkParts::clear() {
  start.reset();
  texts.clear();
  tokens.clear();
  end.reset();
  token_bytes = 0;
}

void encode_chunk_head(std::string& out, const RowKey& key, std::int64_t chunk,
                       std::span<const std::string_view> columns) {
  ByteWriter bytes(out);
  write_key(bytes, RowGroup::chunk, key);
  bytes.i64(chunk);
  for (const std::string_view column : columns) bytes.u64(column.size());
}

// It locates; the hash of the chunk is what finds.
void append_mark(std::string& marks, std::string_view bytes) {
  const std::uint32_t sum = quick_hash(bytes);
  const std::array<char, kMarkBytes> mark{static_cast<char>(sum & 0xFF),
                                          static_cast<char>((sum >> 8) & 0xFF)};
  marks.append(mark.data(), mark.size());
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
