// Two simulated machines and a shell on them. No command is run for real.
//
// Commands: ls cd pwd cat mkdir chmod cp mv rm touch echo whoami ssh exit scp rsync tar zip unzip
// gzip gunzip, and dir type copy move del ren rename. A local Windows has no chmod, touch, rsync,
// tar, gzip and gunzip. Files are copied between the machines while not connected by ssh only.
// How lines are read is said in terminal_line.h.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "envs/terminal_machine.h"

namespace turnhalle::terminal {

/// What a command said, and whether it succeeded.
struct Output {
  bool ok = true;
  std::string text;
};

class Shell {
 public:
  Shell(Machine local, Machine remote) : local_(std::move(local)), remote_(std::move(remote)) {}

  /// Runs a line and returns what its commands said. `done` is asked after every command; when it
  /// says yes, the rest of the line is left.
  std::string run(std::string_view line, const std::function<bool()>& done = nullptr);
  /// Such as "ann@MacBook ~ %".
  std::string prompt() const;

  const Machine& local() const { return local_; }
  const Machine& remote() const { return remote_; }
  bool connected() const { return connected_; }
  /// The machine that the next command runs on.
  const Machine& here() const { return connected_ ? remote_ : local_; }

 private:
  friend class Commands;
  Machine& current() { return connected_ ? remote_ : local_; }

  Machine local_;
  Machine remote_;
  bool connected_ = false;
};

}  // namespace turnhalle::terminal
