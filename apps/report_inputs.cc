#include "apps/report_inputs.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "apps/output.h"
#include "core/json_reader.h"
#include "core/text.h"

namespace turnhalle::app {
namespace {

constexpr std::size_t kPointsMax = 400;

// The value at a JSON pointer; null when something on the way is missing.
const Json* find(const Json& root, std::string_view pointer) {
  const Json* at = &root;
  while (at != nullptr && !pointer.empty()) at = child_of(*at, next_pointer_token(pointer));
  return at != nullptr && at->is_null() ? nullptr : at;
}

std::string text_at(const Json& root, std::string_view pointer) {
  const Json* value = find(root, pointer);
  if (value == nullptr) {
    return "";
  }
  if (value->is_string()) {
    return value->get<std::string>();
  }
  return value->is_number_integer() ? grouped(value->get<std::int64_t>()) : value->dump();
}

std::int64_t integer_at(const Json& root, std::string_view pointer) {
  const Json* value = find(root, pointer);
  return value != nullptr && value->is_number_integer() ? value->get<std::int64_t>() : 0;
}

// "scenarios/frozen_lake.json" and "../frozen_lake.json" are both "frozen_lake".
std::string stem(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  return name.ends_with(".json") ? name.substr(0, name.size() - 5) : name;
}

void add_fact(Json& facts, const std::string& name, const std::string& text) {
  if (!text.empty()) {
    facts.push_back({name, text});
  }
}

std::string shape_text(const Json& root) {
  if (const std::string from = text_at(root, "/policy/from"); !from.empty()) {
    return "from " + stem(from);
  }
  const std::string layers = text_at(root, "/policy/num_hidden_layers");
  const std::string width = text_at(root, "/policy/hidden_size");
  return layers.empty() || width.empty() ? "" : layers + " layers of width " + width + ", new";
}

std::string phase_text(const Json& root, const std::string& phase) {
  const std::string pointer = "/" + phase;
  if (integer_at(root, pointer + "/steps") == 0) {
    return "none";
  }
  const std::string steps = text_at(root, pointer + "/steps") + " steps of ";
  if (phase == "warm_start") {
    return steps + text_at(root, pointer + "/lifecycles_per_step") + " lifecycles, imitating " +
           text_at(root, pointer + "/demonstrator");
  }
  const Json* recipe = find(root, pointer + "/recipe");
  const std::string name = recipe != nullptr && recipe->is_string() ? recipe->get<std::string>()
                                                                    : std::string("own recipe");
  return steps + text_at(root, pointer + "/groups_per_step") + " × " +
         text_at(root, pointer + "/group_size") + " lifecycles, " + name;
}

// A mean with its interval; numbers are null where nothing was observed.
Json read_interval(JsonObject object) {
  Json interval = Json::object();
  for (const char* key : {"mean", "low", "high"}) {
    Json value = object.any(key);
    if (!value.is_number() && !value.is_null()) {
      object.fail(key, "a number or null");
    }
    interval[key] = std::move(value);
  }
  interval["n"] = object.integer("n", {0});
  return interval;
}

// {"position", "success", "reward"}; the position is a number from 0, or "all".
Json read_score(JsonObject& object) {
  Json position = object.any("position");
  if (position != "all" && (!position.is_number_integer() || position < 0)) {
    object.fail("position", "an integer ≥ 0 or \"all\"");
  }
  return {{"position", std::move(position)},
          {"success", read_interval(object.object("success"))},
          {"reward", read_interval(object.object("reward"))}};
}

using Series = std::vector<std::pair<double, double>>;

// Means of neighbours, so that no curve has more than kPointsMax points.
Json thinned(const Series& series) {
  const std::size_t width = (series.size() + kPointsMax - 1) / kPointsMax;
  Json points = Json::array();
  for (std::size_t begin = 0; begin < series.size(); begin += width) {
    const std::size_t end = std::min(begin + width, series.size());
    double x = 0.0;
    double y = 0.0;
    for (std::size_t i = begin; i < end; ++i) {
      x += series[i].first;
      y += series[i].second;
    }
    const double count = static_cast<double>(end - begin);
    points.push_back({x / count, y / count});
  }
  return points;
}

bool is_drawn(const std::string& name) {
  return name == "actor/sft_loss" || name == "actor/entropy" || name == "critic/rewards/mean" ||
         name.starts_with("critic/rewards/position_") || name == "critic/update_readable";
}

}  // namespace

std::string RunFacts::label(std::int64_t step) const {
  if (step == 0) {
    return "before training";
  }
  if (step < warm_steps) {
    return "imitation step " + grouped(step);
  }
  return step == warm_steps ? "warm start" : "RL step " + grouped(step - warm_steps);
}

Result<RunFacts> read_run_facts(const std::string& path) {
  Result<JsonDocument> document = read_json(path);
  if (!document) {
    return document.error();
  }
  JsonReader reader(*document);
  const std::string scenario = reader.object().string("scenario");
  if (!reader.ok()) {
    return reader.error();
  }
  const Json& root = document->root;
  RunFacts facts;
  facts.scenario = stem(scenario);
  facts.summary = text_at(root, "/summary");
  facts.warm_steps = integer_at(root, "/warm_start/steps");
  facts.rl_steps = integer_at(root, "/reinforcement/steps");
  add_fact(facts.shown, "environment", text_at(root, "/scenario_content/environment"));
  add_fact(facts.shown, "tasks in a lifecycle",
           text_at(root, "/scenario_content/lifecycle/tasks"));
  add_fact(facts.shown, "policy", shape_text(root));
  add_fact(facts.shown, "warm start", phase_text(root, "warm_start"));
  add_fact(facts.shown, "reinforcement", phase_text(root, "reinforcement"));
  add_fact(facts.shown, "seed", text_at(root, "/seed"));
  return facts;
}

Result<RunCurves> read_curves(const std::string& path) {
  Result<std::string> text = read_file(path);
  if (!text) {
    return text.error();
  }
  RunCurves run;
  std::map<std::string, Series> series;
  std::size_t number = 0;
  std::size_t begin = 0;
  // Text after the last line break is a line that is just being written.
  std::size_t end = text->find('\n');
  for (; end != std::string::npos; end = text->find('\n', begin)) {
    Result<JsonDocument> line =
        parse_json(text->substr(begin, end - begin), path + " line " + std::to_string(++number));
    begin = end + 1;
    if (!line) {
      return line.error();
    }
    JsonReader reader(*line);
    JsonObject object = reader.object();
    run.steps = object.integer("step", {0});
    const bool imitate = object.string("phase") == "imitate";
    if (!reader.ok()) {
      return reader.error();
    }
    for (const auto& [name, value] : line->root.items()) {
      if (!value.is_number()) continue;
      const double y = value.get<double>();
      if (name == "timing_s/step") {
        (imitate ? run.imitate_seconds : run.reinforce_seconds) += y;
      }
      if (is_drawn(name)) series[name].emplace_back(static_cast<double>(run.steps), y);
    }
  }
  for (const auto& [name, points] : series) run.curves[name] = thinned(points);
  return run;
}

Result<Json> read_evaluations_file(const std::string& path) {
  Result<JsonDocument> document = read_json(path);
  if (!document) {
    return document.error();
  }
  JsonReader reader(*document);
  if (!document->root.is_array()) {
    return Error{document->place(""), "expected an array of evaluations; found " +
                                          kind_of(document->root)};
  }
  Json evaluations = Json::array();
  for (std::size_t i = 0; i < document->root.size(); ++i) {
    JsonObject object = reader.object_at("/" + std::to_string(i));
    Json scores = Json::array();
    for (JsonObject& position : object.objects("positions")) {
      scores.push_back(read_score(position));
    }
    evaluations.push_back({{"step", object.integer("step", {0})},
                           {"lifecycles", object.integer("lifecycles", {0})},
                           {"positions", std::move(scores)}});
    if (!reader.ok()) {
      return reader.error();
    }
  }
  return evaluations;
}

namespace {

// The step in the last "step_001200" of a text.
std::optional<std::int64_t> step_named(const std::string& text) {
  const std::size_t at = text.rfind("step_");
  if (at == std::string::npos) {
    return std::nullopt;
  }
  const std::size_t begin = at + 5;
  const std::size_t end = std::min(text.find_first_not_of("0123456789", begin), text.size());
  std::int64_t step = 0;
  return parse_integer(text.substr(begin, end - begin), step) ? std::optional(step)
                                                              : std::nullopt;
}

// "policy:runs/demo/step_001200/hf" says less to people than "warm start"; a temperature of its
// own is kept, so that the same policy at two temperatures stays two agents.
std::string agent_label(const std::string& agent, const RunFacts& facts) {
  const std::optional<std::int64_t> step = step_named(agent);
  if (!agent.starts_with("policy:") || !step) {
    return agent;
  }
  const bool last = *step > facts.warm_steps && *step == facts.warm_steps + facts.rl_steps;
  const std::string label = last ? "trained" : facts.label(*step);
  const std::string mark = "@temperature=";
  const std::size_t at = agent.find(mark);
  if (at == std::string::npos) {
    return label;
  }
  const std::size_t begin = at + mark.size();
  return label + ", temperature " + agent.substr(begin, agent.find('@', begin) - begin);
}

Json& agent_of(Json& agents, const std::string& name, const std::string& file) {
  const bool taken = std::any_of(agents.begin(), agents.end(), [&](const Json& agent) {
    return agent["agent"] == name && agent["file"] != file;
  });
  const std::string shown_name = taken ? name + " (" + stem(file) + ")" : name;
  for (Json& agent : agents) {
    if (agent["agent"] == shown_name && agent["file"] == file) {
      return agent;
    }
  }
  agents.push_back({{"agent", shown_name}, {"file", file}, {"rows", Json::array()}});
  return agents.back();
}

}  // namespace

Result<Json> read_agent_rows(const std::vector<std::string>& paths, const RunFacts& facts) {
  Json agents = Json::array();
  for (const std::string& path : paths) {
    Result<JsonDocument> document = read_json(path);
    if (!document) {
      return document.error();
    }
    JsonReader reader(*document);
    for (JsonObject& row : reader.object().objects("rows")) {
      std::string agent = agent_label(row.string("agent"), facts);
      const Json user = row.any("user", false);
      if (user.is_string()) {
        agent += " with " + user.get<std::string>();
      }
      agent_of(agents, agent, path)["rows"].push_back(read_score(row));
    }
    if (!reader.ok()) {
      return reader.error();
    }
  }
  return agents;
}

}  // namespace turnhalle::app
