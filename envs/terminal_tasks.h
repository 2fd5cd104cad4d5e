// The tasks of terminal_sim: two machines with files, a sentence, what must hold, and one way.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/rng.h"
#include "envs/terminal_shell.h"

namespace turnhalle::terminal {

/// Nine kinds of one step, eight of several.
enum class TaskKind : std::uint8_t {
  upload,
  download,
  rename,
  move,
  chmod,
  remove,
  copy,
  pack,
  mkdir,
  pack_upload,
  download_extract,
  mkdir_upload,
  upload_chmod,
  upload_remove_source,
  pack_upload_extract,
  download_rename,
  backup_replace
};
inline constexpr std::size_t kSingleKinds = 9;
inline constexpr std::size_t kKinds = 17;
std::string_view name_of(TaskKind kind);

/// One condition on one machine's files.
struct Check {
  enum class Kind : std::uint8_t { content, absent, directory, mode, archive };
  Kind kind = Kind::absent;
  bool remote = false;
  std::string path;
  std::string content;                         ///< content
  std::int64_t mode = 0;                       ///< mode
  std::map<std::string, std::string> members;  ///< archive: base name → content
};
bool holds(const Check& check, const Shell& shell);

struct TerminalTask {
  TaskKind kind = TaskKind::upload;
  Machine local;
  Machine remote;
  std::string sentence;
  std::vector<Check> checks;     ///< all must hold
  std::vector<std::string> way;  ///< lines that lead there
};

struct TaskOptions {
  double composite_share = 0.5;
};
TerminalTask draw_terminal_task(const TaskOptions& options, RandomKey key);
/// The same with the kind and the local system given.
TerminalTask draw_terminal_task(TaskKind kind, System system, RandomKey key);

}  // namespace turnhalle::terminal
