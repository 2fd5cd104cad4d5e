// A folder for the files of one measurement, removed with all that is in it.
#pragma once

#include <string>

namespace turnhalle::app {

class TemporaryFolder {
 public:
  /// Below the system's folder for temporary files; `purpose` becomes part of its name.
  explicit TemporaryFolder(const std::string& purpose);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace turnhalle::app
