// The folder of a run: whose it is, and what is read back from it.
#include <gtest/gtest.h>

#include <filesystem>

#include "agents/lm/transformer_torch.h"
#include "tests/trainers/training_fixture.h"
#include "trainers/new_policy.h"
#include "trainers/run_folder.h"
#include "trainers/trainer.h"

namespace turnhalle {
namespace {

namespace fs = std::filesystem;

// A folder with one checkpoint of fresh weights.
struct TrainedRun {
  explicit TrainedRun(const TestFolder& folder)
      : experiment(make_experiment()),
        start(make_starting_policy(experiment, folder.file("policy")).value()),
        learner(Learner::make(start.model, {})),
        path(folder.file("run")) {}

  RunFolder open(bool resume) const {
    return RunFolder::open(path, experiment.document, resume).value();
  }
  void keep(RunFolder& folder, const TrainerState& state) const {
    const Status written =
        folder.write_checkpoint(*start.model, *learner, start.tokenizer_folder, state);
    ASSERT_TRUE(written) << written.error().text();
  }

  Experiment experiment;
  StartingPolicy start;
  std::unique_ptr<Learner> learner;
  std::string path;
};

TEST(RunFolder, ANewOneHoldsTheExperimentAndNoCheckpoint) {
  const TestFolder folder;
  const TrainedRun run(folder);
  const RunFolder opened = run.open(false);
  EXPECT_EQ(read_json(run.path + "/experiment.json").value().root, run.experiment.document);
  EXPECT_FALSE(opened.latest());
  EXPECT_EQ(opened.read_state().value().step, 0);
}

TEST(RunFolder, ReadsBackTheNewestCheckpoint) {
  const TestFolder folder;
  const TrainedRun run(folder);
  RunFolder written = run.open(false);
  run.keep(written, {1, 1, 0, 0});
  run.keep(written, {2, 2, 1, 3});
  const RunFolder opened = run.open(true);
  EXPECT_EQ(opened.latest(), run.path + "/step_000002");
  const TrainerState state = opened.read_state().value();
  EXPECT_EQ(state.step, 2);
  EXPECT_EQ(state.weight_version, 2);
  EXPECT_EQ(state.bad_steps, 1);
  EXPECT_EQ(state.bad_steps_total, 3);
  EXPECT_TRUE(fs::exists(run.path + "/step_000001/hf/tokenizer.json"));
}

TEST(RunFolder, AHalfWrittenCheckpointIsNotTheNewest) {
  const TestFolder folder;
  const TrainedRun run(folder);
  RunFolder written = run.open(false);
  run.keep(written, {1, 1, 0, 0});
  fs::create_directories(run.path + "/.step_000002.partial/hf");
  ASSERT_TRUE(write_file(run.path + "/.step_000002.partial/hf/model.safetensors", "half"));
  RunFolder opened = run.open(true);
  EXPECT_EQ(opened.latest(), run.path + "/step_000001");
  run.keep(opened, {2, 2, 0, 0});
  EXPECT_FALSE(fs::exists(run.path + "/.step_000002.partial"));
  EXPECT_EQ(run.open(true).latest(), run.path + "/step_000002");
}

// The process died after the rename and before `latest` moved.
TEST(RunFolder, ACheckpointThatWasNotYetNamedIsWrittenAgain) {
  const TestFolder folder;
  const TrainedRun run(folder);
  RunFolder written = run.open(false);
  run.keep(written, {1, 1, 0, 0});
  run.keep(written, {2, 2, 0, 0});
  ASSERT_TRUE(write_file(run.path + "/latest", "step_000001\n"));
  RunFolder opened = run.open(true);
  EXPECT_EQ(opened.read_state().value().step, 1);
  run.keep(opened, {2, 2, 0, 0});
  EXPECT_EQ(run.open(true).read_state().value().step, 2);
}

TEST(RunFolder, RefusesThatOfAnotherExperiment) {
  const TestFolder folder;
  const TrainedRun run(folder);
  (void)run.open(false);
  Json other = small_experiment();
  other["seed"] = 4;
  const Result<RunFolder> refused =
      RunFolder::open(run.path, make_experiment(other).document, true);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("found one of another experiment"), std::string::npos);
}

TEST(RunFolder, RefusesOneWithOtherFiles) {
  const TestFolder folder;
  const TrainedRun run(folder);
  fs::create_directories(run.path);
  ASSERT_TRUE(write_file(run.path + "/thesis.tex", "all my work"));
  const Result<RunFolder> refused = RunFolder::open(run.path, run.experiment.document, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text(),
            run.path + ": expected a new or empty folder, or that of a run; found other files");
  EXPECT_EQ(bytes_of_file(run.path + "/thesis.tex"), "all my work");
}

TEST(RunFolder, WithoutResumeRefusesOneWithCheckpoints) {
  const TestFolder folder;
  const TrainedRun run(folder);
  RunFolder written = run.open(false);
  run.keep(written, {1, 1, 0, 0});
  const Result<RunFolder> refused = RunFolder::open(run.path, run.experiment.document, false);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("--resume"), std::string::npos);
}

TEST(RunFolder, ResumeWithoutACheckpointBeginsAtTheBeginning) {
  const TestFolder folder;
  const TrainedRun run(folder);
  (void)run.open(false);
  const RunFolder opened = run.open(true);
  EXPECT_FALSE(opened.latest());
  EXPECT_EQ(opened.read_state().value().step, 0);
}

TEST(RunFolder, EvaluationsAfterTheResumedStepAreForgotten) {
  const TestFolder folder;
  const TrainedRun run(folder);
  const RunFolder opened = run.open(false);
  EXPECT_TRUE(opened.read_evaluations(9).empty());
  ASSERT_TRUE(opened.write_evaluations({{{"step", 0}}, {{"step", 4}}, {{"step", 6}}}));
  const std::vector<Json> kept = opened.read_evaluations(4);
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[1]["step"], 4);
}

// A checkpoint that does not fit is refused with its name, and the run stays as it was.
TEST(RunFolder, AResumedRunRefusesADamagedCheckpoint) {
  const TestFolder folder;
  const TrainedRun run(folder);
  RunFolder written = run.open(false);
  run.keep(written, {1, 1, 0, 0});
  TrainOptions options;
  options.folder = run.path;
  options.resume = true;
  const std::string moments = run.path + "/step_000001/optimizer.safetensors";
  const std::string bytes = bytes_of_file(moments);
  ASSERT_TRUE(write_file(moments, bytes.substr(0, bytes.size() / 2)));
  const Result<TrainReport> refused = train(run.experiment, options);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("optimizer.safetensors"), std::string::npos);
  ASSERT_TRUE(write_file(run.path + "/step_000001/trainer.json", "{\"step\": -1}"));
  EXPECT_FALSE(train(run.experiment, options));
}

}  // namespace
}  // namespace turnhalle
