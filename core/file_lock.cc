#include "core/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace turnhalle {

FileLock::FileLock(std::string path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {}

FileLock::FileLock(FileLock&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) {
    unlink(path_.c_str());
    close(descriptor_);
  }
}

Result<FileLock> FileLock::take(const std::string& path) {
  // The holder removes the file before it lets go: a lock on a file that has lost its name is
  // worth nothing, so it is taken again under the name. A few rounds are plenty.
  for (int round = 0; round < 100; ++round) {
    const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (descriptor < 0) {
      return Error{path, std::strerror(errno)};
    }
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const int reason = errno;
      close(descriptor);
      return Error{path, reason == EWOULDBLOCK ? "somebody holds this lock"
                                               : std::strerror(reason)};
    }
    struct stat held {};
    struct stat named {};
    if (fstat(descriptor, &held) == 0 && stat(path.c_str(), &named) == 0 &&
        held.st_ino == named.st_ino && held.st_dev == named.st_dev) {
      return FileLock(path, descriptor);
    }
    close(descriptor);
  }
  return Error{path, "this lock changes hands all the time"};
}

}  // namespace turnhalle
