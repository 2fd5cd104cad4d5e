// SIGINT and SIGTERM: the first asks a run to stop, the second ends the process at once.
#pragma once

#include <atomic>

#include "core/agent.h"

namespace turnhalle::app {

/// Catches both signals from here on. Reads from a terminal that wait are interrupted.
void catch_stop_signals();
/// True after the first signal, and after ask_to_stop().
const std::atomic<bool>& stop_flag();
/// Stops the run from inside, as a signal would.
void ask_to_stop();
/// 130 after SIGINT, 143 after SIGTERM, 0 before.
int stop_exit_code();
/// "SIGINT" or "SIGTERM".
const char* stop_signal_name();

/// Agents that interrupt the run at their next turn once it was asked to stop; the turn in
/// flight is dropped.
AgentFactory stoppable(AgentFactory inner);

}  // namespace turnhalle::app
