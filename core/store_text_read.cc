// Reads the JSON texts of a chunk back, exactly as store_text.cc writes them.
#include <charconv>
#include <utility>

#include "core/hash_chain.h"
#include "core/store_rows.h"
#include "core/store_text.h"

namespace turnhalle {
namespace {

// Of all texts of a chunk as they were said: a few lines can be made to stand for any number.
constexpr std::size_t kSaidBytesMax = std::size_t{1} << 30;

// Anything but what was written sets a flag that stays.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool ok() const { return !failed_; }
  bool finished() const { return ok() && at_ == text_.size(); }
  std::size_t at() const { return at_; }
  std::string_view since(std::size_t begin) const { return text_.substr(begin, at_ - begin); }
  void fail() { failed_ = true; }
  bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }

  bool take(char c) {
    const bool here = next_is(c);
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
      while (end < text_.size() && is_plain(text_[end])) ++end;
      out.append(text_, at_, end - at_);
      at_ = end;
      if (take('"')) return out;
      expect('\\');
      if (ok()) out += escaped();
    }
    return out;
  }

 private:
  static bool is_plain(char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
  }

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
    const std::string byte = digits.size() == 4 ? from_hex(digits.substr(2)) : "";
    if (c != 'u' || !digits.starts_with("00") || byte.empty()) {
      fail();
      return '\0';
    }
    at_ += 4;
    return byte.front();
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

struct CallText {
  std::int64_t message = -1;
  ToolCall call;
};

// Puts calls where they belong; false when a message that a call belongs to is not there.
bool place_calls(std::vector<CallText>& calls, std::vector<ToolCall>* own,
                 std::vector<Message>& messages) {
  for (CallText& call : calls) {
    if (call.message < 0 && own != nullptr) {
      own->push_back(std::move(call.call));
    } else if (call.message >= 0 && call.message < std::ssize(messages)) {
      messages[static_cast<std::size_t>(call.message)].tool_calls.push_back(std::move(call.call));
    } else {
      return false;
    }
  }
  return true;
}

/// Reads one chunk. Pieces are kept in the order of ChunkColumns.
class ChunkReader {
 public:
  ReadChunk read(const ChunkColumns& columns) {
    chunk_.whole = true;
    read_array(columns.lines, [this](Cursor& in) { lines_.push_back(in.string()); });
    read_array(columns.texts, [this](Cursor& in) { read_text_entry(in); });
    read_array(columns.openings, [this](Cursor& in) { read_opening(in); });
    read_array(columns.turns, [this](Cursor& in) { read_turn(in); });
    read_array(columns.endings, [this](Cursor& in) { read_ending(in); });
    // Lines that nobody could be seen to say belong where the reading stopped.
    for (std::size_t i = 0; i < chunk_.readable && stopped_.episode >= 0; ++i) {
      ChunkPiece& piece = chunk_.pieces[i];
      if (piece.episode < 0) piece = {piece.bytes, stopped_.episode, stopped_.turn};
    }
    return std::move(chunk_);
  }

 private:
  using Lines = std::vector<std::size_t>;

  template <class Read>
  void read_array(std::string_view text, const Read& read) {
    Cursor in(text);
    in.array([&] {
      const std::size_t begin = in.at();
      episode_ = turn_ = -1;
      read(in);
      chunk_.pieces.push_back({in.since(begin), episode_, turn_});
      if (!in.ok() && stopped_.episode < 0) stopped_ = chunk_.pieces.back();
    });
    if (!chunk_.whole) return;
    chunk_.readable = chunk_.pieces.size();
    chunk_.whole = in.finished();
  }

  void read_text_entry(Cursor& in) {
    Lines& entry = texts_.emplace_back();
    const auto read_line = [&] {
      const std::int64_t line = in.integer();
      if (line < 0 || line >= std::ssize(lines_)) return in.fail();
      entry.push_back(static_cast<std::size_t>(line));
    };
    if (in.next_is('[')) {
      in.array(read_line);
    } else {
      read_line();
    }
  }

  // A text by its number. Where it is said first is remembered for it and its lines.
  std::string text(Cursor& in) {
    const std::int64_t number = in.integer();
    if (!in.ok() || number < 0 || number >= std::ssize(texts_)) {
      in.fail();
      return "";
    }
    const auto place = static_cast<std::size_t>(number);
    say(lines_.size() + place);
    std::string out;
    for (std::size_t i = 0; i < texts_[place].size(); ++i) {
      const std::size_t line = texts_[place][i];
      say(line);
      said_bytes_ += lines_[line].size() + 1;
      if (said_bytes_ > kSaidBytesMax) {
        in.fail();
        return "";
      }
      if (i > 0) out += '\n';
      out += lines_[line];
    }
    return out;
  }

  void say(std::size_t piece) {
    ChunkPiece& said = chunk_.pieces[piece];
    if (said.episode >= 0) return;
    said.episode = episode_;
    said.turn = turn_;
  }

  void read_messages(Cursor& in, std::vector<Message>& out) {
    in.array([&] {
      Message& message = out.emplace_back();
      in.expect('[');
      message.role = named(in, role_of(in.string()));
      in.expect(',');
      message.content = text(in);
      if (in.take(',')) message.tool_call_id = in.string();
      in.expect(']');
    });
  }

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
          auto arguments = parse_json(text(in));
          if (!arguments) return in.fail();
          call.call.arguments = std::move(arguments->root);
        } else {
          in.fail();
        }
      });
    });
  }

  static void read_rewards(Cursor& in, std::vector<RewardPart>& out) {
    in.array([&] {
      RewardPart& part = out.emplace_back();
      in.expect('[');
      part.name = in.string();
      in.expect(',');
      part.value = in.real();
      in.expect(']');
    });
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
        } else if (key == "text") {
          event.payload = text(in);
        } else if (key == "payload") {
          const std::string digits = in.string();
          event.payload = from_hex(digits);
          if (event.payload.size() * 2 != digits.size()) in.fail();
        } else {
          in.fail();
        }
      });
    });
  }

  void read_opening(Cursor& in) {
    OpeningText& opening = chunk_.openings.emplace_back();
    EpisodeStart& start = opening.start;
    std::vector<CallText> calls;
    in.object([&](std::string_view key) {
      if (key == "e") {
        episode_ = opening.episode = in.integer();
      } else if (key == "kind") {
        start.kind = named(in, episode_kind_of(in.string()));
      } else if (key == "position") {
        start.position = in.integer();
      } else if (key == "continues") {
        start.continues = in.integer() != 0;
      } else if (key == "turns_max") {
        start.turns_max = in.integer();
      } else if (key == "context") {
        start.context = text(in);
      } else if (key == "messages") {
        read_messages(in, start.messages);
      } else if (key == "calls") {
        read_calls(in, calls);
      } else {
        in.fail();
      }
    });
    if (!place_calls(calls, nullptr, start.messages)) in.fail();
  }

  // Fields of the reply; false when the key is none of them.
  bool read_reply_field(Cursor& in, std::string_view key, AgentReply& reply) {
    if (key == "r") {
      reply.text = text(in);
    } else if (key == "failure") {
      reply.failure = named(in, failure_of(in.string()));
    } else if (key == "failure_text") {
      reply.failure_text = text(in);
    } else if (key == "latency_ns") {
      reply.latency = {in.integer()};
    } else {
      return false;
    }
    return true;
  }

  // Fields of what the reply brought about; false when the key is none of them.
  bool read_result_field(Cursor& in, std::string_view key, StepResult& result) {
    if (key == "o") {
      result.observation = text(in);
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

  void read_turn(Cursor& in) {
    TurnText& turn = chunk_.turns.emplace_back();
    StoredTurn& content = turn.content;
    std::vector<CallText> calls;
    in.object([&](std::string_view key) {
      if (read_reply_field(in, key, content.reply) || read_result_field(in, key, content.result)) {
        return;
      }
      if (key == "e") {
        episode_ = turn.episode = in.integer();
      } else if (key == "t") {
        turn_ = turn.turn = in.integer();
      } else if (key == "tokens") {
        turn.has_tokens = in.integer() == 1;
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

  void read_ending(Cursor& in) {
    EndingText& ending = chunk_.endings.emplace_back();
    EpisodeEnd& end = ending.end;
    end.outcome = Outcome::done;
    in.object([&](std::string_view key) {
      if (key == "e") {
        episode_ = ending.episode = in.integer();
      } else if (key == "kind") {
        named(in, episode_kind_of(in.string()));
      } else if (key == "position") {
        in.integer();
      } else if (key == "context") {
        text(in);
      } else if (key == "turns") {
        ending.turns = in.integer();
      } else if (key == "outcome") {
        end.outcome = named(in, outcome_of(in.string()));
      } else if (key == "reward") {
        end.reward = in.real();
      } else if (key == "success") {
        end.success = in.integer() != 0;
      } else if (key == "feedback") {
        end.feedback = text(in);
      } else if (key == "rewards") {
        read_rewards(in, end.parts);
      } else {
        in.fail();
      }
    });
  }

  ReadChunk chunk_;
  std::vector<std::string> lines_;
  std::vector<Lines> texts_;
  std::size_t said_bytes_ = 0;
  std::int64_t episode_ = -1;
  std::int64_t turn_ = -1;
  ChunkPiece stopped_;  // the first one that could not be read and has a place
};

}  // namespace

ReadChunk read_chunk(const ChunkColumns& columns) { return ChunkReader().read(columns); }

}  // namespace turnhalle
