// Scripted players of tool APIs: the expert and the floors.
#pragma once

#include <memory>
#include <string_view>

#include "core/env.h"

namespace turnhalle::tool_api {

/// "expert", "random", "nothing", "spam" or "transfer"; else null.
std::unique_ptr<Player> make_player(std::string_view role, PromptStyle style);

}  // namespace turnhalle::tool_api
