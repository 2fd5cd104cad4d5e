// A folder for a test's files.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace turnhalle {

/// Where a folder in memory can be made; the usual place when the system has none.
inline std::filesystem::path memory_folder() {
  std::error_code none;
  const bool there = std::filesystem::is_directory("/dev/shm", none);
  return there ? "/dev/shm" : std::filesystem::temp_directory_path();
}

/// A folder that is gone when the test is over.
class TestFolder {
 public:
  explicit TestFolder(
      const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
    std::string pattern = (parent / "turnhalle-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all, ignored);
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace turnhalle
