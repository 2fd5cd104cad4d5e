#include "envs/terminal_players.h"

#include <array>
#include <string>

#include "core/check.h"

namespace turnhalle::terminal {
namespace {

constexpr std::array<std::string_view, 8> kAimless = {
    "ls", "pwd", "ls -la ~", "whoami", "cd ..", "mkdir tmp", "echo hello", "cat notes.md"};

const Observable& observable_of(const PlayerView& view) {
  const auto* observable = dynamic_cast<const Observable*>(&view.environment);
  check(observable != nullptr, "a player of terminal_sim plays terminal_sim");
  return *observable;
}

// The first line of the way that was not run: what is lost on its way is given again.
std::string next_line(const Observable& seen) {
  const std::vector<std::string>& way = seen.task().way;
  std::size_t done = 0;
  for (const std::string& line : seen.lines()) {
    if (done < way.size() && line == way[done]) ++done;
  }
  return done < way.size() ? way[done] : "pwd";
}

class TerminalPlayer final : public Player {
 public:
  TerminalPlayer(bool expert, PromptStyle style)
      : expert_(expert), compact_(style == PromptStyle::compact) {}

  std::string play(const PlayerView& view, RandomKey key) override {
    if (view.kind == EpisodeKind::update_context) return hints();
    std::string line(kAimless[Random(key).below(kAimless.size())]);
    if (expert_) line = next_line(observable_of(view));
    return "<answer>" + line + "</answer>";
  }

 private:
  std::string hints() const {
    const std::string facts =
        expert_ ? "- scp runs on the local machine: leave ssh by exit before it.\n"
                  "- unzip -d takes a target directory; tar extracts in the current one.\n"
                : "- Nothing was learned.\n";
    if (compact_) return " <hint>\n" + facts + "</hint>";
    return "--- Start of updated hints ---\n### Commands\n" + facts +
           "--- End of updated hints ---";
  }

  bool expert_;
  bool compact_;
};

}  // namespace

std::unique_ptr<Player> make_player(std::string_view role, PromptStyle style) {
  if (role != "expert" && role != "random") return nullptr;
  return std::make_unique<TerminalPlayer>(role == "expert", style);
}

}  // namespace turnhalle::terminal
