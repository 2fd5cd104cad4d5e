// One function per command: adds its options and its action to the command line.
#pragma once

#include "apps/arguments.h"

namespace turnhalle::app {

void add_run(CommandLine& line);
void add_eval(CommandLine& line);
void add_replay(CommandLine& line);
void add_report(CommandLine& line);
void add_compare(CommandLine& line);
void add_check(CommandLine& line);
void add_schema(CommandLine& line);
void add_list(CommandLine& line);
void add_inspect(CommandLine& line);
void add_export(CommandLine& line);
void add_golden(CommandLine& line);
void add_bench(CommandLine& line);

/// All commands that both programs share, in the order of --help.
void add_commands(CommandLine& line);

}  // namespace turnhalle::app
