// Conditions that a scenario sets around any environment: how long things take, what goes wrong,
// and what happens by itself.
//
//   "latency": {"agent": 800, "action": 5, "tools": {"search": {…}, "*": 20},
//               "tool_deadline_ms": 10000}
//   "events":  [{"at_ms": 60000, "text": "A colleague asks how far you are.",
//                "every_ms": 60000, "times": 5, "positions": [0, 3]},
//               {"at_ms": 5000, "name": "price", "payload": {"item": "tea", "price": 3}}]
//   "faults":  see fault.h
//
//   agent ─► reply ─► [latency, fault] ─► environment      each tool call on its own, if the
//   agent ◄─────── [fault, latency] ◄─── answer             environment allows (calls_one_by_one)
//
// Calls of one reply are in flight together and take effect in the order in which they arrive;
// the agent is asked again when the last answer is there. An event's `text` is told to the agent
// as an observation, with the next answer if it is just thinking; `name` and `payload` go to the
// environment (kExogenousEvent). Times count from the beginning of the episode. Chance comes from
// streams of their own, keyed by the lifecycle's hidden key: no draw moves another.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/fault.h"

namespace turnhalle {

/// Something that happens `times` times in an episode, whatever the agent does.
struct ScenarioEvent {
  SimDuration at;
  SimDuration every;
  std::int64_t times = 1;
  IntegerRange positions;
  std::string text;       ///< for the agent; may be empty
  std::string name;       ///< for the environment; may be empty
  Json payload = Json();  ///< with the name
};

struct Conditions {
  LatencyModel agent;   ///< each reply of the agent; added where agents are made, and recorded
  LatencyModel action;  ///< a reply in text, until it takes effect
  std::map<std::string, LatencyModel> tools;  ///< a call, until it takes effect; "*": the others
  SimDuration tool_deadline{0};               ///< a call that takes longer has no effect; 0: none
  FaultPlan faults;
  std::vector<ScenarioEvent> events;

  /// Whether the environment plays as if there were none. The agent's latency does not count.
  bool is_idle() const;
};

/// Reads "latency", "faults" and "events" of a scenario.
Conditions read_conditions(JsonObject& scenario);
/// Refuses tools and events that the environment does not have.
void check_conditions(const Conditions& conditions, const EnvironmentSpec& spec,
                      JsonReader& reader);
/// The three schemas, by key.
Json conditions_schema();

/// A family whose environments are played under the conditions; `family` itself when they are
/// idle.
std::shared_ptr<const EnvironmentFamily> under_conditions(
    std::shared_ptr<const EnvironmentFamily> family, std::shared_ptr<const Conditions> conditions);

}  // namespace turnhalle
