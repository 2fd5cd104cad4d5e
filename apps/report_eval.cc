#include "apps/report_eval.h"

#include <algorithm>
#include <utility>

#include "apps/output.h"
#include "apps/recording.h"
#include "apps/reliability.h"
#include "apps/report_inputs.h"

namespace turnhalle::app {
namespace {

// "random", or "random with guest" where a simulated user has its own rows.
std::string row_name(const Json& row) {
  const std::string agent = row["agent"].get<std::string>();
  return row["user"].is_string() ? agent + " with " + row["user"].get<std::string>() : agent;
}

// Success, reward, and what else was observed of anybody.
std::vector<std::string> measures_of(const Json& result) {
  std::vector<std::string> measures = {"success", "reward"};
  for (const std::string& name : reliability_names(result["trials"].get<std::size_t>())) {
    const auto observed = [&name](const Json& row) { return row[name]["n"] != 0; };
    if (std::any_of(result["rows"].begin(), result["rows"].end(), observed)) {
      measures.push_back(name);
    }
  }
  return measures;
}

Json agents_json(const Json& rows, const std::vector<std::string>& measures) {
  Json agents = Json::array();
  for (const Json& row : rows) {
    const std::string name = row_name(row);
    const bool known = std::any_of(agents.begin(), agents.end(),
                                   [&](const Json& agent) { return agent["agent"] == name; });
    if (!known) agents.push_back({{"agent", name}, {"rows", Json::array()}});
    for (Json& agent : agents) {
      if (agent["agent"] == name) {
        Json values = {{"position", row["position"]}};
        for (const std::string& measure : measures) values[measure] = row[measure];
        agent["rows"].push_back(std::move(values));
      }
    }
  }
  return agents;
}

// "done 1 300, truncated 100": those that happened.
std::string outcome_words(const Json& counts) {
  std::string text;
  for (const auto& [name, count] : counts.items()) {
    const auto value = count.get<std::int64_t>();
    if (value == 0) continue;
    std::string words = name;
    std::replace(words.begin(), words.end(), '_', ' ');
    text += (text.empty() ? "" : ", ") + words + " " + grouped(value);
  }
  return text;
}

Json facts_json(const Scenario& scenario, const Json& result) {
  Json pairs = Json::array();
  pairs.push_back({"environment", scenario.environment});
  pairs.push_back({"split", result["split"]});
  for (const char* key : {"lifecycles", "trials", "seed"}) {
    pairs.push_back({key, grouped(result[key].get<std::int64_t>())});
  }
  for (const auto& [agent, counts] : result["outcomes"].items()) {
    pairs.push_back({"episodes of " + agent, outcome_words(counts)});
  }
  if (const Json& ranking = result["ranking"]; ranking.is_object()) {
    pairs.push_back({"first by reward", ranking["order"][0]});
    pairs.push_back({"stays first in resamples",
                     fixed(100.0 * ranking["best_stays"].get<double>(), 1) + " %"});
  }
  if (result["digest"].is_string()) {
    pairs.push_back({"digest", result["digest"]});
  }
  return pairs;
}

}  // namespace

Json eval_report(const Scenario& scenario, const Json& result,
                 const std::vector<ShownAgent>& agents) {
  Json recordings = Json::array();
  for (const ShownAgent& agent : agents) {
    if (agent.lifecycles.empty()) continue;
    Json lifecycles = Json::array();
    for (std::size_t i = 0; i < agent.lifecycles.size(); ++i) {
      lifecycles.push_back(
          lifecycle_json({static_cast<std::int64_t>(i)}, agent.lifecycles[i]));
    }
    recordings.push_back(
        {{"step", 0}, {"label", agent.agent}, {"lifecycles", std::move(lifecycles)}});
  }
  Json notes = Json::object();
  notes["agents"] =
      "Means with 95 % intervals: success and faults by Wilson, the rest by bootstrap over "
      "lifecycles. pass_k: all of k trials succeed. cvar_10: mean reward of the worst tenth of the "
      "tasks. trial_spread: P90 − P10 of the trials of a task.";
  if (result["digest"].is_null()) {
    notes["experiment"] = "The evaluation was stopped before its end.";
  }
  if (recordings.empty()) {
    notes["recordings"] = "No lifecycle was played to its end.";
  }
  const std::vector<std::string> measures = measures_of(result);
  return {{"kind", "eval"},
          {"command", "eval"},
          {"title", scenario.name},
          {"summary", ""},
          {"facts", facts_json(scenario, result)},
          {"warm_steps", 0},
          {"steps", 0},
          {"curves", Json::object()},
          {"evaluations", Json::array()},
          {"agents", agents_json(result["rows"], measures)},
          {"measures", measures},
          {"recordings", std::move(recordings)},
          {"notes", std::move(notes)},
          {"program", program_version()}};
}

}  // namespace turnhalle::app
