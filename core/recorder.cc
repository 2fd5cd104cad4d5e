#include "core/recorder.h"

#include "core/bytes.h"

namespace turnhalle {
namespace {

// The first byte of each canonical record says what it is.
enum class RecordTag : std::uint8_t { start = 1, turn = 2, end = 3 };

void write_calls(ByteWriter& out, const std::vector<ToolCall>& calls) {
  out.u64(calls.size());
  for (const ToolCall& call : calls) {
    out.string(call.id);
    out.string(call.name);
    out.string(canonical(call.arguments));
  }
}

void write_message(ByteWriter& out, const Message& message) {
  out.u8(static_cast<std::uint8_t>(message.role));
  out.string(message.content);
  write_calls(out, message.tool_calls);
  out.string(message.tool_call_id);
}

void write_parts(ByteWriter& out, const std::vector<RewardPart>& parts) {
  out.u64(parts.size());
  for (const RewardPart& part : parts) {
    out.string(part.name);
    out.f64(part.value);
  }
}

void write_ids(ByteWriter& out, const std::vector<std::int32_t>& ids) {
  out.u64(ids.size());
  for (const std::int32_t id : ids) {
    out.i64(id);
  }
}

class TeeRecorder final : public Recorder {
 public:
  explicit TeeRecorder(std::vector<std::unique_ptr<Recorder>> parts) : parts_(std::move(parts)) {}
  void episode_started(std::int64_t episode, const EpisodeStart& start) override {
    for (auto& part : parts_) part->episode_started(episode, start);
  }
  void turn_played(const TurnRecord& turn) override {
    for (auto& part : parts_) part->turn_played(turn);
  }
  void episode_ended(std::int64_t episode, const EpisodeEnd& end) override {
    for (auto& part : parts_) part->episode_ended(episode, end);
  }
  void lifecycle_ended() override {
    for (auto& part : parts_) part->lifecycle_ended();
  }

 private:
  std::vector<std::unique_ptr<Recorder>> parts_;
};

class CanonicalRecorder final : public Recorder {
 public:
  explicit CanonicalRecorder(std::function<void(std::string)> finished)
      : finished_(std::move(finished)) {}
  void episode_started(std::int64_t episode, const EpisodeStart& start) override {
    bytes_ += canonical_start(episode, start);
  }
  void turn_played(const TurnRecord& turn) override { bytes_ += canonical_turn(turn); }
  void episode_ended(std::int64_t episode, const EpisodeEnd& end) override {
    bytes_ += canonical_end(episode, end);
  }
  void lifecycle_ended() override { finished_(std::move(bytes_)); }

 private:
  std::function<void(std::string)> finished_;
  std::string bytes_;
};

}  // namespace

std::string canonical_start(std::int64_t episode, const EpisodeStart& start) {
  std::string bytes;
  ByteWriter out(bytes);
  out.u8(static_cast<std::uint8_t>(RecordTag::start));
  out.i64(episode);
  out.u8(static_cast<std::uint8_t>(start.kind));
  out.i64(start.position);
  out.u8(start.continues ? 1 : 0);
  out.i64(start.turns_max);
  out.string(start.context);
  out.u64(start.messages.size());
  for (const Message& message : start.messages) {
    write_message(out, message);
  }
  return bytes;
}

std::string canonical_turn(const TurnRecord& turn) {
  std::string bytes;
  ByteWriter out(bytes);
  out.u8(static_cast<std::uint8_t>(RecordTag::turn));
  out.i64(turn.episode);
  out.i64(turn.turn);
  out.string(turn.reply.text);
  write_calls(out, turn.reply.tool_calls);
  out.u8(static_cast<std::uint8_t>(turn.reply.failure));
  out.string(turn.reply.failure_text);
  out.u8(turn.reply.tokens ? 1 : 0);
  if (turn.reply.tokens) {
    write_ids(out, turn.reply.tokens->observed);
    write_ids(out, turn.reply.tokens->sampled);
  }
  out.string(turn.result.observation);
  out.u64(turn.result.tool_results.size());
  for (const Message& message : turn.result.tool_results) {
    write_message(out, message);
  }
  out.u8(static_cast<std::uint8_t>(turn.result.outcome));
  out.f64(turn.result.reward);
  write_parts(out, turn.result.parts);
  out.i64(turn.asked.ns);
  out.i64(turn.replied.ns);
  out.i64(turn.finished.ns);
  out.u64(turn.events.size());
  for (const Event& event : turn.events) {
    out.i64(event.time.ns);
    out.u64(event.sequence);
    out.u64(event.kind);
    out.string(event.payload);
  }
  return bytes;
}

std::string canonical_end(std::int64_t episode, const EpisodeEnd& end) {
  std::string bytes;
  ByteWriter out(bytes);
  out.u8(static_cast<std::uint8_t>(RecordTag::end));
  out.i64(episode);
  out.u8(static_cast<std::uint8_t>(end.outcome));
  out.u8(end.reward ? 1 : 0);
  out.f64(end.reward.value_or(0.0));
  out.u8(end.success ? 1 : 0);
  write_parts(out, end.parts);
  out.string(end.feedback);
  return bytes;
}

std::unique_ptr<Recorder> tee(std::vector<std::unique_ptr<Recorder>> recorders) {
  std::erase(recorders, nullptr);
  if (recorders.empty()) {
    return nullptr;
  }
  if (recorders.size() == 1) {
    return std::move(recorders.front());
  }
  return std::make_unique<TeeRecorder>(std::move(recorders));
}

std::unique_ptr<Recorder> make_canonical_recorder(std::function<void(std::string)> finished) {
  return std::make_unique<CanonicalRecorder>(std::move(finished));
}

}  // namespace turnhalle
