// How a line is read: command by command, each by the machine that runs it.
//
// A line may chain commands with && (the next only after success) and ;. Quotes, * in the last part
// of a path, ~, $HOME $USER $PWD (with or without braces) and, on Windows, %USERPROFILE% %USERNAME%
// %CD% are understood. On Windows ' is no quote and \ no escape. Pipes and redirections are
// refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "envs/terminal_machine.h"

namespace turnhalle::terminal {

using Words = std::vector<std::string>;  ///< a command's name and arguments

struct Word {
  std::string text;
  bool quoted = false;  ///< in part at least: a * in it stands for itself
};

struct Command {
  std::vector<Word> words;     ///< none: there was nothing between two signs
  bool needs_success = false;  ///< stands behind &&
  std::string refused;         ///< why this and what follows cannot be read; else empty
};

class LineReader {
 public:
  /// The line stays the caller's.
  explicit LineReader(std::string_view line) : line_(line) {}

  bool finished() const { return at_ >= line_.size(); }
  /// The next command with its variables, as this machine reads it. Nothing follows what is
  /// refused.
  Command next(const Machine& machine);
  /// What was read so far, without the sign behind it.
  std::string_view read_so_far() const { return line_.substr(0, end_); }

 private:
  void read_plain(const Machine& machine, char c, Command& command);
  void read_quoted(const Machine& machine, char c);
  void end_command(char c, Command& command);
  void end_word(Command& command);
  bool expand(const Machine& machine, char c);

  std::string_view line_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;  // of the command that was read last
  bool after_and_ = false;
  bool ended_ = false;  // the command
  char quote_ = '\0';
  Word word_;
};

/// Why a line is refused as a whole, or "".
std::string refusal_of(const Machine& machine, std::string_view line);
/// A line up to its first command; all of it when it is refused.
std::string_view first_command(const Machine& machine, std::string_view line);
/// The words with each * filled in. False when there are more than a command takes.
bool fill_in(const Machine& machine, const std::vector<Word>& words, Words& filled);
/// The paths that a word with a * in its last part stands for; the word itself when there are none.
Words globbed(const Machine& machine, const std::string& word);

}  // namespace turnhalle::terminal
