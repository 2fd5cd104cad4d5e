// Tool calls that a language model writes into its text:
//
//   Let me look. <tool_call>{"name": "get_item", "arguments": {"id": "i1"}}</tool_call>
//
// Each pair of tags holds one JSON object with a name and, optionally, arguments. What cannot be
// read becomes a call with an empty name, whose argument "problem" says why: the environment
// answers it like any other call that it cannot carry out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/transcript.h"

namespace turnhalle {

inline constexpr std::string_view kToolCallOpen = "<tool_call>";
inline constexpr std::string_view kToolCallClose = "</tool_call>";
/// Calls of one text that are read; the rest is one more call with a problem.
inline constexpr std::size_t kCallsInTextMax = 16;

/// The calls in their order, with ids prefix + "1", prefix + "2", …; none when there are no tags.
std::vector<ToolCall> tool_calls_in(std::string_view text, std::string_view id_prefix);
/// The text around the calls.
std::string without_tool_calls(std::string_view text);
/// As a model writes it.
std::string tool_call_text(std::string_view name, const Json& arguments);

}  // namespace turnhalle
