// Conditions as they stand in a scenario's file.
#include <algorithm>
#include <limits>
#include <utility>

#include "core/conditions.h"

namespace turnhalle {
namespace {

constexpr std::int64_t kTimesMax = 1'000'000;

ScenarioEvent read_scenario_event(JsonObject object) {
  const std::int64_t ms_max = std::int64_t{1} << 40;
  ScenarioEvent event;
  event.at = milliseconds(object.integer("at_ms", {0, ms_max}));
  event.times = object.integer("times", {1, kTimesMax}, 1);
  const bool repeats = event.times > 1;
  event.every = milliseconds(object.integer(
      "every_ms", {1, ms_max}, repeats ? std::nullopt : std::optional<std::int64_t>(1)));
  const std::int64_t last = std::numeric_limits<std::int64_t>::max();
  const auto [low, high] =
      object.integer_pair("positions", {0, last}, std::pair<std::int64_t, std::int64_t>{0, last});
  event.positions = {low, high};
  event.text = object.string("text", "");
  event.name = object.string("name", "");
  event.payload = object.any("payload", false);
  if (event.text.empty() && event.name.empty()) {
    object.fail("text", "a text for the agent, or a name that the environment understands");
  }
  object.finish();
  return event;
}

}  // namespace

Conditions read_conditions(JsonObject& scenario) {
  Conditions conditions;
  JsonObject latency = scenario.object("latency", false);
  conditions.agent = read_latency(latency, "agent");
  conditions.action = read_latency(latency, "action");
  conditions.tool_deadline =
      milliseconds(latency.integer("tool_deadline_ms", {0, std::int64_t{1} << 40}, 0));
  JsonObject tools = latency.object("tools", false);
  if (tools.value().is_object()) {
    for (const auto& item : tools.value().items()) {
      conditions.tools.emplace(item.key(), read_latency(tools, item.key()));
    }
  }
  tools.finish();
  latency.finish();
  conditions.faults = read_faults(scenario);
  for (JsonObject& object : scenario.objects("events", false)) {
    conditions.events.push_back(read_scenario_event(std::move(object)));
  }
  return conditions;
}

void check_conditions(const Conditions& conditions, const EnvironmentSpec& spec,
                      JsonReader& reader) {
  check_faults(conditions.faults, spec, reader);
  for (const auto& [name, model] : conditions.tools) {
    if (name != "*" && !has_tool(spec, name)) {
      reader.fail("/latency/tools/" + name,
                  "expected a tool of the environment or \"*\"; found \"" + name + "\"");
    }
  }
  for (std::size_t i = 0; i < conditions.events.size(); ++i) {
    const std::string& name = conditions.events[i].name;
    if (!name.empty() &&
        std::find(spec.events.begin(), spec.events.end(), name) == spec.events.end()) {
      reader.fail("/events/" + std::to_string(i) + "/name",
                  "expected an event that the environment understands; found \"" + name + "\"");
    }
  }
}

Json conditions_schema() {
  const Json ms = {{"type", "integer"}, {"minimum", 0}};
  const Json event = {
      {"type", "object"},
      {"required", {"at_ms"}},
      {"additionalProperties", false},
      {"properties",
       {{"at_ms", ms},
        {"every_ms", {{"type", "integer"}, {"minimum", 1}}},
        {"times", {{"type", "integer"}, {"minimum", 1}, {"default", 1}}},
        {"positions", {{"type", "array"}, {"items", ms}, {"minItems", 2}, {"maxItems", 2}}},
        {"text", {{"type", "string"}}},
        {"name", {{"type", "string"}}},
        {"payload", Json::object()}}}};
  const Json latency = {
      {"type", "object"},
      {"additionalProperties", false},
      {"properties",
       {{"agent", latency_schema()},
        {"action", latency_schema()},
        {"tools", {{"type", "object"}, {"additionalProperties", latency_schema()}}},
        {"tool_deadline_ms", ms}}}};
  return {{"latency", latency},
          {"faults", faults_schema()},
          {"events", {{"type", "array"}, {"items", event}}}};
}

}  // namespace turnhalle
