#include "core/store_text.h"

#include <array>
#include <charconv>
#include <cmath>

#include "core/check.h"
#include "core/store_rows.h"
#include "core/text.h"

namespace turnhalle {
namespace {

// The shortest text that reads back as the same double, and reads as a real number: "1.0".
void append_real(std::string& out, double value) {
  check(std::isfinite(value), "a reward is finite", value);
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), storable(value)).ptr;
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

/// Appends the members of one object: what has its usual value is left out.
class ObjectWriter {
 public:
  ObjectWriter(std::string& out, TextTable& table) : out_(out), table_(table) { out_ += '{'; }
  ~ObjectWriter() { out_ += '}'; }
  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;

  // A key is written as `"key":`.
  std::string& key(std::string_view key) {
    if (!first_) out_ += ',';
    first_ = false;
    return out_ += key;
  }
  void integer(std::string_view name, std::int64_t value) { append_number(key(name), value); }
  void nonzero(std::string_view name, std::int64_t value) {
    if (value != 0) integer(name, value);
  }
  void real(std::string_view name, double value) { append_real(key(name), value); }
  void word(std::string_view name, std::string_view value) {
    append_json_string(key(name), value);
  }
  void text(std::string_view name, std::string_view value) {
    if (!value.empty()) integer(name, table_.add(value));
  }

 private:
  std::string& out_;
  TextTable& table_;
  bool first_ = true;
};

// Elements of an array, with commas between them.
template <class Range, class Append>
void append_array(std::string& out, const Range& range, const Append& append) {
  char separator = '[';
  for (const auto& element : range) {
    out += separator;
    append(element);
    separator = ',';
  }
  out += separator == '[' ? "[]" : "]";
}

void append_messages(std::string& out, TextTable& table, std::span<const Message> messages) {
  append_array(out, messages, [&](const Message& message) {
    out += '[';
    append_json_string(out, name_of(message.role));
    out += ',';
    append_number(out, table.add(message.content));
    if (!message.tool_call_id.empty()) {
      out += ',';
      append_json_string(out, message.tool_call_id);
    }
    out += ']';
  });
}

// Calls of a reply, and those of messages under the number of their message.
void append_calls(std::string& out, TextTable& table, std::span<const ToolCall> own,
                  std::span<const Message> messages) {
  std::vector<std::pair<std::int64_t, const ToolCall*>> calls;
  for (const ToolCall& call : own) calls.emplace_back(-1, &call);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    for (const ToolCall& call : messages[i].tool_calls) {
      calls.emplace_back(static_cast<std::int64_t>(i), &call);
    }
  }
  append_array(out, calls, [&](const auto& call) {
    ObjectWriter object(out, table);
    if (call.first >= 0) object.integer(R"("message":)", call.first);
    object.word(R"("id":)", call.second->id);
    object.word(R"("name":)", call.second->name);
    object.text(R"("arguments":)", canonical(call.second->arguments));
  });
}

void append_rewards(std::string& out, std::span<const RewardPart> parts) {
  append_array(out, parts, [&](const RewardPart& part) {
    out += '[';
    append_json_string(out, part.name);
    out += ',';
    append_real(out, part.value);
    out += ']';
  });
}

// A payload that is readable text is written as such, other bytes as hexadecimal digits.
void append_events(std::string& out, TextTable& table, std::span<const Event> events) {
  append_array(out, events, [&](const Event& event) {
    ObjectWriter object(out, table);
    object.integer(R"("time_ns":)", event.time.ns);
    object.nonzero(R"("sequence":)", static_cast<std::int64_t>(event.sequence));
    object.integer(R"("kind":)", event.kind);
    const bool readable =
        event.payload.find('\0') == std::string::npos && is_utf8(event.payload);
    if (readable) {
      object.text(R"("text":)", event.payload);
    } else {
      object.word(R"("payload":)", hex(event.payload));
    }
  });
}

bool has_calls(std::span<const Message> messages) {
  for (const Message& message : messages) {
    if (!message.tool_calls.empty()) return true;
  }
  return false;
}

void append_kind(ObjectWriter& object, EpisodeKind kind) {
  if (kind != EpisodeKind::solve) object.word(R"("kind":)", name_of(kind));
}

void append_reply(ObjectWriter& object, const AgentReply& reply) {
  object.text(R"("r":)", reply.text);
  if (reply.failure != ReplyFailure::none) object.word(R"("failure":)", name_of(reply.failure));
  object.text(R"("failure_text":)", reply.failure_text);
  object.nonzero(R"("latency_ns":)", reply.latency.ns);
  if (reply.tokens != nullptr) object.integer(R"("tokens":)", 1);
}

void append_result(ObjectWriter& object, const StepResult& result) {
  object.text(R"("o":)", result.observation);
  if (result.outcome != Outcome::running) object.word(R"("outcome":)", name_of(result.outcome));
  check(std::isfinite(result.reward), "a reward is finite", result.reward);
  if (result.reward != 0.0) object.real(R"("reward":)", result.reward);
}

}  // namespace

void ChunkTexts::add_opening(std::int64_t episode, const EpisodeStart& start) {
  std::string& out = openings.next();
  {
    ObjectWriter object(out, table);
    object.integer(R"("e":)", episode);
    append_kind(object, start.kind);
    object.nonzero(R"("position":)", start.position);
    object.nonzero(R"("continues":)", start.continues ? 1 : 0);
    object.integer(R"("turns_max":)", start.turns_max);
    object.text(R"("context":)", start.context);
    append_messages(object.key(R"("messages":)"), table, start.messages);
    if (has_calls(start.messages)) {
      append_calls(object.key(R"("calls":)"), table, {}, start.messages);
    }
  }
  openings.done();
}

void ChunkTexts::add_turn(const TurnRecord& turn) {
  const StepResult& result = turn.result;
  std::string& out = turns.next();
  {
    ObjectWriter object(out, table);
    object.integer(R"("e":)", turn.episode);
    object.integer(R"("t":)", turn.turn);
    append_reply(object, turn.reply);
    append_result(object, result);
    object.nonzero(R"("asked_ns":)", turn.asked.ns);
    object.nonzero(R"("replied_ns":)", turn.replied.ns);
    object.nonzero(R"("finished_ns":)", turn.finished.ns);
    if (!result.tool_results.empty()) {
      append_messages(object.key(R"("messages":)"), table, result.tool_results);
    }
    if (!turn.reply.tool_calls.empty() || has_calls(result.tool_results)) {
      append_calls(object.key(R"("calls":)"), table, turn.reply.tool_calls, result.tool_results);
    }
    if (!result.parts.empty()) append_rewards(object.key(R"("rewards":)"), result.parts);
    if (!turn.events.empty()) append_events(object.key(R"("events":)"), table, turn.events);
  }
  turns.done();
}

void ChunkTexts::add_ending(std::int64_t episode, const EpisodeFacts& facts,
                            const EpisodeEnd& end) {
  std::string& out = endings.next();
  {
    ObjectWriter object(out, table);
    object.integer(R"("e":)", episode);
    append_kind(object, facts.kind);
    object.nonzero(R"("position":)", facts.position);
    object.text(R"("context":)", facts.context);
    object.integer(R"("turns":)", facts.turns);
    if (end.outcome != Outcome::done) object.word(R"("outcome":)", name_of(end.outcome));
    if (end.reward) object.real(R"("reward":)", *end.reward);
    object.nonzero(R"("success":)", end.success ? 1 : 0);
    object.text(R"("feedback":)", end.feedback);
    if (!end.parts.empty()) append_rewards(object.key(R"("rewards":)"), end.parts);
  }
  endings.done();
}

void ChunkTexts::clear() {
  table.clear();
  openings.clear();
  turns.clear();
  endings.clear();
}

}  // namespace turnhalle
