#include "apps/report.h"

#include <array>
#include <filesystem>
#include <string_view>
#include <utility>

#include "agents/lm/safetensors.h"
#include "apps/output.h"
#include "apps/recording.h"
#include "apps/report_inputs.h"
#include "core/file.h"
#include "core/text.h"

namespace turnhalle::embedded {
std::string_view report_page_html();
std::string_view report_page_js();
std::string_view report_player_js();
std::string_view chart_js();
}  // namespace turnhalle::embedded

namespace turnhalle::app {
namespace {

namespace fs = std::filesystem;

// Parameters of the newest checkpoint; nothing when there is none yet.
Result<std::string> parameters_text(const std::string& folder) {
  const Result<std::string> latest = read_file(folder + "/latest");
  if (!latest) {
    return std::string();
  }
  const std::string hf = folder + "/" + std::string(trim(*latest)) + "/hf";
  if (!fs::exists(hf)) {
    return std::string();
  }
  Result<std::vector<lm::SafetensorsFile>> files = lm::open_model_weights(hf);
  if (!files) {
    return files.error();
  }
  std::int64_t count = 0;
  for (const lm::SafetensorsFile& file : *files) {
    for (const lm::TensorView& tensor : file.tensors()) {
      count += static_cast<std::int64_t>(tensor.data.size() / lm::bytes_of(tensor.dtype));
    }
  }
  return grouped(count);
}

Status add_experiment(const std::string& folder, RunFacts& facts, Json& data) {
  const std::string path = folder + "/experiment.json";
  if (!fs::exists(path)) {
    data["notes"]["experiment"] = "There is no experiment.json in the run's folder.";
    return ok_status();
  }
  Result<RunFacts> read = read_run_facts(path);
  if (!read) {
    return read.error();
  }
  Result<std::string> parameters = parameters_text(folder);
  if (!parameters) {
    return parameters.error();
  }
  facts = *std::move(read);
  data["title"] = facts.scenario;
  data["summary"] = facts.summary;
  data["facts"] = facts.shown;
  if (!parameters->empty()) {
    data["facts"].push_back({"parameters", *parameters});
  }
  data["warm_steps"] = facts.warm_steps;
  return ok_status();
}

Status add_curves(const std::string& folder, Json& data) {
  const std::string path = folder + "/metrics.jsonl";
  if (!fs::exists(path)) {
    data["notes"]["curves"] = "There is no metrics.jsonl in the run's folder.";
    return ok_status();
  }
  Result<RunCurves> run = read_curves(path);
  if (!run) {
    return run.error();
  }
  data["curves"] = std::move(run->curves);
  data["steps"] = run->steps;
  data["facts"].push_back({"steps done", grouped(run->steps)});
  data["facts"].push_back({"time in training steps",
                           fixed(run->imitate_seconds, 0) + " s imitation, " +
                               fixed(run->reinforce_seconds, 0) + " s reinforcement"});
  return ok_status();
}

Status add_evaluations(const std::string& folder, Json& data) {
  const std::string path = folder + "/evaluations.json";
  if (!fs::exists(path)) {
    data["notes"]["evaluations"] = "There is no evaluations.json in the run's folder.";
    return ok_status();
  }
  Result<Json> evaluations = read_evaluations_file(path);
  if (!evaluations) {
    return evaluations.error();
  }
  data["evaluations"] = *std::move(evaluations);
  return ok_status();
}

// Without files of rows the bars show the trainer's own evaluations.
Status add_agents(const ReportInputs& inputs, const RunFacts& facts, Json& data) {
  if (!inputs.rows.empty()) {
    Result<Json> agents = read_agent_rows(inputs.rows, facts);
    if (!agents) {
      return agents.error();
    }
    data["agents"] = *std::move(agents);
    return ok_status();
  }
  const Json& evaluations = data["evaluations"];
  for (std::size_t i = 0; i < evaluations.size(); ++i) {
    const std::int64_t step = evaluations[i]["step"].get<std::int64_t>();
    if (i == 0 || i + 1 == evaluations.size() || step == facts.warm_steps) {
      data["agents"].push_back(
          {{"agent", facts.label(step)}, {"rows", evaluations[i]["positions"]}});
    }
  }
  data["notes"]["agents"] =
      data["agents"].empty()
          ? "There is nothing to compare: no evaluation, and no file of --rows."
          : "These are the evaluations made while training; reference agents come with --rows.";
  return ok_status();
}

Status add_recordings(const std::string& folder, const RunFacts& facts, Json& data) {
  const std::string path = folder + "/store.sqlite";
  if (!fs::exists(path)) {
    data["notes"]["recordings"] = "There is no store.sqlite in the run's folder.";
    return ok_status();
  }
  Result<Json> recordings = read_recordings(path, facts);
  if (!recordings) {
    return recordings.error();
  }
  data["recordings"] = *std::move(recordings);
  if (data["recordings"].empty()) {
    data["notes"]["recordings"] = "No evaluation has a complete recorded lifecycle yet.";
  }
  return ok_status();
}

// As text inside a script element: `<` never begins a tag there.
std::string script_json(const Json& data) {
  const std::string text = data.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string escaped;
  escaped.reserve(text.size() + text.size() / 16);
  for (const char c : text) {
    if (c == '<') {
      escaped += "\\u003c";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string html_text(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '&': escaped += "&amp;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

}  // namespace

Result<Json> collect_report(const ReportInputs& inputs) {
  const std::string& folder = inputs.folder;
  bool any = false;
  for (const char* name :
       {"experiment.json", "metrics.jsonl", "evaluations.json", "store.sqlite"}) {
    any = any || fs::exists(folder + "/" + name);
  }
  if (!any) {
    const bool there = fs::is_directory(folder);
    return Error{folder, "expected the folder of a training run (experiment.json, metrics.jsonl, "
                         "evaluations.json, store.sqlite); found " +
                             std::string(there ? "none of its files" : "no folder of this name")};
  }
  Json data = {{"kind", "run"},
               {"command", "report"},
               {"title", fs::path(folder).lexically_normal().filename().string()},
               {"summary", ""},
               {"facts", Json::array()},
               {"warm_steps", 0},
               {"steps", 0},
               {"curves", Json::object()},
               {"evaluations", Json::array()},
               {"agents", Json::array()},
               {"recordings", Json::array()},
               {"notes", Json::object()},
               {"program", program_version()}};
  RunFacts facts;
  if (Status added = add_experiment(folder, facts, data); !added) return added.error();
  if (Status added = add_curves(folder, data); !added) return added.error();
  if (Status added = add_evaluations(folder, data); !added) return added.error();
  if (Status added = add_agents(inputs, facts, data); !added) return added.error();
  if (Status added = add_recordings(folder, facts, data); !added) return added.error();
  return data;
}

std::string report_page(const Json& data) {
  const std::array<std::pair<std::string_view, std::string>, 5> parts = {{
      {"{{title}}", html_text(data["title"].get<std::string>())},
      {"{{data}}", script_json(data)},
      {"{{chart_js}}", std::string(embedded::chart_js())},
      {"{{page_js}}", std::string(embedded::report_page_js())},
      {"{{player_js}}", std::string(embedded::report_player_js())},
  }};
  // In the template's order; what was put in is never searched for marks.
  const std::string_view page = embedded::report_page_html();
  std::string out;
  std::size_t begin = 0;
  for (const auto& [mark, text] : parts) {
    const std::size_t at = page.find(mark, begin);
    check(at != std::string_view::npos, "the page's template has every mark in order", mark);
    out += page.substr(begin, at - begin);
    out += text;
    begin = at + mark.size();
  }
  out += page.substr(begin);
  return out;
}

}  // namespace turnhalle::app
