// turnhalle inspect store: what a store holds, and whether it is intact.
#pragma once

#include "apps/arguments.h"

namespace turnhalle::app {

void add_inspect_store(CommandLine& line);

}  // namespace turnhalle::app
