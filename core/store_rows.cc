#include "core/store_rows.h"

#include <array>
#include <cmath>
#include <span>

#include "core/check.h"

namespace turnhalle {
namespace {

void write_messages(ByteWriter& out, std::span<const Message> messages) {
  out.u64(messages.size());
  for (const Message& message : messages) {
    out.string(name_of(message.role));
    out.string(message.content);
    out.string(message.tool_call_id);
  }
}

// Calls of the reply itself stand under message −1, those of messages under the message's number.
void write_calls(ByteWriter& out, std::span<const ToolCall> own,
                 std::span<const Message> messages) {
  std::size_t count = own.size();
  for (const Message& message : messages) {
    count += message.tool_calls.size();
  }
  out.u64(count);
  const auto write = [&out](std::int64_t number, const ToolCall& call) {
    out.i64(number);
    out.string(call.id);
    out.string(call.name);
    out.string(canonical(call.arguments));
  };
  for (const ToolCall& call : own) {
    write(-1, call);
  }
  for (std::size_t i = 0; i < messages.size(); ++i) {
    for (const ToolCall& call : messages[i].tool_calls) {
      write(static_cast<std::int64_t>(i), call);
    }
  }
}

void write_reward(ByteWriter& out, double value) {
  check(std::isfinite(value), "a reward is finite", value);
  out.f64(storable(value));
}

void write_parts(ByteWriter& out, const std::vector<RewardPart>& parts) {
  out.u64(parts.size());
  for (const RewardPart& part : parts) {
    out.string(part.name);
    write_reward(out, part.value);
  }
}

void write_events(ByteWriter& out, std::span<const Event> events) {
  out.u64(events.size());
  for (const Event& event : events) {
    out.i64(event.time.ns);
    out.i64(static_cast<std::int64_t>(event.sequence));
    out.i64(event.kind);
    out.string(event.payload);
  }
}

void write_tokens(ByteWriter& out, const ReplyTokens* tokens) {
  out.u64(tokens == nullptr ? 0 : 1);
  if (tokens != nullptr) {
    out.i64(static_cast<std::int64_t>(tokens->observed.size()));
    out.i64(static_cast<std::int64_t>(tokens->sampled.size()));
    out.i64(tokens->weight_version);
    out.string(pack_tokens(*tokens));
  }
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
  write_messages(bytes, start.messages);
  write_calls(bytes, {}, start.messages);
}

void encode_turn(std::string& out, std::int64_t lifecycle, const TurnRecord& turn) {
  ByteWriter bytes(out);
  write_key(bytes, RowGroup::turn, {lifecycle, turn.episode, turn.turn});
  bytes.string(turn.reply.text);
  bytes.string(name_of(turn.reply.failure));
  bytes.string(turn.reply.failure_text);
  bytes.i64(turn.reply.latency.ns);
  bytes.string(turn.result.observation);
  bytes.string(name_of(turn.result.outcome));
  write_reward(bytes, turn.result.reward);
  bytes.i64(turn.asked.ns);
  bytes.i64(turn.replied.ns);
  bytes.i64(turn.finished.ns);
  write_messages(bytes, turn.result.tool_results);
  write_calls(bytes, turn.reply.tool_calls, turn.result.tool_results);
  write_parts(bytes, turn.result.parts);
  write_events(bytes, turn.events);
  write_tokens(bytes, turn.reply.tokens.get());
}

void encode_episode_end(std::string& out, const RowKey& key, const EpisodeEnd& end,
                        std::int64_t turns) {
  ByteWriter bytes(out);
  write_key(bytes, RowGroup::episode_end, key);
  bytes.string(name_of(end.outcome));
  bytes.boolean(end.reward.has_value());
  if (end.reward) {
    write_reward(bytes, *end.reward);
  }
  bytes.i64(end.success ? 1 : 0);
  bytes.i64(turns);
  bytes.string(end.feedback);
  write_parts(bytes, end.parts);
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
