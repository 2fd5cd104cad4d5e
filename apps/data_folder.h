// Where the files that come with the program lie.
#pragma once

#include <string>

namespace turnhalle::app {

/// `name` ("scenarios/recipes") in the current folder if it is there, else beside the build
/// folder of this program.
std::string data_folder(const std::string& name);

}  // namespace turnhalle::app
