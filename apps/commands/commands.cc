#include "apps/commands/commands.h"

namespace turnhalle::app {

void add_commands(CommandLine& line) {
  add_run(line);
  add_eval(line);
  add_replay(line);
  add_report(line);
  add_compare(line);
  add_check(line);
  add_inspect(line);
  add_export(line);
  add_bench(line);
  add_golden(line);
  add_list(line);
  add_schema(line);
}

}  // namespace turnhalle::app
