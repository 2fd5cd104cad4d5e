#include "apps/forward.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

namespace turnhalle::app {
namespace {

// Set once at the start of main().
char** program_words = nullptr;

}  // namespace

void remember_words(char** words) { program_words = words; }

Error forward_to_torch() {
  std::error_code ignored;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const std::string program = (self.parent_path() / "turnhalle-torch").string();
  if (program_words != nullptr) {
    execv(program.c_str(), program_words);
  }
  return {program,
          "expected the program with the policy, which scripts/build makes when LibTorch is "
          "there (scripts/setup); found " +
              std::string(std::strerror(errno))};
}

}  // namespace turnhalle::app
