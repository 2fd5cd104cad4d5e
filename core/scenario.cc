#include "core/scenario.h"

#include <array>
#include <filesystem>

#include "core/conditions.h"
#include "core/text.h"

namespace turnhalle {
namespace {

const std::array<std::string, 2> kStyles = {"paper", "compact"};
const std::array<std::string, 3> kPackings = {"sequence", "ralph_sample", "ralph_full"};

template <class Names>
std::size_t index_of(const Names& names, const std::string& name) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return i;
  }
  return 0;
}

LifecycleOptions read_lifecycle(JsonObject object) {
  LifecycleOptions options;
  options.tasks = object.integer("tasks", {1, 1024}, options.tasks);
  options.packing =
      static_cast<Packing>(index_of(kPackings, object.one_of("packing", kPackings, kPackings[0])));
  options.update_context = object.boolean("update_context", options.update_context);
  options.fixed_context = object.boolean("fixed_context", options.fixed_context);
  options.context_bytes_max =
      object.integer("context_bytes_max", {0, 1 << 20}, options.context_bytes_max);
  object.finish();
  return options;
}

RewardOptions read_reward(JsonObject object) {
  RewardOptions options;
  options.turn_penalty = object.number("turn_penalty", {0.0, 1.0}, options.turn_penalty);
  options.context_format_penalty =
      object.number("context_format_penalty", {0.0, 10.0}, options.context_format_penalty);
  object.finish();
  return options;
}

WorldLimits read_limits(JsonObject object) {
  WorldLimits limits;
  limits.reply_bytes_max = object.integer("reply_bytes_max", {1, 1 << 24}, limits.reply_bytes_max);
  limits.events_per_turn_max =
      object.integer("events_per_turn_max", {1, 10'000'000}, limits.events_per_turn_max);
  const std::int64_t big = std::int64_t{1} << 40;
  limits.reply_deadline = milliseconds(object.integer("reply_deadline_ms", {0, big}, 0));
  limits.episode_time = milliseconds(object.integer("episode_ms", {0, big}, 0));
  limits.events_pending_max =
      object.integer("events_pending_max", {1, big}, limits.events_pending_max);
  limits.turns_max = object.integer("turns_max", {1, big}, limits.turns_max);
  limits.episodes_max = object.integer("episodes_max", {1, big}, limits.episodes_max);
  limits.conversation_bytes_max =
      object.integer("conversation_bytes_max", {1, big}, limits.conversation_bytes_max);
  limits.state_bytes_max = object.integer("state_bytes_max", {1, big}, limits.state_bytes_max);
  object.finish();
  return limits;
}

Json integer_schema(std::int64_t low, std::int64_t high, std::int64_t fallback,
                    const char* description) {
  return {{"type", "integer"},   {"minimum", low},
          {"maximum", high},     {"default", fallback},
          {"description", description}};
}

Json object_schema(Json properties) {
  return {{"type", "object"},
          {"additionalProperties", false},
          {"properties", std::move(properties)}};
}

Json lifecycle_schema() {
  return object_schema(
      {{"tasks", integer_schema(1, 1024, 1, "S: tasks played in one hidden world")},
       {"packing", {{"enum", kPackings}, {"default", "sequence"}}},
       {"update_context", {{"type", "boolean"}, {"default", true}}},
       {"fixed_context",
        {{"type", "boolean"},
         {"default", false},
         {"description", "updates are played, but every task sees the placeholder"}}},
       {"context_bytes_max", integer_schema(0, 1 << 20, 8192, "longer contexts are cut")}});
}

Json reward_schema() {
  const Json penalty = {{"type", "number"}, {"minimum", 0}, {"default", 0}};
  return object_schema({{"turn_penalty", penalty}, {"context_format_penalty", penalty}});
}

Json limits_schema() {
  const std::int64_t big = std::int64_t{1} << 40;
  const WorldLimits limits;
  const char* const breaks = "more break the episode";
  return object_schema(
      {{"reply_bytes_max", integer_schema(1, 1 << 24, 1 << 16, "longer replies are cut")},
       {"events_per_turn_max", integer_schema(1, 10'000'000, 10'000, "more break the episode")},
       {"reply_deadline_ms", integer_schema(0, big, 0, "virtual; 0 is none")},
       {"episode_ms", integer_schema(0, big, 0, "virtual; a longer one is truncated; 0 is none")},
       {"events_pending_max", integer_schema(1, big, limits.events_pending_max, breaks)},
       {"turns_max", integer_schema(1, big, limits.turns_max, breaks)},
       {"episodes_max", integer_schema(1, big, limits.episodes_max, breaks)},
       {"conversation_bytes_max", integer_schema(1, big, limits.conversation_bytes_max, breaks)},
       {"state_bytes_max", integer_schema(1, big, limits.state_bytes_max, breaks)}});
}

}  // namespace

std::string_view name_of(Split split) { return split == Split::train ? "train" : "test"; }

RandomKey RunSeed::tasks(LifecycleIndex lifecycle) const {
  return RandomKey::from_seed(seed)
      .split("tasks")
      .split(name_of(split))
      .split(static_cast<std::uint64_t>(lifecycle.value));
}

RandomKey RunSeed::agent(LifecycleIndex lifecycle) const {
  return RandomKey::from_seed(seed)
      .split("agent")
      .split(name_of(split))
      .split(static_cast<std::uint64_t>(trial))
      .split(static_cast<std::uint64_t>(lifecycle.value));
}

Result<Scenario> read_scenario(const std::string& path, const EnvironmentRegistry& registry) {
  Result<JsonDocument> document = read_json(path);
  if (!document) {
    return document.error();
  }
  return scenario_from(*document, registry);
}

Result<Scenario> scenario_from(const JsonDocument& document, const EnvironmentRegistry& registry) {
  JsonReader reader(document);
  JsonObject root = reader.object();
  Scenario scenario;
  scenario.file = document.file;
  scenario.name = std::filesystem::path(document.file).stem().string();
  scenario.document = document.root;
  const std::array<std::string, 1> kinds = {"scenario"};
  root.one_of("kind", kinds);
  root.integer("version", {1, 1});
  root.ignore("summary");
  root.ignore("$schema");
  const std::vector<std::string> names = registry.names();
  scenario.environment = root.one_of("environment", names);
  scenario.style =
      static_cast<PromptStyle>(index_of(kStyles, root.one_of("style", kStyles, kStyles[0])));
  scenario.lifecycle = read_lifecycle(root.object("lifecycle", false));
  scenario.reward = read_reward(root.object("reward", false));
  scenario.limits = read_limits(root.object("limits", false));
  const auto conditions = std::make_shared<const Conditions>(read_conditions(root));
  JsonObject options = root.object("options", false);
  root.finish();
  if (!reader.ok()) {
    return reader.error();
  }
  scenario.family = registry.find(scenario.environment)->read(options, scenario.style);
  if (!reader.ok()) {
    return reader.error();
  }
  check(scenario.family != nullptr, "an environment's options are read or refused with an error");
  check_conditions(*conditions, scenario.family->spec(), reader);
  if (!reader.ok()) {
    return reader.error();
  }
  scenario.conditions = conditions;
  scenario.family = under_conditions(std::move(scenario.family), conditions);
  return scenario;
}

Json scenario_schema(const EnvironmentRegistry& registry) {
  Json conditions = Json::array();
  for (const EnvironmentEntry& entry : registry.entries()) {
    conditions.push_back(
        {{"if", {{"properties", {{"environment", {{"const", entry.name}}}}}}},
         {"then", {{"properties", {{"options", entry.options_schema}}}}}});
  }
  Json properties = {{"$schema", {{"type", "string"}}},
                     {"kind", {{"const", "scenario"}}},
                     {"version", {{"const", 1}}},
                     {"summary", {{"type", "string"}}},
                     {"environment", {{"enum", registry.names()}}},
                     {"style", {{"enum", kStyles}, {"default", "paper"}}},
                     {"options", {{"type", "object"}}},
                     {"lifecycle", lifecycle_schema()},
                     {"reward", reward_schema()},
                     {"limits", limits_schema()}};
  properties.update(conditions_schema());
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "Turnhalle scenario"},
          {"type", "object"},
          {"required", {"kind", "version", "environment"}},
          {"additionalProperties", false},
          {"properties", std::move(properties)},
          {"allOf", std::move(conditions)}};
}

}  // namespace turnhalle
