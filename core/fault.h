// Faults that a scenario injects where an action meets the environment.
//
//   "faults": [{"kind": "timeout", "rate": 0.05, "target": "tool:search", "after_ms": 30000,
//               "window": {"turns": [2, 8], "positions": [1, 3], "ms": [0, 60000]}}]
//
//   timeout             the action never arrives; after `after_ms` the agent is told so
//   error               the action is answered by an error and has no effect
//   slow                the answer takes `delay` longer (a latency model)
//   duplicate           the action arrives twice
//   lost_reply          the action takes effect, its answer is lost: told like a timeout
//   partial_effect      only the first of the action's effects takes place (Environment::
//                       step_in_part), the answer is an error
//   schema_drift        names in the answer change as `rename` says: keys of JSON, else words
//   dropped_user_reply  what a person would say next is not said
//   crash               the environment breaks: environment_error, no reward
//
// `target` is "action" (a reply in text), "tool:NAME", "tool:*" or "*" (all). Chance comes from a
// stream of its own: a plan whose rates are 0 leaves every byte as it is. What was injected
// stands in a ledger: the events of kind kFaultEvent of the turn.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/latency.h"
#include "core/registry.h"

namespace turnhalle {

enum class FaultKind : std::uint8_t {
  timeout,
  error,
  slow,
  duplicate,
  lost_reply,
  partial_effect,
  schema_drift,
  dropped_user_reply,
  crash,
};
inline constexpr int kFaultKinds = 9;
std::string_view name_of(FaultKind kind);

/// Bounds, both included.
struct FaultWindow {
  IntegerRange turns;      ///< of the episode
  IntegerRange positions;  ///< of the lifecycle
  IntegerRange ms;         ///< virtual time of the world
};

struct FaultRule {
  FaultKind kind = FaultKind::error;
  double rate = 0.0;
  std::string target = "*";
  FaultWindow window;
  SimDuration after = milliseconds(30'000);      ///< timeout, lost_reply: when the agent gives up
  LatencyModel delay;                            ///< slow
  std::string message = "Service unavailable.";  ///< error, partial_effect
  std::vector<std::pair<std::string, std::string>> rename;  ///< schema_drift
};

/// An action on its way to the environment.
struct Crossing {
  std::string_view target;  ///< "action" or "tool:NAME"
  std::int64_t position = 0;
  std::int64_t turn = 0;
  SimTime now;
};

struct FaultPlan {
  std::vector<FaultRule> rules;

  /// Whether nothing can ever happen.
  bool is_idle() const;
  /// The first rule that hits action `number` of an episode whose stream is `key`.
  std::optional<std::size_t> draw(const Crossing& crossing, RandomKey key,
                                  std::uint64_t number) const;
};

/// Whether the environment has a tool of that name.
bool has_tool(const EnvironmentSpec& spec, std::string_view name);
/// Reads the array "faults" of a scenario.
FaultPlan read_faults(JsonObject& scenario);
/// Refuses targets that the environment does not have. `reader` keeps the error.
void check_faults(const FaultPlan& plan, const EnvironmentSpec& spec, JsonReader& reader);
Json faults_schema();

/// The answer under other names. Returns whether something changed.
bool drift(std::string& text, const FaultRule& rule);

/// One entry of the ledger: {"kind", "rule", "target"} and "call", the id of a tool call.
std::string ledger_entry(FaultKind kind, std::size_t rule, std::string_view target,
                         std::string_view call);

}  // namespace turnhalle
