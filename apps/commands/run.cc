// turnhalle run: plays a scenario with one agent.
#include <iostream>
#include <memory>

#include "apps/commands/commands.h"
#include "apps/recording.h"
#include "apps/signals.h"
#include "apps/tally.h"
#include "core/text.h"
#include "envs/all.h"

namespace turnhalle::app {
namespace {

struct RunOptions {
  PlayOptions play;
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
};

Json to_json(const RunOptions& options, const RunReport& report) {
  return {{"command", "run"},
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
}

void print_for_people(const RunOptions& options, const Scenario& scenario,
                      const RunReport& report) {
  const Tally& tally = report.tally;
  std::cout << scenario.name << ", agent " << options.agent << ": " << grouped(tally.lifecycles)
            << " lifecycles, " << grouped(tally.episodes) << " episodes, " << grouped(tally.turns)
            << " turns in " << fixed(report.seconds, 2) << " s\n"
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

CommandResult play(const RunOptions& options) {
  Result<Scenario> scenario = read_scenario(options.play.scenario, all_environments());
  if (!scenario) {
    return scenario.error();
  }
  if (Status users = check_users(options.users, *scenario); !users) {
    return users.error();
  }
  Result<SeatedAgent> agent = seat_agent(options.agent, *scenario, options.play.deterministic);
  if (!agent) {
    return agent.error();
  }
  Result<Recording> recording = Recording::open(
      options.play, {run_info("run", *scenario, options.play, options.agent, options.trial)});
  if (!recording) {
    return recording.error();
  }
  catch_stop_signals();
  const PlayRequest request{.scenario = *scenario,
                            .seed = options.play.run_seed(options.trial),
                            .agent = *agent,
                            .lifecycles = options.play.lifecycles,
                            .threads = options.play.thread_count(),
                            .in_flight = static_cast<int>(options.play.in_flight),
                            .output = options.play.output,
                            .store = recording->store(),
                            .run = recording->run(0),
                            .stored = recording->stored()};
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
  if (options.play.output.json) {
    print_json(to_json(options, report));
  } else {
    print_for_people(options, *scenario, report);
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
  run.positional("SCENARIO", options->play.scenario, "scenario file");
  run.text("--agent", options->agent, "who plays (turnhalle list agents)");
  run.required();
  run.list("--user", options->users, "who plays the user, where the environment has one");
  run.integer("--trial", options->trial, {0, 1'000'000}, "the same tasks, other draws");
  add_play_options(run, options->play);
  run.footer("Example: turnhalle run scenarios/frozen_lake_obscure_easy.json --agent expert "
             "--lifecycles 500 --store runs/expert.sqlite");
  run.action([options] { return play(*options); });
}

}  // namespace turnhalle::app
