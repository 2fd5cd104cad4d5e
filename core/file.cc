#include "core/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "core/text.h"

namespace turnhalle {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 16;
constexpr int kNeighboursMax = 1000;
constexpr mode_t kModeOfNewFiles = 0666;  // less the umask

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags)
      : number_(::open(path.c_str(), flags | O_CLOEXEC, kModeOfNewFiles)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) {
      ::close(number_);
    }
  }
  explicit operator bool() const { return number_ >= 0; }
  int number() const { return number_; }
  /// Some file systems report a failed write only here.
  bool close() { return ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

Error error_of_system(const std::string& path, const std::string& expected) {
  return {one_line(path), "expected " + expected + "; found: " + std::strerror(errno)};
}

std::string nearest_neighbour(const std::string& path) {
  const std::filesystem::path wanted(path);
  const auto folder = wanted.has_parent_path() ? wanted.parent_path() : std::filesystem::path(".");
  std::vector<std::string> names;
  std::error_code ignored;
  std::filesystem::directory_iterator entry(folder, ignored);
  for (int i = 0; i < kNeighboursMax && !ignored && entry != std::filesystem::end(entry); ++i) {
    names.push_back(entry->path().filename().string());
    entry.increment(ignored);
  }
  std::sort(names.begin(), names.end());
  const std::string nearest = nearest_name(wanted.filename().string(), names);
  return nearest.empty() ? "" : (wanted.parent_path() / nearest).string();
}

Error error_of_missing(const std::string& path) {
  Error error = error_of_system(path, "a file");
  const std::string near = nearest_neighbour(path);
  if (!near.empty()) {
    error.message += ". Did you mean \"" + one_line(near) + "\"?";
  }
  return error;
}

bool write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno != EINTR) {
      return false;
    }
    content.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return true;
}

// A rename is on the disk only when its folder is.
bool sync_folder(const std::filesystem::path& folder) {
  const Descriptor opened(folder.empty() ? "." : folder.string(), O_RDONLY | O_DIRECTORY);
  return opened && (::fsync(opened.number()) == 0 || errno == EINVAL);
}

bool write_and_sync(Descriptor& file, std::string_view content, const struct stat* old) {
  return (old == nullptr || ::fchmod(file.number(), old->st_mode & 07777) == 0) &&
         write_all(file.number(), content) && ::fsync(file.number()) == 0 && file.close();
}

bool replace_file(const std::filesystem::path& target, std::string_view content,
                  const struct stat* old) {
  static std::atomic<unsigned> count = 0;
  const std::string temporary = target.string() + ".tmp-" + std::to_string(::getpid()) + "-" +
                                std::to_string(count.fetch_add(1));
  Descriptor file(temporary, O_WRONLY | O_CREAT | O_EXCL);
  if (!file) {
    return false;
  }
  if (write_and_sync(file, content, old) && ::rename(temporary.c_str(), target.c_str()) == 0) {
    return sync_folder(target.parent_path());
  }
  const int reason = errno;
  ::unlink(temporary.c_str());
  errno = reason;
  return false;
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  const Descriptor file(path, O_RDONLY);
  if (!file) {
    return errno == ENOENT ? error_of_missing(path) : error_of_system(path, "a readable file");
  }
  std::string content;
  struct stat about = {};
  if (::fstat(file.number(), &about) == 0) {
    if (S_ISDIR(about.st_mode)) {
      return Error{one_line(path), "expected a file; found a folder"};
    }
    content.reserve(std::min(bytes_max, static_cast<std::size_t>(about.st_size)));
  }
  std::vector<char> chunk(kChunkBytes);
  while (true) {
    const ssize_t got = ::read(file.number(), chunk.data(), chunk.size());
    if (got == 0) {
      return content;
    }
    if (got < 0 && errno != EINTR) {
      return error_of_system(path, "a readable file");
    }
    content.append(chunk.data(), got < 0 ? 0 : static_cast<std::size_t>(got));
    if (content.size() > bytes_max) {
      return Error{one_line(path), "expected a file of at most " + std::to_string(bytes_max) +
                                       " bytes; found a larger one"};
    }
  }
}

Status write_file(const std::string& path, std::string_view content) {
  constexpr const char* kExpected = "a file that can be written";
  struct stat about = {};
  const bool exists = ::stat(path.c_str(), &about) == 0;
  if (exists && S_ISDIR(about.st_mode)) {
    return Error{one_line(path), "expected a file that can be written; found a folder"};
  }
  if (exists && !S_ISREG(about.st_mode)) {
    Descriptor device(path, O_WRONLY);
    if (!device || !write_all(device.number(), content) || !device.close()) {
      return error_of_system(path, kExpected);
    }
    return ok_status();
  }
  std::error_code ignored;
  std::filesystem::path target(path);
  if (exists && std::filesystem::is_symlink(target, ignored)) {
    target = std::filesystem::canonical(target, ignored);
  }
  if (!replace_file(target, content, exists ? &about : nullptr)) {
    return error_of_system(path, kExpected);
  }
  return ok_status();
}

}  // namespace turnhalle
