// Server-sent events of a chat completion, put together to the response that would have come at
// once (chat_completions.h reads both the same way).
#pragma once

#include <string_view>

#include "core/json.h"
#include "core/result.h"

namespace turnhalle {

/// A response object with one choice; an error when an event does not read, reports an error, or
/// the stream was cut.
Result<Json> assemble_chat_stream(std::string_view body);

}  // namespace turnhalle
