#include "envs/terminal_shell.h"

#include <algorithm>
#include <array>
#include <utility>

#include "envs/terminal_commands.h"

namespace turnhalle::terminal {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string variable(const Machine& machine, std::string_view name) {
  const bool windows = machine.system == System::windows;
  if (name == (windows ? "USERPROFILE" : "HOME")) return machine.shown(machine.home);
  if (name == (windows ? "USERNAME" : "USER")) return machine.user;
  if (name == (windows ? "CD" : "PWD")) return machine.shown(machine.cwd);
  return "";
}

bool matches(std::string_view name, std::string_view pattern) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return name == pattern;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t i = star; i <= name.size(); ++i) {
    if (matches(name.substr(i), rest)) return true;
  }
  return false;
}

// The paths that a word with a star in its last part stands for; the word itself when there are
// none.
Words globbed(const Machine& machine, const std::string& word) {
  const std::size_t star = word.find('*');
  const std::size_t slash = word.find_last_of(machine.system == System::windows ? "/\\" : "/");
  // Many stars would make matching slow.
  const bool many = std::count(word.begin(), word.end(), '*') > 3;
  if (star == std::string::npos || many || (slash != std::string::npos && star < slash)) {
    return {word};
  }
  const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
  const std::string folder = word.substr(0, begin);
  const std::string directory = folder.empty() ? machine.cwd : resolved(machine, folder);
  Words found;
  for (const std::string& name : machine.files.names_in(directory)) {
    if (!name.starts_with('.') && matches(name, word.substr(begin))) found.push_back(folder + name);
  }
  return found.empty() ? Words{word} : found;
}

// Cuts a line into words and operators, expanding variables on the way.
class LineReader {
 public:
  LineReader(const Machine& machine, std::string_view text, Line& line)
      : machine_(machine), text_(text), line_(line) {}

  bool read(std::string& reason) {
    line_.and_then.push_back(false);
    for (; at_ < text_.size() && reason.empty(); ++at_) step(reason);
    end_word();
    if (quote_ != '\0' && reason.empty()) reason = "a quote is not closed";
    line_.commands.push_back(std::move(words_));
    return reason.empty();
  }

 private:
  void step(std::string& reason) {
    const char c = text_[at_];
    const bool windows = machine_.system == System::windows;
    if (quote_ != '\0') {
      if (c == quote_) {
        quote_ = '\0';
      } else if (!(quote_ == '"' && expand(c))) {
        word_ += c;
      }
    } else if (c == '"' || (c == '\'' && !windows)) {
      quote_ = c;
      quoted_ = true;
    } else if (c == '\\' && !windows && at_ + 1 < text_.size()) {
      word_ += text_[++at_];
    } else if (c == '|' || c == '>' || c == '<') {
      reason = "pipes and redirections are not supported";
    } else if (c == ';' || c == '&' || c == '\n') {
      end_command(c, reason);
    } else if (c == ' ' || c == '\t' || c == '\r') {
      end_word();
    } else if (!expand(c)) {
      word_ += c;
    }
  }

  void end_command(char c, std::string& reason) {
    const bool both = c == '&' && at_ + 1 < text_.size() && text_[at_ + 1] == '&';
    if (c == '&' && !both) {
      reason = "commands in the background are not supported";
      return;
    }
    if (c == '\n') {
      reason = "only one line is read";
      return;
    }
    at_ += both ? 1 : 0;
    end_word();
    line_.commands.push_back(std::move(words_));
    words_.clear();
    line_.and_then.push_back(both);
  }

  bool expand(char c) {
    const bool windows = machine_.system == System::windows;
    if (c != (windows ? '%' : '$')) return false;
    std::size_t end = at_ + 1;
    while (end < text_.size() && is_word(text_[end])) ++end;
    const bool closed = !windows || (end < text_.size() && text_[end] == '%');
    if (end == at_ + 1 || !closed) return false;
    word_ += variable(machine_, text_.substr(at_ + 1, end - at_ - 1));
    at_ = windows ? end : end - 1;
    return true;
  }

  void end_word() {
    if (word_.empty() && !quoted_) return;
    const Words found = quoted_ || words_.empty() ? Words{word_} : globbed(machine_, word_);
    words_.insert(words_.end(), found.begin(), found.end());
    word_.clear();
    quoted_ = false;
  }

  const Machine& machine_;
  std::string_view text_;
  Line& line_;
  std::size_t at_ = 0;
  char quote_ = '\0';
  bool quoted_ = false;
  std::string word_;
  Words words_;
};

}  // namespace

std::string_view name_of(System system) {
  static constexpr std::array<std::string_view, 3> kNames = {"Linux", "macOS", "Windows"};
  return kNames[static_cast<std::size_t>(system)];
}

std::string Machine::shown(std::string_view path) const {
  if (system != System::windows) return std::string(path);
  std::string text = "C:" + std::string(path);
  std::replace(text.begin(), text.end(), '/', '\\');
  return text;
}

std::string resolved(const Machine& machine, std::string_view path) {
  std::string text(path);
  if (machine.system == System::windows) {
    std::replace(text.begin(), text.end(), '\\', '/');
    if (text.size() >= 2 && (text[0] == 'C' || text[0] == 'c') && text[1] == ':') {
      text = text.size() == 2 ? "/" : text.substr(2);
    }
  }
  if (text == "~" || text.starts_with("~/")) return normal(machine.home + text.substr(1));
  return normal(text.starts_with('/') ? text : joined(machine.cwd, text));
}

bool parse_line(const Machine& machine, std::string_view text, Line& line, std::string& reason) {
  return LineReader(machine, text, line).read(reason);
}

std::string Shell::run(std::string_view text) {
  Line line;
  std::string reason;
  if (!parse_line(here(), text, line, reason)) return "shell: " + reason + "\n";
  std::string said;
  bool ok = true;
  for (std::size_t i = 0; i < line.commands.size(); ++i) {
    if (line.and_then[i] && !ok) break;
    if (line.commands[i].empty()) continue;
    Output output = run_command(line.commands[i]);
    ok = output.ok;
    said += output.text;
  }
  return said;
}

Output Shell::run_command(const Words& words) { return Commands(*this).run(words); }

std::string Shell::prompt() const {
  const Machine& machine = here();
  if (machine.system == System::windows) return machine.shown(machine.cwd) + ">";
  std::string place = machine.cwd;
  if (place == machine.home) {
    place = "~";
  } else if (place.starts_with(machine.home + "/")) {
    place = "~" + place.substr(machine.home.size());
  }
  if (machine.system == System::macos) return machine.user + "@MacBook " + place + " %";
  return machine.user + "@" + (connected_ ? "server" : "laptop") + ":" + place + "$";
}

}  // namespace turnhalle::terminal
