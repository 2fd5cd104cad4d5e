// A person at the terminal.
#pragma once

#include <iosfwd>
#include <memory>

#include "core/agent.h"

namespace turnhalle {

/// Shows what is new in the conversation on `out` and reads one line a turn from `in`; the end of
/// the input interrupts the run. Blocks, so play one lifecycle at a time.
std::unique_ptr<Agent> make_human_agent(std::istream& in, std::ostream& out);

}  // namespace turnhalle
