#include "apps/compare.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "apps/output.h"
#include "apps/recording.h"
#include "apps/report_inputs.h"
#include "core/statistics.h"
#include "core/text.h"

namespace turnhalle::app {
namespace {

namespace fs = std::filesystem;

struct ComparedRun {
  std::string folder;
  Json seed;
  std::map<std::string, Json> settings;  // JSON pointer → value, without the seed
  std::int64_t warm_steps = 0;
  Json evaluations;
};

struct Group {
  std::vector<ComparedRun> runs;
  std::string name;
};

Result<ComparedRun> read_run(const std::string& folder, const std::vector<std::string>& ignored) {
  Result<JsonDocument> document = read_json(folder + "/experiment.json");
  if (!document) {
    return document.error();
  }
  Result<RunFacts> facts = read_run_facts(folder + "/experiment.json");
  if (!facts) {
    return facts.error();
  }
  Result<Json> evaluations = read_evaluations_file(folder + "/evaluations.json");
  if (!evaluations) {
    return evaluations.error();
  }
  ComparedRun run;
  run.folder = folder;
  run.warm_steps = facts->warm_steps;
  run.evaluations = *std::move(evaluations);
  Json settings = document->root;
  run.seed = settings.value("seed", Json());
  for (const char* key : {"seed", "summary", "recipe_content", "scenario_content"}) {
    settings.erase(key);
  }
  const Json flat = settings.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    const bool counts = std::find(ignored.begin(), ignored.end(), pointer) == ignored.end();
    if (counts) run.settings[pointer] = value;
  }
  return run;
}

std::vector<Group> grouped_runs(std::vector<ComparedRun> runs) {
  std::vector<Group> groups;
  for (ComparedRun& run : runs) {
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
      return group.runs.front().settings == run.settings;
    });
    Group& group = same == groups.end() ? groups.emplace_back() : *same;
    group.runs.push_back(std::move(run));
  }
  return groups;
}

// The setting of a group; null when it has none.
Json setting(const Group& group, const std::string& pointer) {
  const auto found = group.runs.front().settings.find(pointer);
  return found == group.runs.front().settings.end() ? Json() : found->second;
}

// JSON pointers of the settings in which groups differ.
std::vector<std::string> differences(const std::vector<Group>& groups) {
  std::set<std::string> pointers;
  for (const Group& group : groups) {
    for (const auto& [pointer, value] : group.runs.front().settings) pointers.insert(pointer);
  }
  std::vector<std::string> result;
  for (const std::string& pointer : pointers) {
    const bool differs = std::any_of(groups.begin(), groups.end(), [&](const Group& group) {
      return setting(group, pointer) != setting(groups.front(), pointer);
    });
    if (differs) result.push_back(pointer);
  }
  return result;
}

std::string words(const Group& group, const std::string& pointer) {
  const Json value = setting(group, pointer);
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (pointer == "/reinforcement/recipe") return text;
  if (pointer == "/scenario") return fs::path(text).stem().string();
  return pointer.substr(pointer.rfind('/') + 1) + " " + text;
}

// "infopo", or "infopo, learning_rate 0.001": the settings in which groups differ. Groups that
// differ in many are told by scenario and recipe, and where these are equal by a folder.
void name_groups(std::vector<Group>& groups) {
  constexpr std::size_t kNamedMax = 3;
  std::vector<std::string> pointers = differences(groups);
  if (pointers.size() > kNamedMax) pointers = {"/scenario", "/reinforcement/recipe"};
  std::map<std::string, int> count;
  for (Group& group : groups) {
    std::vector<std::string> parts;
    for (const std::string& pointer : pointers) parts.push_back(words(group, pointer));
    group.name = join(parts, ", ");
    ++count[group.name];
  }
  for (Group& group : groups) {
    if (count[group.name] == 1 && !group.name.empty()) continue;
    const std::string folder = fs::path(group.runs.front().folder).lexically_normal().string();
    group.name += (group.name.empty() ? "" : ", ") + folder;
  }
}

const Json* evaluation_at(const ComparedRun& run, std::int64_t rl_step) {
  for (const Json& evaluation : run.evaluations) {
    if (evaluation["step"] == rl_step + run.warm_steps) return &evaluation;
  }
  return nullptr;
}

const Json* score_at(const Json& evaluation, const Json& position) {
  for (const Json& score : evaluation["positions"]) {
    if (score["position"] == position) return &score;
  }
  return nullptr;
}

// One mean per run.
std::vector<double> means(const Group& group, std::int64_t step, const Json& position,
                          const char* measure) {
  std::vector<double> values;
  for (const ComparedRun& run : group.runs) {
    const Json* evaluation = evaluation_at(run, step);
    const Json* score = evaluation == nullptr ? nullptr : score_at(*evaluation, position);
    if (score == nullptr || !(*score)[measure]["mean"].is_number()) continue;
    values.push_back((*score)[measure]["mean"].get<double>());
  }
  return values;
}

Json measured(const Group& group, std::int64_t step, const Json& position, const char* measure) {
  if (group.runs.size() == 1) {
    return (*score_at(*evaluation_at(group.runs.front(), step), position))[measure];
  }
  return to_json(student(means(group, step, position, measure)));
}

// Steps of reinforcement at which every run of the group was evaluated.
std::vector<std::int64_t> common_steps(const Group& group) {
  std::vector<std::int64_t> steps;
  for (const Json& evaluation : group.runs.front().evaluations) {
    const std::int64_t step =
        evaluation["step"].get<std::int64_t>() - group.runs.front().warm_steps;
    const bool common = std::all_of(group.runs.begin(), group.runs.end(), [&](const auto& run) {
      return evaluation_at(run, step) != nullptr;
    });
    if (step >= 0 && common) steps.push_back(step);
  }
  return steps;
}

Json curve_of(const Group& group) {
  Json curve = Json::array();
  for (const std::int64_t step : common_steps(group)) {
    Json positions = Json::array();
    for (const Json& score : (*evaluation_at(group.runs.front(), step))["positions"]) {
      const Json& position = score["position"];
      positions.push_back({{"position", position},
                           {"success", measured(group, step, position, "success")},
                           {"reward", measured(group, step, position, "reward")}});
    }
    curve.push_back({{"step", step}, {"positions", std::move(positions)}});
  }
  return curve;
}

Json group_json(const Group& group) {
  Json runs = Json::array(), seeds = Json::array();
  for (const ComparedRun& run : group.runs) {
    runs.push_back(run.folder);
    seeds.push_back(run.seed);
  }
  return {{"name", group.name},
          {"runs", std::move(runs)},
          {"seeds", std::move(seeds)},
          {"curve", curve_of(group)}};
}

// Last evaluations, position by position, beside those of the first group.
void add_rows(const Group& group, const Group& first, Json& rows) {
  const std::int64_t step = common_steps(group).back();
  for (const Json& score : (*evaluation_at(group.runs.front(), step))["positions"]) {
    const Json& position = score["position"];
    Json difference;
    if (&group != &first) {
      difference = to_json(
          welch_difference(means(group, step, position, "reward"),
                           means(first, common_steps(first).back(), position, "reward")));
    }
    rows.push_back({{"group", group.name},
                    {"step", step},
                    {"position", position},
                    {"success", measured(group, step, position, "success")},
                    {"reward", measured(group, step, position, "reward")},
                    {"difference", std::move(difference)}});
  }
}

}  // namespace

Result<Json> collect_comparison(const std::vector<std::string>& folders,
                                const std::vector<std::string>& ignored) {
  std::vector<ComparedRun> runs;
  for (const std::string& folder : folders) {
    Result<ComparedRun> run = read_run(folder, ignored);
    if (!run) {
      return run.error();
    }
    runs.push_back(*std::move(run));
  }
  std::vector<Group> groups = grouped_runs(std::move(runs));
  name_groups(groups);
  Json result = {{"command", "compare"}, {"groups", Json::array()}, {"rows", Json::array()}};
  for (const Group& group : groups) {
    if (common_steps(group).empty()) {
      return Error{group.runs.front().folder + "/evaluations.json",
                   "expected an evaluation after the warm start that all " +
                       std::to_string(group.runs.size()) + " runs of \"" + group.name +
                       "\" have; found none"};
    }
    result["groups"].push_back(group_json(group));
    add_rows(group, groups.front(), result["rows"]);
  }
  return result;
}

Json comparison_report(const Json& comparison) {
  Json agents = Json::array(), facts = Json::array();
  for (const Json& group : comparison["groups"]) {
    agents.push_back(
        {{"agent", group["name"]}, {"rows", group["curve"].back()["positions"]}});
    const std::size_t runs = group["runs"].size();
    facts.push_back({group["name"], std::to_string(runs) + (runs == 1 ? " run" : " runs")});
  }
  return {{"kind", "compare"},
          {"command", "compare"},
          {"title", "Comparison of training runs"},
          {"summary", ""},
          {"facts", std::move(facts)},
          {"warm_steps", 0},
          {"steps", 0},
          {"curves", Json::object()},
          {"evaluations", Json::array()},
          {"groups", comparison["groups"]},
          {"agents", std::move(agents)},
          {"recordings", Json::array()},
          {"notes",
           {{"agents",
             "Last evaluations. Intervals over the runs of a group (Student, 95 %); of a single "
             "run, over its lifecycles."}}},
          {"program", program_version()}};
}

}  // namespace turnhalle::app
