// The store that a run or an evaluation writes, from its options to its closing.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "apps/arguments.h"
#include "apps/output.h"
#include "apps/play_run.h"

namespace turnhalle::app {

/// Options that run and eval share.
struct PlayOptions {
  std::string scenario;
  std::int64_t lifecycles = 100;
  std::int64_t seed = 0;
  std::string split = "test";
  std::int64_t threads = 0;    ///< 0: one for each core
  std::int64_t in_flight = 64;
  std::optional<std::string> store;
  bool resume = false;
  bool deterministic = false;
  OutputOptions output;

  int thread_count() const;
  RunSeed run_seed(std::int64_t trial) const;
};
/// The flags of the above.
void add_play_options(Arguments& arguments, PlayOptions& options);
/// --json and --quiet.
void add_output_options(Arguments& arguments, OutputOptions& options);

/// The version that plays, as it stands in a store.
std::string program_version();

/// One run's row of the store.
RunInfo run_info(const std::string& command, const Scenario& scenario, const PlayOptions& options,
                 const std::string& agent, std::int64_t trial);

/// Runs recorded one after another in one store; without a file it does nothing.
class Recording {
 public:
  /// Makes the store, or opens it when the options say resume. Nothing is written on an error.
  static Result<Recording> open(const PlayOptions& options, const std::vector<RunInfo>& runs);

  Store* store() { return store_.get(); }
  /// What was complete before; null unless resuming.
  const StoreReader* stored() const { return reader_ ? &*reader_ : nullptr; }
  /// Closes the file.
  Status close();

  /// Run number `i` of those given to open().
  RunNumber run(std::size_t i) const { return {static_cast<std::int64_t>(i)}; }

 private:
  std::unique_ptr<Store> store_;
  std::optional<StoreReader> reader_;
};

/// Says on standard error where a run was stopped and how to go on; returns its exit code.
int report_stop(const PlayOptions& options, const std::string& command_line_hint,
                std::int64_t played);

}  // namespace turnhalle::app
