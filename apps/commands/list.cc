// turnhalle list: what there is, by name.
#include <iostream>
#include <memory>

#include "agents/agent_spec.h"
#include "agents/users/persona.h"
#include "apps/commands/commands.h"
#include "apps/data_folder.h"
#include "apps/metric_names.h"
#include "apps/output.h"
#include "apps/recording.h"
#include "core/text.h"
#include "envs/all.h"
#include "trainers/algo/recipe.h"

namespace turnhalle::app {
namespace {

struct ListOptions {
  std::string what;
  OutputOptions output;
};

Json environments() {
  Json items = Json::array();
  const EnvironmentRegistry registry = all_environments();
  for (const EnvironmentEntry& entry : registry.entries()) {
    items.push_back(
        {{"name", entry.name}, {"summary", entry.summary}, {"players", entry.players}});
  }
  return items;
}

Json agents() {
  Json items = Json::array();
  for (const AgentName& agent : agent_names()) {
    items.push_back({{"name", agent.name}, {"summary", agent.summary}});
  }
  return items;
}

Result<Json> recipes() {
  Result<std::vector<algo::Recipe>> all = algo::list_recipes(data_folder("scenarios/recipes"));
  if (!all) {
    return all.error();
  }
  Json items = Json::array();
  for (const algo::Recipe& recipe : *all) {
    items.push_back(
        {{"name", recipe.name}, {"summary", recipe.summary}, {"paper", recipe.paper}});
  }
  return items;
}

Json users_of_gyms() {
  Json items = Json::array();
  for (const users::Persona& persona : users::shipped_personas()) {
    const std::string split = persona.held_out ? " (held out from training)" : "";
    items.push_back({{"name", persona.name},
                     {"summary", persona.summary + split},
                     {"held_out", persona.held_out}});
  }
  return items;
}

Json metrics() {
  Json items = Json::array();
  for (const MetricName& metric : metric_names()) {
    const std::string alias = metric.alias.empty() ? "" : " (TRL: " + metric.alias + ")";
    items.push_back({{"name", metric.name},
                     {"summary", metric.summary + alias},
                     {"alias", metric.alias.empty() ? Json() : Json(metric.alias)}});
  }
  return items;
}

Result<Json> items_of(const std::string& what) {
  if (what == "environments") return environments();
  if (what == "agents") return agents();
  if (what == "recipes") return recipes();
  if (what == "users") return users_of_gyms();
  if (what == "metrics") return metrics();
  return Json::array();
}

CommandResult print_list(const ListOptions& options) {
  Result<Json> read = items_of(options.what);
  if (!read) {
    return read.error();
  }
  const Json& items = *read;
  if (options.output.json) {
    print_json({{"command", "list"}, {"what", options.what}, {"items", items}});
    return 0;
  }
  Table table({options.what, "summary"});
  for (const Json& item : items) {
    table.row({item["name"].get<std::string>(), item["summary"].get<std::string>()});
  }
  std::cout << table.text() << std::flush;
  return 0;
}

}  // namespace

void add_list(CommandLine& line) {
  const auto options = std::make_shared<ListOptions>();
  Arguments list = line.command("list", "Lists environments, agents, users, recipes, metrics");
  list.choice("WHAT", options->what, {"environments", "agents", "users", "recipes", "metrics"},
              "one of");
  add_output_options(list, options->output);
  list.action([options] { return print_list(*options); });
}

}  // namespace turnhalle::app
