// Checks one file of any kind.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"

namespace turnhalle::app {

struct CheckedFile {
  std::string file;
  std::string kind;  ///< "" when the file does not say
  bool readable = false;
  Error error;                        ///< when not readable
  std::vector<std::string> errors;    ///< one line each; why it is not readable is among them
  std::vector<std::string> warnings;
  std::vector<std::string> checks;    ///< what was checked and held, for people
};

CheckedFile check_file(const std::string& path);

}  // namespace turnhalle::app
