#include "apps/temporary_folder.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace turnhalle::app {

TemporaryFolder::TemporaryFolder(const std::string& purpose)
    : path_((std::filesystem::temp_directory_path() /
             ("turnhalle-" + purpose + "-" + std::to_string(getpid())))
                .string()) {
  std::error_code ignored;  // whoever makes a file in it says what is wrong
  std::filesystem::create_directories(path_, ignored);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace turnhalle::app
