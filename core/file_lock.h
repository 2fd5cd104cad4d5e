// A lock that one process holds on a name, and that a crash releases.
#pragma once

#include <string>

#include "core/result.h"

namespace turnhalle {

class FileLock {
 public:
  /// Takes the lock by way of the file `path`, which it makes; an error when somebody holds it.
  static Result<FileLock> take(const std::string& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  /// Removes the file and releases the lock.
  ~FileLock();

 private:
  FileLock(std::string path, int descriptor);
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace turnhalle
