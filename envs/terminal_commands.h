// The commands of the simulated shell.
#pragma once

#include <string>
#include <string_view>

#include "envs/terminal_shell.h"

namespace turnhalle::terminal {

/// The most entries of one machine's file system.
inline constexpr std::size_t kEntriesMax = 2000;

/// Options ("-rf") apart from operands.
struct Arguments {
  std::string flags;  ///< the letters of all short options
  Words operands;

  bool has(char flag) const { return flags.find(flag) != std::string::npos; }
};

Arguments arguments_of(const Words& words, bool windows = false);

/// "NAME: WHAT", and the same for a path that leads nowhere.
Output failed(const std::string& name, const std::string& what);
Output missing(const std::string& name, const std::string& path);

/// Runs commands on a shell; made anew for each command.
class Commands {
 public:
  explicit Commands(Shell& shell) : shell_(shell), machine_(shell.here()) {}

  /// words[0] is the command's name.
  Output run(const Words& words);

 private:
  using Function = Output (Commands::*)(const Words& words);
  static Function function_named(std::string_view name);
  bool available(std::string_view name) const;

  Output list(const Words& words);
  Output change_directory(const Words& words);
  Output print_directory(const Words& words);
  Output print_file(const Words& words);
  Output make_directory(const Words& words);
  Output change_mode(const Words& words);
  Output copy(const Words& words);
  Output move(const Words& words);
  Output remove(const Words& words);
  Output touch(const Words& words);
  Output echo(const Words& words);
  Output who(const Words& words);
  Output connect(const Words& words);
  Output leave(const Words& words);
  Output transfer(const Words& words);
  Output tar(const Words& words);
  Output zip(const Words& words);
  Output unzip(const Words& words);
  Output gzip(const Words& words);
  Output gunzip(const Words& words);

  std::string at(std::string_view path) const { return resolved(machine_, path); }
  /// Puts a file or a directory's tree where `to` says: into it, if it is a directory.
  Output place(const std::map<std::string, Entry>& tree, const std::string& name, Machine& machine,
               const std::string& to, const std::string& shown);
  Output write_archive(const std::string& path, const std::string& kind, const Words& inputs);
  Output extract(const Entry& archive, const std::string& directory);

  Shell& shell_;
  Machine& machine_;
};

}  // namespace turnhalle::terminal
