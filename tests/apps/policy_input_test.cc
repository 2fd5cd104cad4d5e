// Training and policies through the program: what is bad input (exit code 2) and what is a failure
// of the run (exit code 1).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "core/file.h"
#include "tests/apps/program.h"

namespace turnhalle {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

// A policy of a few thousand weights and one step of imitation.
Json tiny_experiment() {
  return {{"kind", "experiment"},
          {"version", 1},
          {"scenario",
           TURNHALLE_SOURCE_DIR "/scenarios/frozen_lake_obscure_easy_compact.json"},
          {"policy",
           {{"hidden_size", 16},
            {"num_hidden_layers", 1},
            {"num_attention_heads", 2},
            {"intermediate_size", 32},
            {"max_position_embeddings", 512},
            {"new_tokens_max", 4}}},
          {"warm_start", {{"steps", 1}, {"lifecycles_per_step", 1}, {"learning_rate", 0.001}}},
          {"evaluation", {{"lifecycles", 1}, {"every", 1}, {"recorded", 1}}}};
}

// The same, from a checkpoint.
Json from(const std::string& checkpoint) {
  Json experiment = tiny_experiment();
  experiment["policy"] = {{"from", checkpoint}, {"new_tokens_max", 4}};
  return experiment;
}

// Trained once for all tests of this file.
class Policy : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new ScratchFolder;
    const std::string experiment = folder_->write("tiny.json", tiny_experiment().dump(1));
    const ProgramResult result = turnhalle_program("train " + experiment + " --run " +
                                                   folder_->file("run") + " --json --threads 1");
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.json()["steps"], 1);
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }

  static std::string train(const std::string& run, const std::string& more) {
    return "train " + folder_->file("tiny.json") + " --threads 1 --run " + run + " " + more;
  }
  // A copy of the checkpoint, to be damaged.
  std::string copy() const {
    const std::string to = scratch_.file("hf");
    fs::copy(folder_->file("run/step_000001/hf"), to, fs::copy_options::recursive);
    return to;
  }
  static void expect_refused(const std::string& words,
                             const testing::Matcher<std::string>& message) {
    const ProgramResult result = turnhalle_program(words);
    EXPECT_EQ(result.code, 2) << words << "\n" << result.err;
    EXPECT_EQ(result.out, "") << words;
    EXPECT_THAT(result.error(), message) << words << "\n" << result.err;
  }
  void expect_policy_refused(const std::string& checkpoint,
                             const testing::Matcher<std::string>& message) const {
    const std::string store = scratch_.file("store.sqlite");
    expect_refused("run scenarios/frozen_lake_obscure_easy_compact.json --lifecycles 1 --agent "
                   "policy:" + checkpoint + " --store " + store, message);
    EXPECT_FALSE(fs::exists(store)) << "with exit code 2 nothing is written";
  }
  static Json read_object(const std::string& path) { return read_json(path)->root; }
  static void write_object(const std::string& path, const Json& object) {
    ASSERT_TRUE(write_file(path, object.dump()).ok());
  }

  static ScratchFolder* folder_;
  ScratchFolder scratch_;
};
ScratchFolder* Policy::folder_ = nullptr;

TEST_F(Policy, WithADamagedSafetensorsHeaderIsRefused) {
  const std::string checkpoint = copy();
  const std::string weights = checkpoint + "/model.safetensors";
  std::fstream file(weights, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(8);  // the header's text begins after its length
  file.put('[');
  file.close();
  expect_policy_refused(checkpoint, HasSubstr(weights));
  std::ofstream(weights, std::ios::binary) << "\xff\xff\xff\xff\xff\xff\xff\xff{}";
  expect_policy_refused(checkpoint, HasSubstr(weights));
}

TEST_F(Policy, WithATokenizerOfAnotherVocabularyIsRefused) {
  const std::string checkpoint = copy();
  const std::string path = checkpoint + "/tokenizer.json";
  Json tokenizer = read_object(path);
  Json& vocabulary = tokenizer["model"]["vocab"];
  const std::size_t size = vocabulary.size();
  for (std::size_t i = 0; i < 100; ++i) {
    vocabulary["another" + std::to_string(i)] = size + 1000 + i;
  }
  write_object(path, tokenizer);
  expect_policy_refused(checkpoint, AllOf(HasSubstr("expected"), HasSubstr("found")));
}

TEST_F(Policy, OfAnotherShapeThanItsConfigurationIsRefused) {
  const std::string checkpoint = copy();
  Json config = read_object(checkpoint + "/config.json");
  config["intermediate_size"] = 48;
  write_object(checkpoint + "/config.json", config);
  expect_policy_refused(checkpoint, AllOf(HasSubstr("expected"), HasSubstr("48"),
                                          HasSubstr("found"), HasSubstr("32")));
}

TEST_F(Policy, RunFolderOfAnotherExperimentIsRefused) {
  expect_refused(train(folder_->file("run"), "--resume --set /seed=9"),
                 AllOf(HasSubstr(folder_->file("run")), HasSubstr("another experiment")));
  expect_refused(train(folder_->file("run"), ""), HasSubstr("--resume"));
}

TEST_F(Policy, BadInputOfATrainingLeavesNoFolder) {
  const std::string checkpoint = copy();
  ASSERT_TRUE(write_file(checkpoint + "/model.safetensors", "short").ok());
  const std::string run = scratch_.file("run");
  const std::string experiment = scratch_.write("from.json", from(checkpoint).dump());
  expect_refused("train " + experiment + " --run " + run, HasSubstr("model.safetensors"));
  EXPECT_FALSE(fs::exists(run)) << "with exit code 2 nothing is written";
}

// Weights whose squares are no floats: the first gradient is not finite.
TEST_F(Policy, TrainingThatIsNotFiniteAnyMoreFails) {
  const std::string checkpoint = copy();
  const std::string weights = checkpoint + "/model.safetensors";
  std::string bytes = read_file(weights).value();
  const auto header = static_cast<unsigned char>(bytes[0]) +
                      256U * static_cast<unsigned char>(bytes[1]);
  for (std::size_t i = 8 + header; i + 3 < bytes.size(); i += 4) {
    bytes.replace(i, 4, std::string("\x99\x76\x96\x7e", 4));  // 1e38
  }
  ASSERT_TRUE(write_file(weights, bytes).ok());
  const std::string experiment = scratch_.write("from.json", from(checkpoint).dump());
  const std::string run = scratch_.file("run");
  const ProgramResult result = turnhalle_program(
      "train " + experiment + " --quiet --set /bad_steps_max=1 --run " + run);
  EXPECT_EQ(result.code, 1) << result.err;
  EXPECT_THAT(result.error(), AllOf(HasSubstr(run), HasSubstr("not finite"))) << result.err;
}

TEST_F(Policy, TrainingOnADiskThatFillsUpFails) {
  const std::string run = scratch_.file("run");
  const ProgramResult result =
      turnhalle_program(train(run, "--quiet --set /warm_start/steps=4000 "
                                   "--set /checkpoint_every=100000"),
                        "trap '' XFSZ; ulimit -f 1000; ");
  EXPECT_EQ(result.code, 1) << result.err;
  EXPECT_NE(result.error(), "") << result.err;
  EXPECT_TRUE(fs::exists(run + "/experiment.json")) << "the run can be resumed";
}

}  // namespace
}  // namespace turnhalle
