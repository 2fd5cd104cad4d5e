#include "core/playthrough.h"

#include <algorithm>
#include <utility>

#include "core/sha256.h"
#include "core/text.h"

namespace turnhalle {
namespace {

constexpr std::size_t kHashDigits = 16;

// Between bars, so that blanks at the end of a line show; tabs, bars and the like as escapes.
void append_text(std::string& out, std::string_view text) {
  std::string line = "  |";
  for (const char c : text) {
    if (c == '\n') {
      out += line + "|\n";
      line = "  |";
    } else if (c == '\\') {
      line += "\\\\";
    } else if (c == '\t') {
      line += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      line += "\\x" + hex(std::string_view(&c, 1));
    } else {
      line += c;
    }
  }
  out += line + "|\n";
}

void append_parts(std::string& out, const std::vector<RewardPart>& parts) {
  for (const RewardPart& part : parts) {
    out += " " + part.name + "=" + shortest(part.value);
  }
}

void append_message(std::string& out, const Message& message) {
  out += std::string(name_of(message.role));
  if (!message.tool_call_id.empty()) out += " " + message.tool_call_id;
  out += '\n';
  append_text(out, message.content);
}

class StoryRecorder final : public Recorder {
 public:
  explicit StoryRecorder(std::string& out) : out_(out) {}

  void episode_started(std::int64_t episode, const EpisodeStart& start) override {
    out_ += "\nepisode " + std::to_string(episode) + " " + std::string(name_of(start.kind)) +
            " position " + std::to_string(start.position) + " turns_max " +
            std::to_string(start.turns_max) + (start.continues ? " continues" : "") + "\n";
    out_ += "context\n";
    append_text(out_, start.context);
    for (const Message& message : start.messages) {
      append_message(out_, message);
    }
  }

  void turn_played(const TurnRecord& turn) override {
    out_ += "turn " + std::to_string(turn.turn) + " at " + std::to_string(turn.replied.ns) + "\n";
    append_text(out_, turn.reply.text);
    for (const ToolCall& call : turn.reply.tool_calls) {
      out_ += "call " + call.id + " " + call.name + " " + canonical(call.arguments) + "\n";
    }
    for (const Event& event : turn.events) {
      out_ += "event " + std::to_string(event.kind) + " at " + std::to_string(event.time.ns) + " " +
              one_line(event.payload) + "\n";
    }
    for (const Message& message : turn.result.tool_results) {
      append_message(out_, message);
    }
    out_ += std::string(name_of(turn.result.outcome)) + " reward " + shortest(turn.result.reward);
    append_parts(out_, turn.result.parts);
    out_ += "\nobservation\n";
    append_text(out_, turn.result.observation);
  }

  void episode_ended(std::int64_t, const EpisodeEnd& end) override {
    out_ += "end " + std::string(name_of(end.outcome)) + " reward " +
            (end.reward ? shortest(*end.reward) : "null") + (end.success ? " success" : "");
    append_parts(out_, end.parts);
    out_ += '\n';
  }

  void lifecycle_ended() override { out_ += "\nover\n"; }

 private:
  std::string& out_;
};

std::string heading(const Scenario& scenario, const PlaythroughOptions& options) {
  const EnvironmentSpec& spec = scenario.family->spec();
  std::string out = "scenario " + scenario.name + "\n";
  out += "environment " + spec.name + " version " + std::to_string(spec.version) + "\n";
  out += "actions " + spec.action_grammar + "\n";
  out += "rewards " + shortest(spec.reward_low) + " to " + shortest(spec.reward_high) + "\n";
  out += "seed " + std::to_string(options.seed.seed) + " " +
         std::string(name_of(options.seed.split)) + " lifecycle " +
         std::to_string(options.lifecycle.value) + " player " + options.role + "\n";
  return out;
}

// Line `number`, from 1, without its end.
std::string line_at(std::string_view text, std::size_t number) {
  for (std::size_t i = 1; i < number; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return "";
    text.remove_prefix(end + 1);
  }
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace

AgentReply reply_of(Player& player, const Conversation& conversation) {
  AgentReply reply;
  reply.text = player.play({conversation.world->environment(), conversation.messages,
                            conversation.kind, conversation.position, conversation.turn},
                           conversation.key);
  return reply;
}

Result<std::string> write_playthrough(const Scenario& scenario, const PlaythroughOptions& options,
                                      const LifecycleFactory& make_lifecycle) {
  const std::unique_ptr<Player> player = scenario.family->make_player(options.role);
  if (player == nullptr) {
    return Error{scenario.file, "the environment \"" + scenario.environment +
                                    "\" has no player \"" + options.role + "\""};
  }
  std::string out = heading(scenario, options);
  World world(make_lifecycle(scenario, options.seed, options.lifecycle),
              {options.lifecycle, options.seed.agent(options.lifecycle), scenario.limits},
              std::make_unique<StoryRecorder>(out));
  world.start();
  while (!world.finished()) {
    const std::string state = sha256_hex(world.snapshot()).substr(0, kHashDigits);
    out +=
        "state " + state + " " + canonical(world.lifecycle().environment().hidden_state()) + "\n";
    world.deliver(reply_of(*player, world.conversation()));
  }
  return out;
}

std::optional<TextDifference> first_difference(std::string_view expected, std::string_view found) {
  if (expected == found) {
    return std::nullopt;
  }
  const auto [left, right] =
      std::mismatch(expected.begin(), expected.end(), found.begin(), found.end());
  const std::string_view common =
      expected.substr(0, static_cast<std::size_t>(left - expected.begin()));
  TextDifference difference;
  difference.line = 1 + static_cast<std::size_t>(std::count(common.begin(), common.end(), '\n'));
  const std::size_t last_end = common.rfind('\n');
  difference.column = common.size() - (last_end == std::string_view::npos ? 0 : last_end + 1) + 1;
  difference.expected = line_at(expected, difference.line);
  difference.found = line_at(found, difference.line);
  return difference;
}

std::string describe(const std::string& file, const TextDifference& difference) {
  return file + ":" + std::to_string(difference.line) + ":" + std::to_string(difference.column) +
         ": expected \"" + difference.expected + "\"; found \"" + difference.found + "\"";
}

}  // namespace turnhalle
