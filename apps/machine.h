// The machine that measures.
#pragma once

#include "core/json.h"

namespace turnhalle::app {

/// {"processor", "cores", "memory_bytes", "system", "compiler", "program"}.
Json describe_machine();

}  // namespace turnhalle::app
