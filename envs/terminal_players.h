// Players of terminal_sim, and how they look at it.
//
//   expert   Gives the lines of the task's way, each until it has arrived.
//   random   Looks around and does harmless things without a plan.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/env.h"
#include "envs/terminal_tasks.h"

namespace turnhalle::terminal {

class Observable {
 public:
  virtual ~Observable() = default;
  virtual const TerminalTask& task() const = 0;
  virtual const Shell& shell() const = 0;
  /// The lines of this episode that were run.
  virtual const std::vector<std::string>& lines() const = 0;
};

/// Null for an unknown role.
std::unique_ptr<Player> make_player(std::string_view role, PromptStyle style);

}  // namespace turnhalle::terminal
