// turnhalle eval: compares agents on the same tasks, by position in the lifecycle.
#include <algorithm>
#include <iostream>
#include <memory>

#include "apps/commands/commands.h"
#include "apps/data_folder.h"
#include "apps/output_file.h"
#include "apps/recording.h"
#include "apps/reliability.h"
#include "apps/report.h"
#include "apps/report_eval.h"
#include "apps/report_inputs.h"
#include "apps/signals.h"
#include "apps/tally.h"
#include "core/file.h"
#include "core/text.h"
#include "envs/all.h"
#include "trainers/experiment.h"

namespace turnhalle::app {
namespace {

struct EvalOptions {
  PlayOptions play;
  std::vector<std::string> agents;
  std::vector<std::string> users;
  std::int64_t trials = 1;
  std::optional<std::string> html;
};

// All trials of one agent.
struct AgentResult {
  std::string agent;
  bool deterministic = true;
  std::vector<PlayedRun> runs;
  std::shared_ptr<UsageLog> usage = nullptr;  // of an agent outside this process

  bool complete() const { return runs.back().complete; }
};

// One task's place, or all of them where `position` is absent.
Json row_json(const AgentResult& result, std::optional<std::int64_t> position) {
  const Tally row = tally(result.runs, position);
  Json json = {{"agent", result.agent},
               {"user", nullptr},
               {"position", position ? Json(*position) : Json("all")},
               {"success", turnhalle::to_json(row.success)},
               {"reward", turnhalle::to_json(row.reward)},
               {"updates_readable", turnhalle::to_json(row.updates)},
               {"turns_per_episode", row.turns_per_episode}};
  add_columns(reliability(result.runs, position), json);
  return json;
}

// The agents by mean reward, the best first, and how much that depends on the tasks drawn; null
// where there is nothing to compare.
Json ranking_json(const std::vector<AgentResult>& results) {
  std::vector<std::vector<TaskTrials>> tasks;
  std::vector<std::pair<double, std::string>> order;
  for (const AgentResult& result : results) {
    tasks.push_back(task_trials(result.runs));
    order.emplace_back(tally(result.runs).reward.mean, result.agent);
  }
  const RankStability stability = rank_stability(tasks);
  if (stability.tau.n == 0) {
    return nullptr;
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  Json names = Json::array();
  for (const auto& [reward, agent] : order) names.push_back(agent);
  return {{"order", std::move(names)},
          {"kendall_tau", turnhalle::to_json(stability.tau)},
          {"best_stays", stability.best_stays}};
}

Json to_json(const EvalOptions& options, const std::vector<AgentResult>& results,
             const Json& digest) {
  Json rows = Json::array();
  Json outcomes = Json::object();
  Json usage = Json::object();
  bool deterministic = true;
  double seconds = 0.0;
  for (const AgentResult& result : results) {
    for (std::int64_t position = 0; position < positions(result.runs); ++position) {
      rows.push_back(row_json(result, position));
    }
    rows.push_back(row_json(result, std::nullopt));
    outcomes[result.agent] = outcomes_json(tally(result.runs));
    if (result.usage != nullptr) usage[result.agent] = result.usage->to_json();
    deterministic = deterministic && result.deterministic;
    for (const PlayedRun& run : result.runs) seconds += run.seconds;
  }
  return {{"command", "eval"},
          {"scenario", options.play.scenario},
          {"agents", options.agents},
          {"lifecycles", options.play.lifecycles},
          {"trials", options.trials},
          {"seed", options.play.seed},
          {"split", options.play.split},
          {"rows", std::move(rows)},
          {"ranking", ranking_json(results)},
          {"outcomes", std::move(outcomes)},
          {"agent_usage", std::move(usage)},
          {"digest", digest},
          {"deterministic", deterministic},
          {"interrupted", digest.is_null()},
          {"store", options.play.store ? Json(*options.play.store) : Json()},
          {"html", options.html ? Json(*options.html) : Json()},
          {"seconds", seconds}};
}

// A row for each agent and a column for each measure of all its tasks that was observed.
void print_reliability(const Json& result) {
  const auto trials = result["trials"].get<std::size_t>();
  std::vector<std::string> names;
  for (const std::string& name : reliability_names(trials)) {
    const auto observed = [&name](const Json& row) {
      return row["position"] == "all" && row[name]["n"] != 0;
    };
    if (std::any_of(result["rows"].begin(), result["rows"].end(), observed)) {
      names.push_back(name);
    }
  }
  std::vector<std::string> head = {"measure"};
  for (const Json& agent : result["agents"]) head.push_back(agent.get<std::string>());
  Table table(head);
  for (const std::string& name : names) {
    std::vector<std::string> cells = {name};
    for (const Json& row : result["rows"]) {
      if (row["position"] == "all") cells.push_back(shown(interval_from(row[name])));
    }
    cells.resize(head.size());  // of agents that a stopped evaluation did not reach
    table.row(std::move(cells));
  }
  std::cout << table.text() << "\n";
  if (const Json& ranking = result["ranking"]; ranking.is_object()) {
    std::vector<std::string> order;
    for (const Json& agent : ranking["order"]) order.push_back(agent.get<std::string>());
    std::cout << "By reward: " << join(order, ", ") << "; the first stays the best in "
              << fixed(100.0 * ranking["best_stays"].get<double>(), 1)
              << " % of resamples of the lifecycles, Kendall's tau "
              << shown(interval_from(ranking["kendall_tau"])) << "\n";
  }
}

void print_for_people(const EvalOptions& options, const Scenario& scenario,
                      const std::vector<AgentResult>& results, const Json& result_json) {
  std::cout << scenario.name << ", " << grouped(options.play.lifecycles) << " lifecycles";
  if (options.trials > 1) {
    std::cout << " × " << options.trials << " trials";
  }
  std::cout << ", split " << options.play.split << ", seed " << options.play.seed << "\n\n";
  Table table({"agent", ">position", "success", "reward", ">turns"});
  for (const AgentResult& result : results) {
    for (std::int64_t position = 0; position < positions(result.runs); ++position) {
      const Tally row = tally(result.runs, position);
      table.row({result.agent, std::to_string(position), shown(row.success), shown(row.reward),
                 fixed(row.turns_per_episode, 1)});
    }
    const Tally all = tally(result.runs);
    table.row({result.agent, "all", shown(all.success), shown(all.reward),
               fixed(all.turns_per_episode, 1)});
  }
  std::cout << table.text() << "\n";
  print_reliability(result_json);
  for (const AgentResult& result : results) {
    std::cout << result.agent << ": " << outcomes_text(tally(result.runs)) << "\n";
    if (result.usage != nullptr) {
      std::cout << "  agent     " << usage_text(result.usage->to_json()) << "\n";
    }
  }
  std::cout << "Means with 95 % intervals: success and faults by Wilson, the rest by bootstrap "
               "over lifecycles.\n"
            << std::flush;
}

Result<std::vector<SeatedAgent>> seat_agents(const EvalOptions& options,
                                             const Scenario& scenario) {
  std::vector<SeatedAgent> seated;
  for (const std::string& name : options.agents) {
    Result<SeatedAgent> agent = seat_agent(name, scenario, options.play.deterministic);
    if (!agent) {
      return agent.error();
    }
    seated.push_back(std::move(*agent));
  }
  return seated;
}

// Plays agent after agent, trial after trial, until done or stopped.
Result<std::vector<AgentResult>> play_agents(const EvalOptions& options, const Scenario& scenario,
                                             const std::vector<SeatedAgent>& agents,
                                             Recording& recording, Sha256& digest) {
  std::vector<AgentResult> results;
  std::size_t number = 0;
  for (const SeatedAgent& agent : agents) {
    results.push_back({agent.name, agent.deterministic, {}, agent.usage});
    for (std::int64_t trial = 0; trial < options.trials; ++trial, ++number) {
      const PlayRequest request{.scenario = scenario,
                                .seed = options.play.run_seed(trial),
                                .agent = agent,
                                .lifecycles = options.play.lifecycles,
                                .threads = options.play.thread_count(),
                                .in_flight = static_cast<int>(options.play.in_flight),
                                .output = options.play.output,
                                .store = recording.store(),
                                .run = recording.run(number),
                                .stored = recording.stored(),
                                .keep = options.html && trial == 0
                                            ? static_cast<std::int64_t>(kShownLifecycles)
                                            : 0};
      Result<PlayedRun> run = play_run(request, digest);
      if (!run) {
        return run.error();
      }
      results.back().runs.push_back(std::move(*run));
      if (!results.back().complete()) {
        return results;
      }
    }
  }
  return results;
}

// The scenario of a file that is one, or of an experiment's.
Result<Scenario> read_scenario_or_experiment(const std::string& path) {
  Result<JsonDocument> document = read_json(path);
  if (!document) {
    return document.error();
  }
  const Json* kind = document->root.is_object() ? child_of(document->root, "kind") : nullptr;
  if (kind == nullptr || *kind != "experiment") {
    return scenario_from(*document, all_environments());
  }
  const ExperimentPlaces places{data_folder("scenarios/recipes")};
  Result<Experiment> experiment = read_experiment(path, {}, all_environments(), places);
  if (!experiment) {
    return experiment.error();
  }
  return std::move(experiment->scenario);
}

// An agent is one row of the report, so its name may stand there once.
Status check_agents(const std::vector<std::string>& agents) {
  for (std::size_t i = 0; i < agents.size(); ++i) {
    if (std::find(agents.begin(), agents.begin() + static_cast<std::ptrdiff_t>(i), agents[i]) !=
        agents.begin() + static_cast<std::ptrdiff_t>(i)) {
      return Error{"--agents", "expected each agent once; found \"" + agents[i] + "\" twice"};
    }
  }
  return agents.empty()
             ? Status(Error{"", "expected --agents A,B,… (see `turnhalle list agents`); "
                                "found nothing"})
             : ok_status();
}

// Bad options are said before anything is played.
Status check_options(const EvalOptions& options) {
  const Status agents = check_agents(options.agents);
  return agents && options.html ? check_output_file(*options.html) : agents;
}

Status write_page(const EvalOptions& options, const Scenario& scenario,
                  const std::vector<AgentResult>& results, const Json& result) {
  if (!options.html) {
    return ok_status();
  }
  std::vector<ShownAgent> shown;
  for (const AgentResult& agent : results) {
    shown.push_back({agent.agent, agent.runs.front().kept});
  }
  return write_file(*options.html, report_page(eval_report(scenario, result, shown)));
}

CommandResult evaluate(const EvalOptions& options) {
  if (Status good = check_options(options); !good) {
    return good.error();
  }
  Result<Scenario> scenario = read_scenario_or_experiment(options.play.scenario);
  if (!scenario) {
    return scenario.error();
  }
  if (Status users = check_users(options.users, *scenario); !users) {
    return users.error();
  }
  Result<std::vector<SeatedAgent>> agents = seat_agents(options, *scenario);
  if (!agents) {
    return agents.error();
  }
  std::vector<RunInfo> infos;
  for (const std::string& agent : options.agents) {
    for (std::int64_t trial = 0; trial < options.trials; ++trial) {
      infos.push_back(run_info("eval", *scenario, options.play, agent, trial));
    }
  }
  Result<Recording> recording = Recording::open(options.play, infos);
  if (!recording) {
    return recording.error();
  }
  catch_stop_signals();
  Sha256 digest;
  Result<std::vector<AgentResult>> results =
      play_agents(options, *scenario, *agents, *recording, digest);
  if (!results) {
    return failed(results.error());
  }
  if (Status closed = recording->close(); !closed) {
    return failed(closed.error());
  }
  const bool complete = results->back().complete();
  const Json result = to_json(options, *results, complete ? Json(digest.hexdigest()) : Json());
  if (Status written = write_page(options, *scenario, *results, result); !written) {
    return failed(written.error());
  }
  if (options.play.output.json) {
    print_json(result);
  } else {
    print_for_people(options, *scenario, *results, result);
  }
  if (complete) {
    return 0;
  }
  return report_stop(options.play, "the same command with --resume",
                     std::ssize(results->back().runs.back().lifecycles));
}

}  // namespace

void add_eval(CommandLine& line) {
  const auto options = std::make_shared<EvalOptions>();
  options->play.lifecycles = 500;
  Arguments eval = line.command("eval", "Compares agents on the same tasks");
  eval.positional("SCENARIO", options->play.scenario, "scenario or experiment file");
  eval.list("--agents", options->agents, "who plays (turnhalle list agents)");
  eval.list("--agent", options->agents, "the same");
  eval.list("--users", options->users, "who plays the user, where the environment has one");
  eval.integer("--trials", options->trials, {1, 10'000}, "plays of each task by each agent");
  eval.text("--html", options->html, "write the comparison as one page for a browser");
  add_play_options(eval, options->play);
  eval.footer("Example: turnhalle eval scenarios/frozen_lake_obscure_easy.json "
              "--agents random,expert --lifecycles 2000");
  eval.action([options] { return evaluate(*options); });
}

}  // namespace turnhalle::app
