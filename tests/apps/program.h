// Runs the built program the way a user does.
#pragma once

#include <filesystem>
#include <string>

#include "core/json.h"

namespace turnhalle {

struct ProgramResult {
  int code = -1;
  std::string out;
  std::string err;

  /// Standard output, which must be exactly one JSON object.
  Json json() const;
  /// The one line of an error without "turnhalle: error: "; "" when standard error is not that.
  std::string error() const;
};

/// `words` are a shell's; quote what needs it. `before` is put before the program (cd, ulimit).
ProgramResult turnhalle_program(const std::string& words, const std::string& before = "");

/// A folder that is removed at the end.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const;
  /// Whether nothing is in it.
  bool empty() const;

 private:
  std::filesystem::path path_;
};

}  // namespace turnhalle
