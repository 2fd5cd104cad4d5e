#include "apps/check_file.h"

#include <array>
#include <utility>

#include "agents/users/persona.h"
#include "apps/data_folder.h"
#include "core/env_check.h"
#include "core/scenario.h"
#include "envs/all.h"
#include "envs/task_sequence.h"
#include "envs/tool_api/lint.h"
#include "trainers/algo/recipe.h"
#include "trainers/experiment.h"

namespace turnhalle::app {
namespace {

void unreadable(CheckedFile& checked, const Error& error) {
  checked.readable = false;
  checked.error = error;
  checked.errors.push_back(error.text());
}

void check_scenario(CheckedFile& checked, const JsonDocument& document) {
  const Result<Scenario> scenario = scenario_from(document, all_environments());
  if (!scenario) {
    unreadable(checked, scenario.error());
    return;
  }
  for (const CheckLine& line : check_environment(*scenario, all_environments(), make_lifecycle)) {
    const std::string text = line.name + (line.detail.empty() ? "" : ": " + line.detail);
    (line.passed ? checked.checks : checked.errors).push_back(text);
  }
}

void check_recipe(CheckedFile& checked, const JsonDocument& document) {
  Result<algo::Recipe> recipe = algo::read_recipe(document);
  if (!recipe) {
    unreadable(checked, recipe.error());
    return;
  }
  checked.warnings = std::move(recipe->warnings);
}

void check_user(CheckedFile& checked, const JsonDocument& document) {
  const Result<users::Persona> persona = users::persona_from(document);
  if (!persona) unreadable(checked, persona.error());
}

void check_experiment(CheckedFile& checked, const std::string& path) {
  const ExperimentPlaces places{data_folder("scenarios/recipes")};
  Result<Experiment> experiment = read_experiment(path, {}, all_environments(), places);
  if (!experiment) {
    unreadable(checked, experiment.error());
    return;
  }
  checked.warnings = std::move(experiment->reinforcement.recipe.warnings);
}

void check_api(CheckedFile& checked, const JsonDocument& document) {
  const Result<tool_api::Pack> pack = tool_api::pack_from(document);
  if (!pack) {
    unreadable(checked, pack.error());
    return;
  }
  tool_api::PackReport report = tool_api::check_pack(*pack);
  checked.errors = std::move(report.errors);
  checked.warnings = std::move(report.warnings);
  checked.checks = std::move(report.checks);
}

// Which kind a document says it is; an error where it names none that is known.
Result<std::string> read_kind(const JsonDocument& document) {
  const std::array<std::string, 5> kinds = {"scenario", "recipe", "experiment", "user", "api"};
  JsonReader reader(document);
  JsonObject root = reader.object();
  std::string kind = root.one_of("kind", kinds);
  if (!reader.ok()) {
    return reader.error();
  }
  return kind;
}

}  // namespace

CheckedFile check_file(const std::string& path) {
  CheckedFile checked;
  checked.file = path;
  checked.readable = true;
  Result<JsonDocument> document = read_json(path);
  if (!document) {
    unreadable(checked, document.error());
    return checked;
  }
  Result<std::string> kind = read_kind(*document);
  if (!kind) {
    unreadable(checked, kind.error());
    return checked;
  }
  checked.kind = *kind;
  if (*kind == "scenario") {
    check_scenario(checked, *document);
  } else if (*kind == "recipe") {
    check_recipe(checked, *document);
  } else if (*kind == "user") {
    check_user(checked, *document);
  } else if (*kind == "api") {
    check_api(checked, *document);
  } else {
    check_experiment(checked, path);
  }
  return checked;
}

}  // namespace turnhalle::app
