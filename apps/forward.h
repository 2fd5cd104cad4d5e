// Becoming turnhalle-torch.
#pragma once

#include "core/result.h"

namespace turnhalle::app {

/// Remembers the program's words for forward_to_torch().
void remember_words(char** words);
/// Replaces this process by turnhalle-torch from the same folder with the same words. Returns
/// only when that fails.
Error forward_to_torch();

}  // namespace turnhalle::app
