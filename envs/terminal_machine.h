// A simulated machine, and how its people write paths.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

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

  bool is_windows() const { return system == System::windows; }
  /// A path as the machine's people write it.
  std::string shown(std::string_view path) const;
};

/// Where a path leads on a machine: from its root, its home (~) or its current directory.
std::string resolved(const Machine& machine, std::string_view path);
/// Whether a path ends in a separator: it means a directory.
bool names_directory(const Machine& machine, std::string_view path);

}  // namespace turnhalle::terminal
