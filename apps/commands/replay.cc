// turnhalle replay: plays a store again and compares, or shows its episodes.
#include <unistd.h>

#include <iostream>
#include <memory>

#include "apps/commands/commands.h"
#include "apps/episode_view.h"
#include "apps/output.h"
#include "apps/recording.h"
#include "apps/replay_world.h"
#include "apps/rollout_credit.h"

namespace turnhalle::app {
namespace {

struct ReplayCommand {
  std::string store;
  std::optional<std::int64_t> lifecycle;
  std::optional<std::int64_t> episode;
  bool verify = false;
  OutputOptions output;
};

void print_report(const ReplayReport& report) {
  std::cout << grouped(report.lifecycles) << " lifecycles, " << grouped(report.episodes)
            << " episodes, " << grouped(report.turns) << " turns, " << grouped(report.events)
            << " events played again\n";
  if (report.mismatches == 0) {
    std::cout << "0 mismatches: every byte came out as it is stored\n" << std::flush;
    return;
  }
  std::cout << grouped(report.mismatches) << " lifecycles differ\n";
  if (report.first_mismatch) {
    const ReplayMismatch& first = *report.first_mismatch;
    std::cout << "first: lifecycle " << first.lifecycle << ", episode " << first.episode
              << ", turn " << first.turn << ": " << first.what << "\n"
              << "  stored    " << first.expected << "\n"
              << "  replayed  " << first.found << "\n";
  }
  std::cout << std::flush;
}

// Damage outside of what was replayed: pages of the file, tables, links between rows.
Status add_file_damage(const StoreReader& store, ReplayReport& report) {
  Result<IntegrityReport> integrity = store.check_integrity();
  if (!integrity) {
    return integrity.error();
  }
  if (!integrity->ok() && report.mismatches == 0) {
    const Damage damage = integrity->damage.empty() ? Damage{.what = "the SQLite file is damaged"}
                                                    : integrity->damage.front();
    report.mismatches = 1;
    report.first_mismatch = ReplayMismatch{.lifecycle = damage.lifecycle,
                                           .episode = damage.episode,
                                           .turn = damage.turn,
                                           .what = "damage",
                                           .expected = "the bytes that were written",
                                           .found = damage.what};
  }
  return ok_status();
}

CommandResult verify(const ReplayCommand& command, const StoreReader& store) {
  Result<ReplayReport> report =
      replay(store, make_replay_worlds(), {command.lifecycle, command.episode});
  if (!report) {
    return failed(report.error());
  }
  if (!command.lifecycle) {
    if (Status checked = add_file_damage(store, *report); !checked) {
      return failed(checked.error());
    }
  }
  if (command.output.json) {
    Json result = turnhalle::to_json(*report);
    result["command"] = "replay";
    result["store"] = command.store;
    print_json(result);
  } else {
    print_report(*report);
  }
  return report->mismatches == 0 ? 0 : 1;
}

std::string run_id_of(const StoreReader& store, RunNumber number) {
  for (const StoredRun& run : store.runs()) {
    if (run.number == number) return run.info.id;
  }
  return {};
}

CommandResult show(const ReplayCommand& command, const StoreReader& store,
                   const LifecycleSummary& summary) {
  Result<StoredLifecycle> lifecycle = store.lifecycle(summary.number);
  if (!lifecycle) {
    return failed(lifecycle.error());
  }
  const std::int64_t episodes = std::ssize(lifecycle->episodes);
  if (command.episode && *command.episode >= episodes) {
    return Error{"--episode", "expected one of the " + std::to_string(episodes) +
                                  " episodes of lifecycle " + std::to_string(summary.number) +
                                  "; found " + std::to_string(*command.episode)};
  }
  const std::optional<RolloutName> rollout = rollout_of(run_id_of(store, summary.run));
  const RolloutCredit lines =
      rollout ? RolloutCredit::beside(command.store) : RolloutCredit();
  const TurnCredit credit = [&](std::int64_t episode, std::int64_t turn) {
    return rollout ? lines.find(*rollout, episode, turn) : nullptr;
  };
  const bool steps = isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
  show_lifecycle(*lifecycle, command.episode, credit, steps, std::cin, std::cout);
  return 0;
}

CommandResult run_replay(const ReplayCommand& command) {
  Result<StoreReader> store = StoreReader::open(command.store);
  if (!store) {
    return store.error();
  }
  Result<std::vector<LifecycleSummary>> all = store->lifecycles();
  if (!all) {
    return failed(all.error());
  }
  const LifecycleSummary* chosen = all->empty() ? nullptr : &all->front();
  if (command.lifecycle) {
    chosen = nullptr;
    for (const LifecycleSummary& summary : *all) {
      if (summary.number == *command.lifecycle) chosen = &summary;
    }
    if (chosen == nullptr) {
      return Error{"--lifecycle", "expected a lifecycle of " + command.store + " (it holds " +
                                      std::to_string(all->size()) + "); found " +
                                      std::to_string(*command.lifecycle)};
    }
  }
  if (command.verify || command.output.json) {
    return verify(command, *store);
  }
  if (chosen == nullptr) {
    return Error{command.store, "expected a lifecycle to show; found none"};
  }
  return show(command, *store, *chosen);
}

}  // namespace

void add_replay(CommandLine& line) {
  const auto options = std::make_shared<ReplayCommand>();
  Arguments replay = line.command("replay", "Plays a store again, or steps through an episode");
  replay.positional("STORE", options->store, "store file");
  replay.integer("--lifecycle", options->lifecycle, {0}, "number in the store");
  replay.integer("--episode", options->episode, {0}, "of the lifecycle");
  replay.flag("--verify", options->verify, "compare everything; exit code 1 if anything differs");
  add_output_options(replay, options->output);
  replay.footer("Without --verify the episodes are shown; on a terminal turn by turn.");
  replay.action([options] { return run_replay(*options); });
}

}  // namespace turnhalle::app
