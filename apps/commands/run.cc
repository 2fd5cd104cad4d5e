// turnhalle run: plays a scenario with one agent.
#include <iostream>
#include <memory>

#include "apps/commands/commands.h"
#include "apps/fork.h"
#include "apps/recording.h"
#include "apps/replay_world.h"
#include "apps/signals.h"
#include "apps/tally.h"
#include "core/text.h"
#include "envs/all.h"

namespace turnhalle::app {
namespace {

struct RunOptions {
  PlayOptions play;
  std::optional<std::string> scenario;
  std::optional<std::string> fork;
  std::optional<std::int64_t> continuations;
  std::string agent;
  std::vector<std::string> users;
  std::int64_t trial = 0;
};

struct RunReport {
  Tally tally;
  Json digest;  // null when the run was stopped
  double seconds = 0.0;
  double turns_per_second = 0.0;
  bool deterministic = true;
  Json usage;  // of an agent outside this process; null for others
};

// What is played: a scenario from its beginning, or on from a turn of a stored lifecycle.
struct RunCourse {
  Scenario scenario;
  std::optional<ForkOrigin> fork;
};

Json to_json(const RunOptions& options, const RunCourse& course, const RunReport& report) {
  Json json = {{"command", "run"},
               {"scenario", options.play.scenario},
               {"agent", options.agent},
               {"seed", options.play.seed},
               {"split", options.play.split},
               {"trial", options.trial},
               {"lifecycles", report.tally.lifecycles},
               {"episodes", report.tally.episodes},
               {"turns", report.tally.turns},
               {"outcomes", outcomes_json(report.tally)},
               {"reward", turnhalle::to_json(report.tally.reward)},
               {"success", turnhalle::to_json(report.tally.success)},
               {"digest", report.digest},
               {"deterministic", report.deterministic},
               {"interrupted", report.digest.is_null()},
               {"store", options.play.store ? Json(*options.play.store) : Json()},
               {"seconds", report.seconds},
               {"turns_per_second", report.turns_per_second}};
  if (course.fork) json["forked_from"] = to_json(*course.fork);
  if (!report.usage.is_null()) json["agent_usage"] = report.usage;
  return json;
}

void print_for_people(const RunOptions& options, const RunCourse& course, const RunReport& report) {
  const Tally& tally = report.tally;
  if (course.fork) std::cout << "forked from " << *options.fork << "\n";
  std::cout << course.scenario.name << ", agent " << options.agent << ": "
            << grouped(tally.lifecycles) << " lifecycles, " << grouped(tally.episodes)
            << " episodes, " << grouped(tally.turns) << " turns in " << fixed(report.seconds, 2)
            << " s\n"
            << "  success   " << shown(tally.success) << " of the tasks\n"
            << "  reward    " << shown(tally.reward) << " per task\n"
            << "  outcomes  " << outcomes_text(tally) << "\n";
  if (tally.updates.n > 0) {
    std::cout << "  updates   " << shown(tally.updates) << " of the contexts readable\n";
  }
  if (report.digest.is_string()) {
    std::cout << "  digest    " << report.digest.get<std::string>()
              << (report.deterministic ? "" : "  (not reproducible: see --deterministic)") << "\n";
  }
  if (!report.usage.is_null()) {
    std::cout << "  agent     " << usage_text(report.usage) << "\n";
  }
  if (options.play.store) {
    std::cout << "  store     " << *options.play.store << "\n";
  }
  std::cout << std::flush;
}

RunReport summarise(const PlayedRun& run, const Sha256& digest) {
  RunReport report;
  report.tally = tally({&run, 1});
  report.digest = run.complete ? Json(digest.hexdigest()) : Json();
  report.seconds = run.seconds;
  report.turns_per_second = static_cast<double>(run.turns) / run.seconds;
  return report;
}

Status check_fork_options(const RunOptions& options) {
  if (!options.fork) {
    return options.continuations
               ? Status(Error{"--continuations", "expected --fork to go on from; found none"})
               : ok_status();
  }
  const PlayOptions defaults;
  const PlayOptions& play = options.play;
  if (options.scenario) {
    return Error{*options.scenario,
                 "expected no scenario with --fork, which plays the store's; "
                 "found one"};
  }
  if (play.seed != defaults.seed || play.split != defaults.split || options.trial != 0) {
    return Error{"--fork",
                 "expected no --seed, --split or --trial, which are those of the store; "
                 "found one"};
  }
  if (play.lifecycles != defaults.lifecycles) {
    return Error{"--lifecycles", "expected --continuations K with --fork; found --lifecycles"};
  }
  return ok_status();
}

// Reads the scenario, or the fork and with it the seeds and the number of lifecycles.
Result<RunCourse> read_course(RunOptions& options) {
  if (Status checked = check_fork_options(options); !checked) {
    return checked.error();
  }
  if (!options.fork) {
    if (!options.scenario) {
      return Error{"SCENARIO", "expected SCENARIO (see `turnhalle run --help`), or --fork; found "
                               "neither"};
    }
    options.play.scenario = *options.scenario;
    Result<Scenario> scenario = read_scenario(options.play.scenario, all_environments());
    return scenario ? Result<RunCourse>(RunCourse{*std::move(scenario), {}}) : scenario.error();
  }
  Result<StoredFork> fork = read_fork(*options.fork);
  if (!fork) {
    return fork.error();
  }
  Result<Scenario> scenario = scenario_of(fork->run, all_environments());
  if (!scenario) {
    return scenario.error();
  }
  options.play.scenario = scenario->name;
  options.play.seed = static_cast<std::int64_t>(fork->run.info.seed);
  options.play.split = fork->run.info.split;
  options.play.lifecycles = options.continuations.value_or(1);
  options.trial = fork->run.info.trial;
  return RunCourse{*std::move(scenario), std::move(fork->origin)};
}

// Opens the store, if there is to be one, and writes where its lifecycles come from.
Result<Recording> open_recording(const RunOptions& options, const RunCourse& course) {
  RunInfo info = run_info("run", course.scenario, options.play, options.agent, options.trial);
  if (course.fork) {
    info.details["forked_from"] = to_json(*course.fork);
    info.id = "fork-" + sha256_hex(info.id + canonical(info.details)).substr(0, 16);
  }
  Result<Recording> recording = Recording::open(options.play, {info});
  if (recording && course.fork && recording->store() != nullptr) {
    const Status written = record_lineage(*recording->store(), recording->stored(), *course.fork,
                                          options.play.lifecycles);
    if (!written) {
      return written.error();
    }
  }
  return recording;
}

CommandResult play_or_fork(RunOptions options) {
  Result<RunCourse> course = read_course(options);
  if (!course) {
    return course.error();
  }
  if (Status users = check_users(options.users, course->scenario); !users) {
    return users.error();
  }
  Result<SeatedAgent> agent =
      seat_agent(options.agent, course->scenario, options.play.deterministic);
  if (!agent) {
    return agent.error();
  }
  Result<Recording> recording = open_recording(options, *course);
  if (!recording) {
    return recording.error();
  }
  catch_stop_signals();
  const PlayRequest request{.scenario = course->scenario,
                            .seed = options.play.run_seed(options.trial),
                            .agent = *agent,
                            .lifecycles = options.play.lifecycles,
                            .threads = options.play.thread_count(),
                            .in_flight = static_cast<int>(options.play.in_flight),
                            .output = options.play.output,
                            .store = recording->store(),
                            .run = recording->run(0),
                            .stored = recording->stored(),
                            .fork = course->fork ? &*course->fork : nullptr};
  Sha256 digest;
  Result<PlayedRun> run = play_run(request, digest);
  if (!run) {
    return failed(run.error());
  }
  if (Status closed = recording->close(); !closed) {
    return failed(closed.error());
  }
  RunReport report = summarise(*run, digest);
  report.deterministic = agent->deterministic;
  if (agent->usage != nullptr) report.usage = agent->usage->to_json();
  if (options.play.output.json) {
    print_json(to_json(options, *course, report));
  } else {
    print_for_people(options, *course, report);
  }
  if (run->complete) {
    return 0;
  }
  const std::string again = "the same command with --resume";
  return report_stop(options.play, again, report.tally.lifecycles);
}

}  // namespace

void add_run(CommandLine& line) {
  const auto options = std::make_shared<RunOptions>();
  Arguments run = line.command("run", "Plays a scenario with one agent");
  run.positional("SCENARIO", options->scenario, "scenario file; none with --fork");
  run.text("--agent", options->agent, "who plays (turnhalle list agents)");
  run.required();
  run.list("--user", options->users, "who plays the user, where the environment has one");
  run.integer("--trial", options->trial, {0, 1'000'000}, "the same tasks, other draws");
  run.text("--fork", options->fork,
           "STORE:LIFECYCLE:EPISODE:TURN, play on from that turn of a recorded lifecycle");
  run.integer("--continuations", options->continuations, {1, 1'000'000},
              "with --fork: how many lifecycles go on from there (1)");
  add_play_options(run, options->play);
  run.footer(
      "Example: turnhalle run scenarios/frozen_lake_obscure_easy.json --agent expert "
      "--lifecycles 500 --store runs/expert.sqlite");
  run.action([options] { return play_or_fork(*options); });
}

}  // namespace turnhalle::app
