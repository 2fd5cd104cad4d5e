#include "apps/data_folder.h"

#include <filesystem>
#include <system_error>

namespace turnhalle::app {

std::string data_folder(const std::string& name) {
  std::error_code ignored;
  if (std::filesystem::is_directory(name, ignored)) {
    return name;
  }
  // build/bin/turnhalle → the checkout is two folders up.
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const std::filesystem::path beside = self.parent_path().parent_path().parent_path() / name;
  return std::filesystem::is_directory(beside, ignored) ? beside.string() : name;
}

}  // namespace turnhalle::app
