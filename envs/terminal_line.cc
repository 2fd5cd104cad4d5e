#include "envs/terminal_line.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace turnhalle::terminal {
namespace {

constexpr std::size_t kWordsMax = 1000;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::optional<std::string> variable(const Machine& machine, std::string_view name) {
  const bool windows = machine.is_windows();
  if (name == (windows ? "USERPROFILE" : "HOME")) return machine.shown(machine.home);
  if (name == (windows ? "USERNAME" : "USER")) return machine.user;
  if (name == (windows ? "CD" : "PWD")) return machine.shown(machine.cwd);
  return std::nullopt;
}

// Goes back to the last star only, so it takes at most |name| · |pattern| steps.
bool matches(std::string_view name, std::string_view pattern) {
  std::size_t n = 0;
  std::size_t p = 0;
  std::size_t star = std::string_view::npos;
  std::size_t taken = 0;  // where the name goes on behind what the last star has taken
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace

Command LineReader::next(const Machine& machine) {
  Command command;
  command.needs_success = after_and_;
  after_and_ = false;
  ended_ = false;
  while (!finished() && !ended_ && command.refused.empty()) {
    const char c = line_[at_++];
    if (c == '\n' || c == '\r') {
      command.refused = "only one line is read";
    } else if (quote_ != '\0') {
      read_quoted(machine, c);
    } else {
      read_plain(machine, c, command);
    }
  }
  end_word(command);
  end_ = at_ - (after_and_ ? 2 : ended_ ? 1 : 0);
  if (quote_ != '\0' && command.refused.empty()) command.refused = "a quote is not closed";
  if (!command.refused.empty()) at_ = line_.size();
  return command;
}

void LineReader::read_quoted(const Machine& machine, char c) {
  const bool escapes = quote_ == '"' && c == '\\' && !machine.is_windows() && !finished() &&
                       std::string_view("\"\\$").find(line_[at_]) != std::string_view::npos;
  if (c == quote_) {
    quote_ = '\0';
  } else if (escapes) {
    word_.text += line_[at_++];
  } else if (quote_ == '\'' || !expand(machine, c)) {
    word_.text += c;
  }
}

void LineReader::read_plain(const Machine& machine, char c, Command& command) {
  const bool windows = machine.is_windows();
  if (c == '"' || (c == '\'' && !windows)) {
    quote_ = c;
    word_.quoted = true;
  } else if (c == '\\' && !windows && !finished()) {
    word_.text += line_[at_++];
    word_.quoted = true;
  } else if (c == '|' || c == '>' || c == '<') {
    command.refused = "pipes and redirections are not supported";
  } else if (c == ';' || c == '&') {
    end_command(c, command);
  } else if (c == ' ' || c == '\t') {
    end_word(command);
  } else if (!expand(machine, c)) {
    word_.text += c;
  }
}

void LineReader::end_command(char c, Command& command) {
  if (c == '&' && (finished() || line_[at_] != '&')) {
    command.refused = "commands in the background are not supported";
    return;
  }
  after_and_ = c == '&';
  at_ += after_and_ ? 1 : 0;
  ended_ = true;
}

bool LineReader::expand(const Machine& machine, char c) {
  const bool windows = machine.is_windows();
  if (c != (windows ? '%' : '$')) return false;
  const bool braced = !windows && !finished() && line_[at_] == '{';
  const std::size_t begin = at_ + (braced ? 1 : 0);
  std::size_t end = begin;
  while (end < line_.size() && is_word(line_[end])) ++end;
  const bool closes = windows || braced;
  const bool closed = !closes || (end < line_.size() && line_[end] == (windows ? '%' : '}'));
  if (end == begin || !closed) return false;
  const std::optional<std::string> value = variable(machine, line_.substr(begin, end - begin));
  if (!value && windows) return false;  // Windows leaves what it does not know as it is
  word_.text += value.value_or("");
  at_ = end + (closes ? 1 : 0);
  return true;
}

void LineReader::end_word(Command& command) {
  if (!word_.text.empty() || word_.quoted) command.words.push_back(std::move(word_));
  word_ = {};
}

std::string refusal_of(const Machine& machine, std::string_view line) {
  std::string refused;
  for (LineReader reader(line); !reader.finished() && refused.empty();) {
    refused = reader.next(machine).refused;
  }
  return refused;
}

std::string_view first_command(const Machine& machine, std::string_view line) {
  if (!refusal_of(machine, line).empty()) return line;
  LineReader reader(line);
  while (!reader.finished() && reader.next(machine).words.empty()) {
  }
  return reader.read_so_far();
}

Words globbed(const Machine& machine, const std::string& word) {
  const std::size_t star = word.find('*');
  const std::size_t slash = word.find_last_of(machine.is_windows() ? "/\\" : "/");
  if (star == std::string::npos || (slash != std::string::npos && star < slash)) return {word};
  const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
  const std::string folder = word.substr(0, begin);
  const std::string directory = folder.empty() ? machine.cwd : resolved(machine, folder);
  Words found;
  for (const std::string& name : machine.files.names_in(directory)) {
    if (!name.starts_with('.') && matches(name, word.substr(begin))) found.push_back(folder + name);
  }
  return found.empty() ? Words{word} : found;
}

bool fill_in(const Machine& machine, const std::vector<Word>& words, Words& filled) {
  for (const Word& word : words) {
    const bool literal = word.quoted || filled.empty();  // the command's name is no path
    const Words found = literal ? Words{word.text} : globbed(machine, word.text);
    filled.insert(filled.end(), found.begin(), found.end());
    if (filled.size() > kWordsMax) return false;
  }
  return true;
}

}  // namespace turnhalle::terminal
