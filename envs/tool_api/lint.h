// What is wrong with a pack that reads well: tools that nobody needs, errors that cannot happen,
// tasks that the gold calls do not solve or that are solved by doing nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "envs/tool_api/tasks.h"

namespace turnhalle::tool_api {

struct PackReport {
  std::vector<std::string> errors;    ///< one line each
  std::vector<std::string> warnings;
  std::vector<std::string> checks;    ///< what was looked at and held
};

/// Plays `tasks` drawn tasks, or all written ones, and makes blind calls on their states.
PackReport check_pack(const Pack& pack, std::uint64_t tasks = 200);

}  // namespace turnhalle::tool_api
