// A file that a command writes at its end.
#pragma once

#include <string>

#include "core/result.h"

namespace turnhalle::app {

/// Whether a file of this name can be written, so that bad input is refused before the work.
/// Leaves everything as it was.
Status check_output_file(const std::string& path);

}  // namespace turnhalle::app
