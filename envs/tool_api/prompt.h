// What an agent is told about a tool API.
#pragma once

#include <string>

#include "envs/tool_api/machine.h"

namespace turnhalle::tool_api {

/// An OpenAI-shaped definition: {"type": "function", "function": {"name", "description",
/// "parameters"}}.
Json tool_definition(const Tool& tool);
Json type_schema(const Type& type);
/// One line of JSON: name, description and parameters.
std::string tool_line(const Tool& tool);
/// The rules, the policy of the API and the lines of its tools.
std::string system_prompt(const Api& api, const std::string& tool_lines);

}  // namespace turnhalle::tool_api
