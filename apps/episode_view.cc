#include "apps/episode_view.h"

#include <istream>
#include <ostream>
#include <string>
#include <string_view>

#include "apps/output.h"
#include "core/text.h"

namespace turnhalle::app {
namespace {

enum class Step { next, episode, quit };

Step ask(std::istream& in, std::ostream& out) {
  out << "[Enter] next turn, [e] next episode, [q] quit > " << std::flush;
  std::string line;
  if (!std::getline(in, line) || line.starts_with("q")) {
    return Step::quit;
  }
  return line.starts_with("e") ? Step::episode : Step::next;
}

// Indented by two, so that headings stand out; safe for a terminal.
void print_block(std::ostream& out, std::string_view title, const std::string& text) {
  out << "  " << title << "\n";
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    out << "    " << one_line(std::string_view(text).substr(begin, end - begin)) << "\n";
    begin = end + 1;
  }
}

void print_start(std::ostream& out, std::size_t number, const EpisodeStart& start) {
  out << "── episode " << number << ": " << name_of(start.kind) << ", task " << start.position
      << (start.continues ? ", goes on in the conversation" : "") << "\n";
  for (const Message& message : start.messages) {
    print_block(out, name_of(message.role), message.content);
  }
}

// advantage 0.310, information gain 0.520 (log-prob -1.100, masked -1.620), format good
void print_credit(std::ostream& out, const Json& credit) {
  const auto number = [&](const char* name) { return fixed(credit.value(name, 0.0), 3); };
  out << "  advantage " << number("advantage");
  if (credit.contains("information_gain")) {
    out << ", information gain " << number("information_gain") << " (log-prob " << number("logp")
        << ", masked " << number("logp_masked") << ")";
  }
  if (credit.contains("format")) out << ", format " << credit.value("format", std::string());
  out << "\n";
}

void print_turn(std::ostream& out, std::size_t number, const StoredTurn& turn,
                const Json* credit) {
  out << "  · turn " << number << ", at " << shortest(static_cast<double>(turn.asked.ns) * 1e-9)
      << " s\n";
  print_block(out, "assistant", turn.reply.text);
  for (const ToolCall& call : turn.reply.tool_calls) {
    print_block(out, "calls " + call.name, canonical(call.arguments));
  }
  for (const Message& message : turn.result.tool_results) {
    print_block(out, "tool", message.content);
  }
  if (!turn.result.observation.empty()) {
    print_block(out, "user", turn.result.observation);
  }
  if (turn.result.reward != 0.0) {
    out << "  reward " << shortest(turn.result.reward) << "\n";
  }
  if (credit != nullptr) print_credit(out, *credit);
}

void print_end(std::ostream& out, const std::optional<EpisodeEnd>& end) {
  if (!end) {
    out << "  the recording stops here\n\n";
    return;
  }
  out << "  → " << name_of(end->outcome) << (end->success ? ", success" : "") << ", reward "
      << (end->reward ? shortest(*end->reward) : "none") << "\n\n";
}

Step show_episode(const StoredEpisode& episode, std::size_t number, const TurnCredit& credit,
                  bool steps, std::istream& in, std::ostream& out) {
  print_start(out, number, episode.start);
  for (std::size_t turn = 0; turn < episode.turns.size(); ++turn) {
    if (steps) {
      if (const Step step = ask(in, out); step != Step::next) {
        return step;
      }
    }
    print_turn(out, turn, episode.turns[turn],
               credit(static_cast<std::int64_t>(number), static_cast<std::int64_t>(turn)));
  }
  print_end(out, episode.end);
  return Step::next;
}

}  // namespace

void show_lifecycle(const StoredLifecycle& lifecycle, std::optional<std::int64_t> episode,
                    const TurnCredit& credit, bool steps, std::istream& in, std::ostream& out) {
  out << "lifecycle " << lifecycle.number << (lifecycle.complete ? "" : " (not complete)")
      << "\n\n";
  for (std::size_t i = 0; i < lifecycle.episodes.size(); ++i) {
    if (episode && static_cast<std::int64_t>(i) != *episode) continue;
    if (show_episode(lifecycle.episodes[i], i, credit, steps, in, out) == Step::quit) {
      return;
    }
  }
  out << std::flush;
}

}  // namespace turnhalle::app
