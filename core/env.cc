#include "core/env.h"

namespace turnhalle {

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::running: return "running";
    case Outcome::done: return "done";
    case Outcome::truncated: return "truncated";
    case Outcome::agent_error: return "agent_error";
    case Outcome::environment_error: return "environment_error";
    case Outcome::infrastructure_error: return "infrastructure_error";
    case Outcome::timeout: return "timeout";
  }
  return "running";
}

bool is_infrastructure(Outcome outcome) {
  return outcome == Outcome::environment_error || outcome == Outcome::infrastructure_error;
}

std::string_view name_of(EpisodeKind kind) {
  return kind == EpisodeKind::solve ? "solve" : "update_context";
}

}  // namespace turnhalle
