// The only list of environments.
#pragma once

#include "core/registry.h"

namespace turnhalle {

/// Every environment of this folder, sorted by name.
EnvironmentRegistry all_environments();

}  // namespace turnhalle
