// Two simulated machines and a shell on them. No command is run for real.
//
// A line may chain commands with && (the next only after success) and ;. Quotes, * in the last part
// of a path, ~, $HOME $USER $PWD and, on Windows, %USERPROFILE% %USERNAME% %CD% are understood.
// Pipes and redirections are refused.
//
// Commands: ls cd pwd cat mkdir chmod cp mv rm touch echo whoami ssh exit scp rsync tar zip unzip
// gzip gunzip, and dir type copy move del ren rename. A local Windows has no chmod, touch, rsync,
// tar, gzip and gunzip. Files are copied between the machines while not connected by ssh only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "envs/terminal_files.h"

namespace turnhalle::terminal {

enum class System : std::uint8_t { linux, macos, windows };
std::string_view name_of(System system);

struct Machine {
  System system = System::linux;
  std::string user;
  std::string host;  ///< the remote one's is its address
  std::string home;
  std::string cwd;
  FileSystem files;

  /// A path as the machine's people write it.
  std::string shown(std::string_view path) const;
};

/// What a command said, and whether it succeeded.
struct Output {
  bool ok = true;
  std::string text;
};

using Words = std::vector<std::string>;  ///< a command's name and arguments

class Shell {
 public:
  Shell(Machine local, Machine remote) : local_(std::move(local)), remote_(std::move(remote)) {}

  /// Runs a line and returns all that its commands said.
  std::string run(std::string_view line);
  /// Such as "ann@MacBook ~ %".
  std::string prompt() const;

  const Machine& local() const { return local_; }
  const Machine& remote() const { return remote_; }
  bool connected() const { return connected_; }

 private:
  friend class Commands;
  Machine& here() { return connected_ ? remote_ : local_; }
  const Machine& here() const { return connected_ ? remote_ : local_; }
  Output run_command(const Words& words);

  Machine local_;
  Machine remote_;
  bool connected_ = false;
};

/// Where a path leads on a machine: from its root, its home (~) or its current directory.
std::string resolved(const Machine& machine, std::string_view path);

/// A line cut into commands of words; `and_then[i]` says whether command i needs the one before
/// to succeed. False, with the reason, for what is refused.
struct Line {
  std::vector<Words> commands;
  std::vector<bool> and_then;
};
bool parse_line(const Machine& machine, std::string_view text, Line& line, std::string& reason);

}  // namespace turnhalle::terminal
