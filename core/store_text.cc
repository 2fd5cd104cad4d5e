#include "core/store_text.h"

#include <array>
#include <charconv>
#include <cmath>

#include "core/check.h"
#include "core/hash_chain.h"
#include "core/store_rows.h"
#include "core/text.h"

namespace turnhalle {
namespace {

// ---- Writing ----

constexpr char kDigits[] = "0123456789abcdef";

constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < plain.size(); ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

void append_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (kPlain[c]) continue;
    out.append(text, begin, i - begin);
    begin = i + 1;
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      case '\r': out += "\\r"; break;
      default:
        out += "\\u00";
        out += kDigits[c >> 4];
        out += kDigits[c & 15];
    }
  }
  out.append(text, begin, text.size() - begin);
  out += '"';
}

// The shortest text that reads back as the same double, and reads as a real number: "1.0".
void append_real(std::string& out, double value) {
  check(std::isfinite(value), "a reward is finite", value);
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), storable(value)).ptr;
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void append_field(std::string& out, std::string_view key, std::string_view text) {
  out += key;
  append_string(out, text);
}

void append_time(std::string& out, std::string_view key, std::int64_t ns) {
  if (ns == 0) return;
  out += key;
  append_number(out, ns);
}

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

void append_events_text(std::string& out, std::span<const Event> events) {
  append_array(out, events, [&](const Event& event) {
    out += R"({"time_ns":)";
    append_number(out, event.time.ns);
    out += R"(,"sequence":)";
    append_number(out, static_cast<std::int64_t>(event.sequence));
    out += R"(,"kind":)";
    append_number(out, event.kind);
    append_field(out, R"(,"payload":)", hex(event.payload));
    out += '}';
  });
}

bool has_calls(const TurnRecord& turn) {
  if (!turn.reply.tool_calls.empty()) return true;
  for (const Message& message : turn.result.tool_results) {
    if (!message.tool_calls.empty()) return true;
  }
  return false;
}

// ---- Reading ----

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Reads exactly what is written above; anything else sets a flag that stays.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool ok() const { return !failed_; }
  bool finished() const { return ok() && at_ == text_.size(); }
  std::size_t at() const { return at_; }
  std::string_view since(std::size_t begin) const { return text_.substr(begin, at_ - begin); }
  void fail() { failed_ = true; }

  bool take(char c) {
    const bool here = at_ < text_.size() && text_[at_] == c;
    at_ += here ? 1 : 0;
    return here;
  }
  void expect(char c) {
    if (!take(c)) fail();
  }

  // [element, element, …]
  template <class Read>
  void array(const Read& read) {
    expect('[');
    if (take(']')) return;
    do {
      read();
    } while (ok() && take(','));
    expect(']');
  }

  // {"key":value, …}; `read` reads the value of a key that it knows, or fails.
  template <class Read>
  void object(const Read& read) {
    expect('{');
    if (take('}')) return;
    do {
      expect('"');
      const std::size_t end = text_.find('"', at_);
      if (!ok() || end == std::string_view::npos) return fail();
      const std::string_view key = text_.substr(at_, end - at_);
      at_ = end + 1;
      expect(':');
      if (ok()) read(key);
    } while (ok() && take(','));
    expect('}');
  }

  std::int64_t integer() { return number<std::int64_t>(); }
  double real() { return number<double>(); }

  std::string string() {
    std::string out;
    expect('"');
    while (ok()) {
      std::size_t end = at_;
      while (end < text_.size() && kPlain[static_cast<unsigned char>(text_[end])]) ++end;
      out.append(text_, at_, end - at_);
      at_ = end;
      if (take('"')) return out;
      expect('\\');
      if (ok()) out += escaped();
    }
    return out;
  }

 private:
  template <class Number>
  Number number() {
    Number value{};
    const char* const begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc()) {
      fail();
      return Number{};
    }
    at_ += static_cast<std::size_t>(end - begin);
    return value;
  }

  char escaped() {
    const char c = at_ < text_.size() ? text_[at_++] : '\0';
    switch (c) {
      case '"':
      case '\\': return c;
      case 'n': return '\n';
      case 't': return '\t';
      case 'r': return '\r';
      default: break;
    }
    const std::string_view digits = text_.substr(std::min(at_, text_.size()), 4);
    const int high = digits.size() == 4 ? digit_of(digits[2]) : -1;
    const int low = digits.size() == 4 ? digit_of(digits[3]) : -1;
    if (c != 'u' || !digits.starts_with("00") || high < 0 || low < 0) {
      fail();
      return '\0';
    }
    at_ += 4;
    return static_cast<char>(high * 16 + low);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

template <class Value>
Value named(Cursor& in, std::optional<Value> value) {
  if (!value) in.fail();
  return value.value_or(Value{});
}

void read_messages(Cursor& in, std::vector<Message>& out) {
  in.array([&] {
    Message& message = out.emplace_back();
    in.object([&](std::string_view key) {
      if (key == "role") {
        message.role = named(in, role_of(in.string()));
      } else if (key == "content") {
        message.content = in.string();
      } else if (key == "tool_call_id") {
        message.tool_call_id = in.string();
      } else {
        in.fail();
      }
    });
  });
}

struct CallText {
  std::int64_t message = -1;
  ToolCall call;
};

void read_calls(Cursor& in, std::vector<CallText>& out) {
  in.array([&] {
    CallText& call = out.emplace_back();
    in.object([&](std::string_view key) {
      if (key == "message") {
        call.message = in.integer();
      } else if (key == "id") {
        call.call.id = in.string();
      } else if (key == "name") {
        call.call.name = in.string();
      } else if (key == "arguments") {
        auto arguments = parse_json(in.string());
        if (!arguments) return in.fail();
        call.call.arguments = std::move(arguments->root);
      } else {
        in.fail();
      }
    });
  });
}

// Puts calls where they belong; false when a message that a call belongs to is not there.
bool place_calls(std::vector<CallText>& calls, std::vector<ToolCall>* own,
                 std::vector<Message>& messages) {
  for (CallText& call : calls) {
    if (call.message < 0 && own != nullptr) {
      own->push_back(std::move(call.call));
    } else if (call.message >= 0 && call.message < static_cast<std::int64_t>(messages.size())) {
      messages[static_cast<std::size_t>(call.message)].tool_calls.push_back(std::move(call.call));
    } else {
      return false;
    }
  }
  return true;
}

void read_rewards(Cursor& in, std::vector<RewardPart>& out) {
  in.array([&] {
    RewardPart& part = out.emplace_back();
    in.object([&](std::string_view key) {
      if (key == "name") {
        part.name = in.string();
      } else if (key == "value") {
        part.value = in.real();
      } else {
        in.fail();
      }
    });
  });
}

std::string bytes_of_hex(Cursor& in, const std::string& digits) {
  std::string bytes = from_hex(digits);
  if (bytes.size() * 2 != digits.size()) in.fail();
  return bytes;
}

void read_events(Cursor& in, std::vector<Event>& out) {
  in.array([&] {
    Event& event = out.emplace_back();
    in.object([&](std::string_view key) {
      if (key == "time_ns") {
        event.time = {in.integer()};
      } else if (key == "sequence") {
        event.sequence = static_cast<std::uint64_t>(in.integer());
      } else if (key == "kind") {
        event.kind = static_cast<std::uint32_t>(in.integer());
      } else if (key == "payload") {
        event.payload = bytes_of_hex(in, in.string());
      } else {
        in.fail();
      }
    });
  });
}

// Fields of the reply; false when the key is none of them.
bool read_reply_field(Cursor& in, std::string_view key, AgentReply& reply) {
  if (key == "reply") {
    reply.text = in.string();
  } else if (key == "failure") {
    reply.failure = named(in, failure_of(in.string()));
  } else if (key == "failure_text") {
    reply.failure_text = in.string();
  } else if (key == "latency_ns") {
    reply.latency = {in.integer()};
  } else {
    return false;
  }
  return true;
}

// Fields of what the reply brought about; false when the key is none of them.
bool read_result_field(Cursor& in, std::string_view key, StepResult& result) {
  if (key == "observation") {
    result.observation = in.string();
  } else if (key == "outcome") {
    result.outcome = named(in, outcome_of(in.string()));
  } else if (key == "reward") {
    result.reward = in.real();
  } else if (key == "messages") {
    read_messages(in, result.tool_results);
  } else if (key == "rewards") {
    read_rewards(in, result.parts);
  } else {
    return false;
  }
  return true;
}

void read_turn(Cursor& in, TurnText& turn) {
  StoredTurn& content = turn.content;
  std::vector<CallText> calls;
  in.object([&](std::string_view key) {
    if (read_reply_field(in, key, content.reply) || read_result_field(in, key, content.result)) {
      return;
    }
    if (key == "episode") {
      turn.episode = in.integer();
    } else if (key == "turn") {
      turn.turn = in.integer();
    } else if (key == "asked_ns") {
      content.asked = {in.integer()};
    } else if (key == "replied_ns") {
      content.replied = {in.integer()};
    } else if (key == "finished_ns") {
      content.finished = {in.integer()};
    } else if (key == "calls") {
      read_calls(in, calls);
    } else if (key == "events") {
      read_events(in, content.events);
    } else {
      in.fail();
    }
  });
  if (!place_calls(calls, &content.reply.tool_calls, content.result.tool_results)) in.fail();
}

}  // namespace

void append_messages_text(std::string& out, std::span<const Message> messages) {
  append_array(out, messages, [&](const Message& message) {
    append_field(out, R"({"role":)", name_of(message.role));
    append_field(out, R"(,"content":)", message.content);
    if (!message.tool_call_id.empty()) {
      append_field(out, R"(,"tool_call_id":)", message.tool_call_id);
    }
    out += '}';
  });
}

void append_calls_text(std::string& out, std::span<const ToolCall> own,
                       std::span<const Message> messages) {
  std::vector<std::pair<std::int64_t, const ToolCall*>> calls;
  for (const ToolCall& call : own) calls.emplace_back(-1, &call);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    for (const ToolCall& call : messages[i].tool_calls) {
      calls.emplace_back(static_cast<std::int64_t>(i), &call);
    }
  }
  append_array(out, calls, [&](const auto& call) {
    out += R"({"message":)";
    append_number(out, call.first);
    append_field(out, R"(,"id":)", call.second->id);
    append_field(out, R"(,"name":)", call.second->name);
    append_field(out, R"(,"arguments":)", canonical(call.second->arguments));
    out += '}';
  });
}

void append_rewards_text(std::string& out, std::span<const RewardPart> parts) {
  append_array(out, parts, [&](const RewardPart& part) {
    append_field(out, R"({"name":)", part.name);
    out += R"(,"value":)";
    append_real(out, part.value);
    out += '}';
  });
}

void append_turn_text(std::string& out, const TurnRecord& turn) {
  const AgentReply& reply = turn.reply;
  const StepResult& result = turn.result;
  out += R"({"episode":)";
  append_number(out, turn.episode);
  out += R"(,"turn":)";
  append_number(out, turn.turn);
  append_field(out, R"(,"reply":)", reply.text);
  if (reply.failure != ReplyFailure::none) {
    append_field(out, R"(,"failure":)", name_of(reply.failure));
  }
  if (!reply.failure_text.empty()) {
    append_field(out, R"(,"failure_text":)", reply.failure_text);
  }
  append_time(out, R"(,"latency_ns":)", reply.latency.ns);
  append_field(out, R"(,"observation":)", result.observation);
  if (result.outcome != Outcome::running) {
    append_field(out, R"(,"outcome":)", name_of(result.outcome));
  }
  check(std::isfinite(result.reward), "a reward is finite", result.reward);
  if (result.reward != 0.0) {
    out += R"(,"reward":)";
    append_real(out, result.reward);
  }
  append_time(out, R"(,"asked_ns":)", turn.asked.ns);
  append_time(out, R"(,"replied_ns":)", turn.replied.ns);
  append_time(out, R"(,"finished_ns":)", turn.finished.ns);
  if (!result.tool_results.empty()) {
    out += R"(,"messages":)";
    append_messages_text(out, result.tool_results);
  }
  if (has_calls(turn)) {
    out += R"(,"calls":)";
    append_calls_text(out, reply.tool_calls, result.tool_results);
  }
  if (!result.parts.empty()) {
    out += R"(,"rewards":)";
    append_rewards_text(out, result.parts);
  }
  if (!turn.events.empty()) {
    out += R"(,"events":)";
    append_events_text(out, turn.events);
  }
  out += '}';
}

bool read_turns_text(std::string_view text, std::vector<TurnText>& turns) {
  Cursor in(text);
  in.array([&] {
    TurnText& turn = turns.emplace_back();
    const std::size_t begin = in.at();
    read_turn(in, turn);
    turn.text = in.since(begin);
  });
  return in.finished();
}

bool read_messages_text(std::string_view messages, std::string_view calls,
                        std::vector<Message>& out) {
  Cursor in(messages);
  read_messages(in, out);
  Cursor in_calls(calls);
  std::vector<CallText> read;
  read_calls(in_calls, read);
  return in.finished() && in_calls.finished() && place_calls(read, nullptr, out);
}

bool read_rewards_text(std::string_view text, std::vector<RewardPart>& out) {
  Cursor in(text);
  read_rewards(in, out);
  return in.finished();
}

}  // namespace turnhalle
