#include "envs/terminal_machine.h"

#include <algorithm>
#include <array>

namespace turnhalle::terminal {

std::string_view name_of(System system) {
  static constexpr std::array<std::string_view, 3> kNames = {"Linux", "macOS", "Windows"};
  return kNames[static_cast<std::size_t>(system)];
}

std::string Machine::shown(std::string_view path) const {
  if (!is_windows()) return std::string(path);
  std::string text = "C:" + std::string(path);
  std::replace(text.begin(), text.end(), '/', '\\');
  return text;
}

std::string resolved(const Machine& machine, std::string_view path) {
  std::string text(path);
  if (machine.is_windows()) {
    std::replace(text.begin(), text.end(), '\\', '/');
    if (text.size() >= 2 && (text[0] == 'C' || text[0] == 'c') && text[1] == ':') {
      text = text.size() == 2 ? "/" : text.substr(2);
    }
  }
  if (text == "~" || text.starts_with("~/")) return normal(machine.home + text.substr(1));
  return normal(text.starts_with('/') ? text : joined(machine.cwd, text));
}

bool names_directory(const Machine& machine, std::string_view path) {
  return path.ends_with('/') || (machine.is_windows() && path.ends_with('\\'));
}

}  // namespace turnhalle::terminal
