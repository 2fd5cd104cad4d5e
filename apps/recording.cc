#include "apps/recording.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "apps/signals.h"
#include "core/text.h"

namespace turnhalle::app {
namespace {

// The first thing in which a stored run differs from the one that is to go on; "" when equal.
std::string difference(const RunInfo& stored, const RunInfo& wanted) {
  if (stored.command != wanted.command) return "command " + stored.command;
  if (canonical(stored.scenario) != canonical(wanted.scenario)) return "another scenario";
  if (stored.agent != wanted.agent) return "agent " + stored.agent;
  if (stored.seed != wanted.seed) return "seed " + std::to_string(stored.seed);
  if (stored.split != wanted.split) return "split " + stored.split;
  if (stored.trial != wanted.trial) return "trial " + std::to_string(stored.trial);
  const auto origin = [](const RunInfo& run) { return run.details.value("forked_from", Json()); };
  if (canonical(origin(stored)) != canonical(origin(wanted))) return "another fork";
  if (stored.lifecycles != wanted.lifecycles) {
    return std::to_string(stored.lifecycles) + " lifecycles";
  }
  return "";
}

Status check_same_runs(const std::string& path, const StoreReader& reader,
                       const std::vector<RunInfo>& runs) {
  const std::size_t stored = reader.runs().size();
  for (std::size_t i = 0; i < std::min(stored, runs.size()); ++i) {
    const std::string found = difference(reader.runs()[i].info, runs[i]);
    if (!found.empty()) {
      return Error{path, "expected the store of the same " + runs[i].command +
                             " to go on with; found one with " + found};
    }
  }
  if (stored > runs.size()) {
    return Error{path, "expected a store of at most " + std::to_string(runs.size()) +
                           " runs to go on with; found " + std::to_string(stored)};
  }
  return ok_status();
}

}  // namespace

int PlayOptions::thread_count() const {
  const auto cores = static_cast<std::int64_t>(std::thread::hardware_concurrency());
  return static_cast<int>(threads > 0 ? threads : std::max<std::int64_t>(1, cores));
}

RunSeed PlayOptions::run_seed(std::int64_t trial) const {
  return {static_cast<std::uint64_t>(seed), split == "train" ? Split::train : Split::test, trial};
}

void add_output_options(Arguments& arguments, OutputOptions& options) {
  arguments.flag("--json", options.json, "one JSON object on standard output");
  arguments.flag("--quiet", options.quiet, "no progress and no remarks");
}

void add_play_options(Arguments& arguments, PlayOptions& options) {
  arguments.integer("--lifecycles", options.lifecycles, {1, 1'000'000'000},
                    "how many lifecycles are played");
  arguments.integer("--seed", options.seed, {0}, "of the tasks and of the agent's draws");
  arguments.choice("--split", options.split, {"train", "test"},
                   "which tasks; those of train and test never meet");
  arguments.integer("--threads", options.threads, {0, 1024},
                    "results do not depend on it; 0 is one for each core");
  arguments.integer("--in-flight", options.in_flight, {1, 100'000}, "lifecycles at a time");
  arguments.text("--store", options.store, "record everything in this new SQLite file");
  arguments.flag("--resume", options.resume, "go on with the store of a run that was stopped");
  arguments.flag("--deterministic", options.deterministic,
                 "a policy's arithmetic does not depend on the batch");
  add_output_options(arguments, options.output);
}

std::string program_version() { return TURNHALLE_VERSION; }

RunInfo run_info(const std::string& command, const Scenario& scenario, const PlayOptions& options,
                 const std::string& agent, std::int64_t trial) {
  RunInfo info;
  info.command = command;
  info.scenario = scenario.document;
  info.scenario_name = scenario.name;
  info.environment = scenario.environment;
  info.seed = static_cast<std::uint64_t>(options.seed);
  info.split = options.split;
  info.trial = trial;
  info.agent = agent;
  info.program = "turnhalle " + program_version();
  info.lifecycles = options.lifecycles;
  const Json name = {command,        canonical(scenario.document), options.seed,
                     options.split,  trial,                        agent,
                     options.lifecycles};
  info.id = command + "-" + sha256_hex(canonical(name)).substr(0, 16);
  return info;
}

Result<Recording> Recording::open(const PlayOptions& options, const std::vector<RunInfo>& runs) {
  Recording recording;
  if (!options.store) {
    if (options.resume) {
      return Error{"--resume", "expected --store FILE to go on with; found no store"};
    }
    return recording;
  }
  if (options.resume) {
    Result<StoreReader> reader = StoreReader::open(*options.store);
    if (!reader) {
      return reader.error();
    }
    if (Status same = check_same_runs(*options.store, *reader, runs); !same) {
      return same.error();
    }
  }
  Result<std::unique_ptr<Store>> store = options.resume
                                             ? Store::open_for_append(*options.store)
                                             : Store::create(*options.store, runs.at(0));
  if (!store) {
    return store.error();
  }
  recording.store_ = std::move(*store);
  for (auto next = static_cast<std::size_t>(recording.store_->run().value + 1);
       next < runs.size(); ++next) {
    if (Result<RunNumber> added = recording.store_->add_run(runs[next]); !added) {
      return added.error();
    }
  }
  if (options.resume) {
    Result<StoreReader> reader = StoreReader::open(*options.store);
    if (!reader) {
      return reader.error();
    }
    recording.reader_ = std::move(*reader);
  }
  return recording;
}

Status Recording::close() {
  reader_.reset();
  return store_ ? store_->close() : ok_status();
}

int report_stop(const PlayOptions& options, const std::string& command_line_hint,
                std::int64_t played) {
  const bool by_signal = stop_exit_code() != 0;
  std::string text = "stopped by " +
                     std::string(by_signal ? stop_signal_name() : "the end of the input") +
                     " after " + grouped(played) + " of " + grouped(options.lifecycles) +
                     " lifecycles";
  text += options.store ? "; to go on: " + command_line_hint
                        : "; nothing was recorded (--store FILE records a run)";
  print_remark({}, text);
  return by_signal ? stop_exit_code() : 1;
}

}  // namespace turnhalle::app
