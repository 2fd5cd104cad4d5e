// The commands of the simulated shell.
#pragma once

#include <string>
#include <string_view>

#include "envs/terminal_line.h"
#include "envs/terminal_shell.h"

namespace turnhalle::terminal {

/// Options ("-rf") apart from operands.
struct Arguments {
  std::string name;   ///< of the command
  std::string flags;  ///< the letters of all short options
  Words operands;

  bool has(char flag) const { return flags.find(flag) != std::string::npos; }
  bool recursive() const { return has('r') || has('R') || has('a'); }
};

/// Windows' options begin with "/" too. An option out of `valued` takes the next word with it.
Arguments arguments_of(const Words& words, bool windows = false, std::string_view valued = "");

/// "NAME: WHAT", and the same for a path that leads nowhere.
Output failed(const std::string& name, const std::string& what);
Output missing(const std::string& name, const std::string& path);

/// Runs commands on a shell; made anew for each command.
class Commands {
 public:
  explicit Commands(Shell& shell) : shell_(shell), machine_(shell.current()) {}

  /// words[0] is the command's name.
  Output run(const Words& words);

 private:
  using Function = Output (Commands::*)(const Words& words);
  static Function function_named(std::string_view name);
  bool available(std::string_view name) const;

  // terminal_commands.cc
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
  // terminal_remote.cc
  Output connect(const Words& words);
  Output leave(const Words& words);
  Output transfer(const Words& words);
  // terminal_archives.cc
  Output tar(const Words& words);
  Output zip(const Words& words);
  Output unzip(const Words& words);
  Output gzip(const Words& words);
  Output gunzip(const Words& words);

  /// A path on a machine, and as it stands in the command.
  struct Place {
    Machine& machine;
    std::string path;
    std::string written;

    bool is_directory() const { return machine.files.is_directory(path); }
  };

  std::string at(std::string_view path) const { return resolved(machine_, path); }
  bool in_use(std::string_view path) const {
    return machine_.cwd == path || is_below(machine_.cwd, path);
  }
  Place place(const std::string& written) const { return {machine_, at(written), written}; }
  Output list_directory(const std::string& path, const Arguments& arguments) const;
  std::string listed(const std::string& name, const Entry& entry, bool details) const;
  Output copy_one(const Arguments& arguments, const Place& from, const Place& to);
  Output move_one(const std::string& name, const Place& from, const Place& to);
  Output sync(const Arguments& arguments, const Place& from, const Place& to);
  Output write_archive(const std::string& path, const std::string& kind, const Words& inputs,
                       bool bare_names);
  Output extract(const Tree& members, const Words& names, const std::string& directory);

  Shell& shell_;
  Machine& machine_;
};

}  // namespace turnhalle::terminal
