#include "core/check.h"

#include <cstdio>
#include <cstdlib>

namespace turnhalle {

void check_failed(std::string_view what, const std::string& values, std::source_location where) {
  std::fprintf(stderr, "turnhalle: bug at %s:%u: this must hold: %.*s%s\n", where.file_name(),
               static_cast<unsigned>(where.line()), static_cast<int>(what.size()), what.data(),
               values.c_str());
  std::abort();
}

}  // namespace turnhalle
