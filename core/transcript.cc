#include "core/transcript.h"

namespace turnhalle {

std::string_view name_of(Role role) {
  switch (role) {
    case Role::system: return "system";
    case Role::user: return "user";
    case Role::assistant: return "assistant";
    case Role::tool: return "tool";
  }
  return "user";
}

}  // namespace turnhalle
