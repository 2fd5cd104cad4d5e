// Blind arguments for a tool: of the right types, with texts out of the state.
#pragma once

#include <string>
#include <vector>

#include "envs/tool_api/machine.h"

namespace turnhalle::tool_api {

class ArgumentDrawer {
 public:
  /// Both are used as long as arguments are drawn.
  ArgumentDrawer(const Value& state, Random& random);
  Json arguments(const Tool& tool);

 private:
  Json of_type(const Type& type);
  Random& random_;
  std::vector<std::string> texts_;
};

}  // namespace turnhalle::tool_api
