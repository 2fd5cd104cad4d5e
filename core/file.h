// Whole files, read and written in one go.
//
// Files are named as the user named them; errors carry that name and the system's own words.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "core/result.h"

namespace turnhalle {

/// Reads a whole file; more than `bytes_max` bytes are an error. For a missing file the error
/// suggests the nearest name in the same folder.
Result<std::string> read_file(const std::string& path,
                              std::size_t bytes_max = std::numeric_limits<std::size_t>::max());
/// Writes a file by way of a temporary one in the same folder, so that a reader sees the old or
/// the new, never half, also after a loss of power. The mode of an existing file is kept and a
/// symbolic link is followed; devices and pipes are written to as they are.
Status write_file(const std::string& path, std::string_view content);

}  // namespace turnhalle
