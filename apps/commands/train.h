// The command train, which only turnhalle-torch has.
#pragma once

#include "apps/arguments.h"

namespace turnhalle::app {

void add_train(CommandLine& line);

}  // namespace turnhalle::app
