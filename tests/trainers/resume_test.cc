// A run that is stopped or killed and then resumed ends as the uninterrupted one, bit for bit.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agents/lm/checkpoint.h"
#include "agents/lm/transformer_torch.h"
#include "core/store.h"
#include "tests/trainers/training_fixture.h"
#include "trainers/new_policy.h"
#include "trainers/trainer.h"

namespace turnhalle {
namespace {

TrainOptions options_for(const std::string& folder, bool resume = false) {
  TrainOptions options;
  options.folder = folder;
  options.resume = resume;
  options.program = "test";
  return options;
}

// What a run leaves behind, without times.
struct Remains {
  std::string weights;
  std::string optimizer;
  std::string evaluations;
  std::string metrics;
  bool operator==(const Remains&) const = default;
};

std::string metrics_without_times(const std::string& path) {
  std::ifstream in(path);
  std::string result;
  for (std::string line; std::getline(in, line);) {
    const Json value = Json::parse(line);
    Json kept;
    for (const auto& [name, number] : value.items()) {
      const bool timed = name.starts_with("timing_s") || name.starts_with("perf/throughput") ||
                         name == "step_time";
      if (!timed) kept[name] = number;
    }
    result += kept.dump() + "\n";
  }
  return result;
}

Remains remains_of(const std::string& folder) {
  return {bytes_of_file(folder + "/step_000028/hf/model.safetensors"),
          bytes_of_file(folder + "/step_000028/optimizer.safetensors"),
          bytes_of_file(folder + "/evaluations.json"),
          metrics_without_times(folder + "/metrics.jsonl")};
}

struct Uninterrupted {
  Remains remains;
  double seconds = 0.0;
};

const Uninterrupted& uninterrupted() {
  static const Uninterrupted result = [] {
    const TestFolder folder;
    const auto begin = std::chrono::steady_clock::now();
    const TrainReport report =
        train(make_experiment(), options_for(folder.file("run"))).value();
    const auto end = std::chrono::steady_clock::now();
    EXPECT_EQ(report.steps, kSteps);
    EXPECT_FALSE(report.interrupted);
    return Uninterrupted{remains_of(folder.file("run")),
                         std::chrono::duration<double>(end - begin).count()};
  }();
  return result;
}

void expect_uninterrupted(const Remains& found) {
  const Remains& expected = uninterrupted().remains;
  EXPECT_TRUE(found.weights == expected.weights) << "the weights differ";
  EXPECT_TRUE(found.optimizer == expected.optimizer) << "the moments differ";
  EXPECT_EQ(found.evaluations, expected.evaluations);
  EXPECT_EQ(found.metrics, expected.metrics);
}

TEST(Resume, TrainingTwiceGivesTheSameBytes) {
  const TestFolder folder;
  ASSERT_TRUE(train(make_experiment(), options_for(folder.file("run"))));
  expect_uninterrupted(remains_of(folder.file("run")));
}

TEST(Resume, TrainingMovesTheWeightsInBothPhases) {
  const TestFolder folder;
  ASSERT_TRUE(train(make_experiment(), options_for(folder.file("run"))));
  const auto weights = [&](const std::string& step) {
    return bytes_of_file(folder.file("run/" + step + "/hf/model.safetensors"));
  };
  EXPECT_TRUE(weights("step_000001") != weights("step_000024"));
  EXPECT_TRUE(weights("step_000024") != weights("step_000026"));
  EXPECT_TRUE(weights("step_000026") != weights("step_000028"));
}

class StoppedAfter : public testing::TestWithParam<int> {};

// Around the boundary of the phases; the checkpoint before the stopped step is resumed.
TEST_P(StoppedAfter, ResumesToTheSameBytes) {
  const TestFolder folder;
  const Experiment experiment = make_experiment();
  std::atomic<bool> stop{false};
  TrainOptions options = options_for(folder.file("run"));
  options.stop = &stop;
  int steps = 0;
  options.progress = [&](const TrainProgress& progress) {
    if (progress.phase != "evaluate" && ++steps == GetParam()) stop = true;
  };
  const TrainReport report = train(experiment, options).value();
  EXPECT_TRUE(report.interrupted);
  const Result<TrainReport> resumed = train(experiment, options_for(folder.file("run"), true));
  ASSERT_TRUE(resumed) << resumed.error().text();
  EXPECT_EQ(resumed->steps, kSteps);
  EXPECT_FALSE(resumed->interrupted);
  expect_uninterrupted(remains_of(folder.file("run")));
}

INSTANTIATE_TEST_SUITE_P(Steps, StoppedAfter,
                         testing::Values(1, kWarmSteps - 1, kWarmSteps, kWarmSteps + 1,
                                         kWarmSteps + 3, kSteps));

// Without a checkpoint at every step a resumed run computes some steps again.
TEST(Resume, StepsAfterTheLastCheckpointAreComputedAgain) {
  Json document = small_experiment();
  document["checkpoint_every"] = 5;
  const Experiment experiment = make_experiment(document);
  const TestFolder folder;
  std::atomic<bool> stop{false};
  TrainOptions options = options_for(folder.file("run"));
  options.stop = &stop;
  options.progress = [&](const TrainProgress& progress) {
    if (progress.phase == "reinforce" && progress.step == 3) stop = true;
  };
  ASSERT_TRUE(train(experiment, options));
  EXPECT_EQ(bytes_of_file(folder.file("run/latest")), "step_000025\n");
  ASSERT_TRUE(train(experiment, options_for(folder.file("run"), true)));
  expect_uninterrupted(remains_of(folder.file("run")));
}

TEST(Resume, AStopInTheMiddleOfAStepOrAnEvaluationLosesNothing) {
  const TestFolder folder;
  const Experiment experiment = make_experiment();
  const double seconds = uninterrupted().seconds;
  bool interrupted = true;
  for (int round = 0; interrupted && round < 40; ++round) {
    std::atomic<bool> stop{false};
    TrainOptions options = options_for(folder.file("run"), true);
    options.stop = &stop;
    std::thread timer([&] {
      std::this_thread::sleep_for(std::chrono::duration<double>(seconds * (0.3 + 0.02 * round)));
      stop = true;
    });
    const Result<TrainReport> report = train(experiment, options);
    timer.join();
    ASSERT_TRUE(report) << report.error().text();
    interrupted = report->interrupted && report->steps < kSteps;
  }
  ASSERT_TRUE(train(experiment, options_for(folder.file("run"), true)));
  expect_uninterrupted(remains_of(folder.file("run")));
}

// Runs or resumes the experiment in a process of its own and kills it; whether it was too late.
bool finished_before_kill(const Experiment& experiment, const std::string& folder,
                          double seconds) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(train(experiment, options_for(folder, true)) ? 0 : 1);
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << "the resumed run failed";
  return WIFEXITED(status);
}

TEST(Resume, ARunThatIsKilledAgainAndAgainEndsTheSame) {
  const Experiment experiment = make_experiment();
  const double seconds = uninterrupted().seconds;
  Random random(RandomKey::from_seed(11));
  for (int repetition = 0; repetition < 2; ++repetition) {
    const TestFolder folder;
    int kills = 0;
    while (kills < 4 && !finished_before_kill(experiment, folder.file("run"),
                                              seconds * random.uniform(0.15, 0.6))) {
      ++kills;
    }
    EXPECT_GE(kills, 1);
    const Result<TrainReport> resumed = train(experiment, options_for(folder.file("run"), true));
    ASSERT_TRUE(resumed) << resumed.error().text();
    expect_uninterrupted(remains_of(folder.file("run")));
  }
}

TEST(Resume, ARunThatAnotherProcessWritesIsLeftAsItIs) {
  const TestFolder folder;
  const std::string run = folder.file("run");
  ASSERT_TRUE(train(make_experiment(), options_for(run)));
  std::ofstream(run + "/metrics.jsonl", std::ios::app) << "{\"step\": 1000}\n";
  const std::string before = bytes_of_file(run + "/metrics.jsonl");
  const std::unique_ptr<Store> writer = Store::open_for_append(run + "/store.sqlite").value();
  const Result<TrainReport> second = train(make_experiment(), options_for(run, true));
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().text().find("another process"), std::string::npos);
  EXPECT_EQ(bytes_of_file(run + "/metrics.jsonl"), before);
}

TEST(Resume, AFinishedRunHasNothingLeftToDo) {
  const TestFolder folder;
  const Experiment experiment = make_experiment();
  ASSERT_TRUE(train(experiment, options_for(folder.file("run"))));
  const TrainReport again = train(experiment, options_for(folder.file("run"), true)).value();
  EXPECT_EQ(again.steps, kSteps);
  EXPECT_EQ(again.checkpoint, folder.file("run/step_000028"));
  expect_uninterrupted(remains_of(folder.file("run")));
}

// A checkpoint with a weight that is not a number: every gradient is one neither.
TEST(BadSteps, AreCountedAndStopTheRunWithTheNameOfATensor) {
  const TestFolder folder;
  const Experiment healthy = make_experiment();
  const StartingPolicy start = make_starting_policy(healthy, folder.file("policy")).value();
  for (const lm::Parameter& parameter : start.model->parameters()) {
    if (parameter.name == "model.norm.weight") parameter.tensor.detach().fill_(std::nan(""));
  }
  ASSERT_TRUE(lm::save_checkpoint(*start.model, folder.file("bad"), folder.file("policy")));
  Json document = small_experiment();
  document["policy"] = {{"from", folder.file("bad")}, {"new_tokens_max", 4}};
  document["bad_steps_max"] = 2;
  const Experiment experiment = make_experiment(document);
  const Result<TrainReport> report = train(experiment, options_for(folder.file("run")));
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().message.find("step 2: the gradient of "), std::string::npos)
      << report.error().text();
  EXPECT_NE(report.error().message.find("model."), std::string::npos);
  const Json state = read_json(folder.file("run/step_000001/trainer.json")).value().root;
  EXPECT_EQ(state["bad_steps"], 1);
  EXPECT_EQ(state["bad_steps_total"], 1);
  EXPECT_EQ(bytes_of_file(folder.file("run/step_000001/hf/model.safetensors")),
            bytes_of_file(folder.file("bad/model.safetensors")));
}

TEST(DryRun, SaysTheSizesAndLeavesNoRunBehind) {
  const TestFolder folder;
  const Json sizes = dry_run(make_experiment(), folder.file("scratch"), 1).value();
  EXPECT_GT(sizes["parameters"], 1000);
  EXPECT_EQ(sizes["weights_and_optimiser_bytes"], sizes["parameters"].get<std::int64_t>() * 16);
  EXPECT_GT(sizes["imitation_tokens_per_lifecycle"], 10.0);
  EXPECT_GT(sizes["reinforcement_tokens_per_step"], 10.0);
  EXPECT_FALSE(std::filesystem::exists(folder.file("scratch/latest")));
}

}  // namespace
}  // namespace turnhalle
