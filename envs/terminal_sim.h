// A terminal on two simulated machines: move files about by shell commands.
//
// Rules    A local machine (Linux, macOS or Windows) and a remote Linux one that is reached by ssh,
//          scp and rsync. One line of commands per turn; the machines are in memory, nothing is run
//          for real. terminal_shell.h and terminal_line.h say what the shell understands.
// Hidden   The files. Every task has machines of its own: nothing is shared within a lifecycle but
//          the knowledge of the commands. Permissions and owners are recorded, not enforced.
// Action   <answer>LINE</answer>, exactly one such pair of tags; the line has at most 2000 bytes. A
//          line that takes effect in part (step_in_part) is cut after its first command.
// Observe  The task, local system, remote user and host, the commands; every turn the step, what
//          the line said and the prompt. Both styles have the same wording; in the compact one the
//          rules stand in the first observation.
// Reward   1 as soon as all of the task's conditions hold after a command (what follows it in the
//          line is not run), else 0. A condition says that a file exists with a content, is absent,
//          has permissions, that a directory exists, or that an archive has members.
// Ends     Conditions hold (done), steps used up (truncated), an unreadable action (agent_error).
// Options  steps 1..64 (12), composite_share 0..1 (0.5: of tasks with several parts)
// Expert   Follows one way that belongs to the task, and could be read off its sentence: 1.00. A
//          line that did not arrive is given again. Other players (terminal_players.h): random
//          (lines without a plan: 0.00).
// Source   Connect the Dots, arXiv 2606.20002, and its released code.
// Differs  Names, wording and random streams are ours; task kinds and their shares match the
//          source. Modes of new tasks are never the one that files have at first.
#pragma once

#include <cstdint>

#include "core/registry.h"
#include "envs/terminal_tasks.h"

namespace turnhalle::terminal {

struct Options {
  TaskOptions task;
  std::int64_t steps = 12;  ///< lines of an episode
};

/// The registry's entry.
EnvironmentEntry entry();

}  // namespace turnhalle::terminal
