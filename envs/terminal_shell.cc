#include "envs/terminal_shell.h"

#include "core/text.h"
#include "envs/terminal_commands.h"
#include "envs/terminal_line.h"

namespace turnhalle::terminal {
namespace {

constexpr std::size_t kSaidBytesMax = 8000;  // of one line

}  // namespace

std::string Shell::run(std::string_view line, const std::function<bool()>& done) {
  if (const std::string refused = refusal_of(here(), line); !refused.empty()) {
    return "shell: " + refused + "\n";
  }
  std::string said;
  bool ok = true;
  for (LineReader reader(line); !reader.finished();) {
    const Command command = reader.next(here());
    if (!command.refused.empty()) {  // the other machine quotes in another way
      said += "shell: " + command.refused + "\n";
      break;
    }
    if (command.words.empty() || (command.needs_success && !ok)) continue;
    Words words;
    const Output output = fill_in(here(), command.words, words)
                              ? Commands(*this).run(words)
                              : failed(words[0], "there are too many arguments");
    ok = output.ok;
    said += output.text;
    if (done && done()) break;
  }
  return shortened(said, kSaidBytesMax);
}

std::string Shell::prompt() const {
  const Machine& machine = here();
  if (machine.is_windows()) return machine.shown(machine.cwd) + ">";
  std::string place = machine.cwd;
  if (place == machine.home) {
    place = "~";
  } else if (is_below(place, machine.home)) {
    place = "~" + place.substr(machine.home.size());
  }
  if (machine.system == System::macos) return machine.user + "@MacBook " + place + " %";
  return machine.user + "@" + (connected_ ? "server" : "laptop") + ":" + place + "$";
}

}  // namespace turnhalle::terminal
