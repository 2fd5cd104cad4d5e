// turnhalle train EXPERIMENT --run DIR: only in turnhalle-torch; turnhalle becomes it.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <thread>

#include <unistd.h>

#include "apps/commands/train.h"
#include "apps/data_folder.h"
#include "apps/output.h"
#include "apps/progress.h"
#include "apps/recording.h"
#include "apps/report.h"
#include "apps/signals.h"
#include "envs/all.h"
#include "trainers/trainer.h"

namespace turnhalle::app {
namespace {

struct TrainArguments {
  std::string experiment;
  std::string run;
  bool resume = false;
  bool dry_run = false;
  std::string device = "auto";
  std::vector<std::string> changes;
  std::int64_t threads = 0;
  std::optional<std::int64_t> seed;
  OutputOptions output;
};

// "step 12/80  3.1 s a step  3:20 left  rewards/mean 0.612 …", one line a step; on a terminal it
// rewrites itself.
class TrainingLine {
 public:
  explicit TrainingLine(const OutputOptions& options)
      : quiet_(options.quiet), terminal_(::isatty(STDERR_FILENO) != 0) {}

  void show(const TrainProgress& progress) {
    if (quiet_) return;
    const double now = wall_seconds();
    if (progress.phase == "evaluate") {
      print("evaluating", true);
      last_ = now;
      return;
    }
    if (first_step_ < 0 || progress.phase != phase_) {
      first_step_ = progress.step - 1;
      begin_ = last_ > 0.0 ? last_ : now;
      phase_ = progress.phase;
    }
    const double done = static_cast<double>(progress.step - first_step_);
    const double rate = (now - begin_) / done;
    const double left = rate * static_cast<double>(progress.steps - progress.step);
    std::string line = phase_ + " " + std::to_string(progress.step) + "/" +
                       std::to_string(progress.steps) + "  " + fixed(rate, 2) + " s a step  " +
                       clock_text(left) + " left  " + progress.text;
    const bool last = progress.step == progress.steps;
    print(line, last || (!terminal_ && now - printed_ > 15.0));
    last_ = now;
  }

  void finish() {
    if (terminal_ && !quiet_) std::fputc('\n', stderr);
  }

 private:
  static std::string clock_text(double seconds) {
    const auto whole = static_cast<std::int64_t>(seconds);
    const std::string rest = std::to_string(whole % 60);
    return std::to_string(whole / 60) + ":" + (rest.size() < 2 ? "0" : "") + rest;
  }

  // A terminal shows every line in place; a log gets one now and then.
  void print(const std::string& line, bool into_log) {
    if (terminal_) {
      std::fprintf(stderr, "\r\033[K%.150s", line.c_str());
      std::fflush(stderr);
    } else if (into_log) {
      std::fprintf(stderr, "turnhalle: %s\n", line.c_str());
      printed_ = wall_seconds();
    }
  }

  bool quiet_;
  bool terminal_;
  std::string phase_;
  std::int64_t first_step_ = -1;
  double begin_ = 0.0;
  double last_ = 0.0;
  double printed_ = 0.0;
};

void print_evaluations(const std::vector<Json>& evaluations) {
  std::vector<std::string> columns = {"after step"};
  for (const Json& position : evaluations.back()["positions"]) {
    const Json& where = position["position"];
    columns.push_back(where.is_string() ? "all tasks"
                                        : "task " + std::to_string(where.get<int>() + 1));
  }
  Table table(columns);
  for (const Json& evaluation : evaluations) {
    std::vector<std::string> row = {std::to_string(evaluation["step"].get<std::int64_t>())};
    for (const Json& position : evaluation["positions"]) {
      const Json& reward = position["reward"];
      row.push_back(reward["mean"].is_null() ? "–"
                                             : fixed(reward["mean"].get<double>(), 3) + " [" +
                                                   fixed(reward["low"].get<double>(), 3) + ", " +
                                                   fixed(reward["high"].get<double>(), 3) + "]");
    }
    table.row(std::move(row));
  }
  std::printf("Reward on held-out lifecycles, by task:\n%s", table.text().c_str());
}

CommandResult run_dry(const TrainArguments& arguments, const Experiment& experiment, int threads) {
  std::string scratch =
      (std::filesystem::temp_directory_path() / "turnhalle-dry-run-XXXXXX").string();
  if (::mkdtemp(scratch.data()) == nullptr) {
    return Error{scratch, "cannot be made"};
  }
  const double begin = wall_seconds();
  Result<Json> sizes = dry_run(experiment, scratch, threads);
  std::error_code error;
  std::filesystem::remove_all(scratch, error);
  if (!sizes) {
    return sizes.error();
  }
  Json result = *sizes;
  result["experiment"] = arguments.experiment;
  result["steps"] = experiment.steps();
  result["warnings"] = experiment.reinforcement.recipe.warnings;
  result["seconds"] = wall_seconds() - begin;
  if (arguments.output.json) {
    print_json(result);
  } else {
    std::printf("%s is ready to train.\n%s\n", arguments.experiment.c_str(),
                result.dump(2).c_str());
  }
  return 0;
}

// The page about the run, as `turnhalle report` writes it.
Status write_report(const std::string& run) {
  Result<Json> data = collect_report({run, {}});
  if (!data) {
    return data.error();
  }
  return write_file(run + "/report.html", report_page(*data));
}

// An error of the input is exit code 2, and then nothing was written: a folder that was made for
// the run goes again. An error while training is exit code 1, and the folder can be resumed.
CommandResult training_error(const Error& error, bool began, const std::string& new_folder) {
  if (began) {
    return failed(error);
  }
  std::error_code ignored;
  if (!new_folder.empty()) std::filesystem::remove_all(new_folder, ignored);
  return error;
}

CommandResult run_training(const TrainArguments& arguments) {
  const Result<lm::Device> device = lm::choose_device(arguments.device);
  if (!device) {
    return device.error();
  }
  std::vector<std::string> changes = arguments.changes;
  if (arguments.seed) changes.push_back("/seed=" + std::to_string(*arguments.seed));
  const EnvironmentRegistry registry = all_environments();
  Result<Experiment> experiment =
      read_experiment(arguments.experiment, changes, registry, {data_folder("scenarios/recipes")});
  if (!experiment) {
    return experiment.error();
  }
  const int threads = arguments.threads > 0
                          ? static_cast<int>(arguments.threads)
                          : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  if (arguments.dry_run) {
    return run_dry(arguments, *experiment, threads);
  }
  if (arguments.run.empty()) {
    return Error{"--run", "expected a folder for the run; found none"};
  }
  for (const std::string& warning : experiment->reinforcement.recipe.warnings) {
    print_remark(arguments.output, warning);
  }
  catch_stop_signals();
  TrainingLine line(arguments.output);
  TrainOptions options;
  options.folder = arguments.run;
  options.resume = arguments.resume;
  options.threads = threads;
  options.device = *device;
  options.program = program_version();
  options.stop = &stop_flag();
  options.progress = [&line](const TrainProgress& progress) { line.show(progress); };
  bool began = false;
  options.began = [&began] { began = true; };
  const bool new_folder = !std::filesystem::exists(arguments.run);
  const double begin = wall_seconds();
  Result<TrainReport> report = train(*experiment, options);
  line.finish();
  if (!report) {
    return training_error(report.error(), began, new_folder ? arguments.run : "");
  }
  if (Status written = write_report(arguments.run); !written) {
    return failed(written.error());
  }
  if (arguments.output.json) {
    print_json({{"command", "train"},
                {"run", arguments.run},
                {"steps", report->steps},
                {"seconds", wall_seconds() - begin},
                {"checkpoint", report->checkpoint},
                {"evaluations", report->evaluations}});
  } else if (!report->evaluations.empty()) {
    print_evaluations(report->evaluations);
    std::printf("Checkpoint: %s\n", report->checkpoint.c_str());
  }
  if (!report->interrupted) {
    return 0;
  }
  print_remark(arguments.output, "stopped after step " + std::to_string(report->steps) +
                                     "; the same command with --resume goes on");
  return stop_exit_code();
}

}  // namespace

void add_train(CommandLine& line) {
  const auto options = std::make_shared<TrainArguments>();
  Arguments train = line.command("train", "Trains a policy by an experiment");
  train.positional("EXPERIMENT", options->experiment, "experiment file");
  train.text("--run", options->run, "folder of the run");
  train.flag("--resume", options->resume, "go on with the folder's last checkpoint");
  train.choice("--device", options->device, {"auto", "cpu", "cuda"}, "where tensors live");
  train.flag("--dry-run", options->dry_run, "check the whole experiment, train nothing");
  train.repeated("--set", options->changes, "/pointer=value, changes a value of the experiment");
  train.integer("--threads", options->threads, {1, 1024}, "default: all processors");
  train.integer("--seed", options->seed, {0, std::int64_t{1} << 60}, "the experiment's /seed");
  train.flag("--json", options->output.json, "one JSON object on standard output");
  train.flag("--quiet", options->output.quiet, "no progress");
  train.footer("Example: turnhalle train scenarios/experiments/demo.json --run runs/demo");
  train.action([options] { return run_training(*options); });
}

}  // namespace turnhalle::app
