#include "apps/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace turnhalle::app {

Status check_output_file(const std::string& path) {
  constexpr int kMode = 0666;
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
  const bool is_new = file >= 0;
  if (!is_new && errno == EEXIST) {
    file = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  }
  // A pipe that nobody reads yet can be written to later.
  if (file < 0 && errno != ENXIO) {
    return Error{path, std::string("expected a file that can be written; found: ") +
                           std::strerror(errno)};
  }
  if (file >= 0) ::close(file);
  if (is_new) ::unlink(path.c_str());
  return ok_status();
}

}  // namespace turnhalle::app
