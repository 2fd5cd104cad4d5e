// Reading experiments: what they say, and the one line that a wrong one gets.
#include "trainers/experiment.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/trainers/training_fixture.h"

namespace turnhalle {
namespace {

std::string error_of(const Json& document, std::span<const std::string> changes = {}) {
  const TestFolder folder;
  const Result<Experiment> read = read_written(folder, document, changes);
  if (read) return "no error";
  std::string text = read.error().text();
  const std::string begin = folder.path() + "/";
  if (text.starts_with(begin)) text.erase(0, begin.size());
  return text;
}

std::string error_of_change(const std::string& change) {
  return error_of(small_experiment(), std::span(&change, 1));
}

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(Experiment, SaysWhatTheFileSays) {
  const Experiment experiment = make_experiment();
  EXPECT_EQ(experiment.name, "experiment");
  EXPECT_EQ(experiment.seed, 3U);
  EXPECT_EQ(experiment.steps(), kSteps);
  EXPECT_EQ(experiment.scenario.environment, "frozen_lake_obscure");
  EXPECT_EQ(experiment.policy.config.hidden_size, 16);
  EXPECT_EQ(experiment.policy.config.head_dim, 8);
  EXPECT_EQ(experiment.policy.config.num_key_value_heads, 2);
  EXPECT_EQ(experiment.warm_start.demonstrator, "demonstrator");
  EXPECT_EQ(experiment.reinforcement.recipe.name, "connect_the_dots_no_reweight");
  EXPECT_EQ(experiment.reinforcement.group_size, 4);
  EXPECT_EQ(experiment.checkpoint_every, 1);
  EXPECT_EQ(experiment.document["scenario_content"], experiment.scenario.document);
  EXPECT_EQ(experiment.document["recipe_content"]["name"], "connect_the_dots_no_reweight");
}

TEST(Experiment, ThatExtendsAnotherHasItsKeysWithOwnOnesPutOver) {
  const TestFolder folder;
  Json base = small_experiment();
  base["scenario"] = std::filesystem::relative(
      source_file("scenarios/frozen_lake_obscure_easy_compact.json"), folder.file("below"));
  std::filesystem::create_directories(folder.file("below"));
  ASSERT_TRUE(write_file(folder.file("below/base.json"), base.dump()));
  const Json document = {{"kind", "experiment"},
                         {"version", 1},
                         {"extends", "below/base.json"},
                         {"reinforcement", {{"recipe", "grpo"}, {"group_size", 16}}}};
  const Result<Experiment> read = read_written(folder, document);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->reinforcement.recipe.name, "grpo");
  EXPECT_EQ(read->reinforcement.group_size, 16);
  EXPECT_EQ(read->reinforcement.steps, 4);  // the base's
  EXPECT_EQ(read->scenario.name, "frozen_lake_obscure_easy_compact");
  EXPECT_FALSE(read->document.contains("extends"));
}

TEST(Experiment, ThatExtendsAnotherTellsPlacesOfItsOwnFile) {
  const TestFolder folder;
  ASSERT_TRUE(write_file(folder.file("base.json"), small_experiment().dump()));
  const Result<Experiment> wrong = read_written(
      folder, {{"kind", "experiment"},
               {"version", 1},
               {"extends", "base.json"},
               {"reinforcement", {{"groop_size", 16}}}});
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().text().find("experiment.json:"), std::string::npos);
  EXPECT_NE(wrong.error().text().find("/reinforcement/groop_size"), std::string::npos)
      << wrong.error().text();
  const Result<Experiment> endless = read_written(
      folder, {{"kind", "experiment"}, {"version", 1}, {"extends", "experiment.json"}});
  ASSERT_FALSE(endless);
  EXPECT_NE(endless.error().text().find("/extends"), std::string::npos) << endless.error().text();
}

TEST(Experiment, TheShippedOnesAreRead) {
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           source_file("scenarios/experiments"))) {
    if (!entry.is_regular_file()) continue;
    const Result<Experiment> read = read_experiment(entry.path().string(), {}, environments(),
                                                    {source_file("scenarios/recipes")});
    EXPECT_TRUE(read) << read.error().text();
    ++count;
  }
  EXPECT_GE(count, 14);
}

TEST(Experiment, ChangesAreAppliedBeforeReading) {
  const TestFolder folder;
  const std::vector<std::string> changes = {"/seed=9", "/warm_start/demonstrator=expert",
                                            "/reinforcement/recipe=grpo"};
  const Experiment experiment = read_written(folder, small_experiment(), changes).value();
  EXPECT_EQ(experiment.seed, 9U);
  EXPECT_EQ(experiment.warm_start.demonstrator, "expert");
  EXPECT_EQ(experiment.reinforcement.recipe.name, "grpo");
  EXPECT_EQ(experiment.document["seed"], 9);
}

TEST(Experiment, ARecipeMayBeWrittenInline) {
  Json document = small_experiment();
  document["reinforcement"]["recipe"] =
      read_json(source_file("scenarios/recipes/grpo.json")).value().root;
  EXPECT_TRUE(make_experiment(document).reinforcement.recipe.needs_group());
}

TEST(ExperimentError, AnUnknownKeySuggestsTheNearest) {
  Json document = small_experiment();
  document["reinforcement"]["group_sise"] = 4;
  expect_contains(error_of(document), "/reinforcement");
  expect_contains(error_of(document), "Did you mean \"group_size\"?");
}

TEST(ExperimentError, WrongTypesAndRangesNameTheirPlace) {
  Json document = small_experiment();
  document["seed"] = "three";
  expect_contains(error_of(document), " /seed: expected an integer");
  document = small_experiment();
  document["warm_start"]["learning_rate"] = 11;
  expect_contains(error_of(document), " /warm_start/learning_rate: expected a number from 0 to 10");
  document = small_experiment();
  document.erase("policy");
  expect_contains(error_of(document), "policy");
}

TEST(ExperimentError, AGroupRecipeNeedsGroups) {
  Json document = small_experiment();
  document["reinforcement"]["group_size"] = 1;
  const std::string error = error_of(document);
  expect_contains(error, " /reinforcement/group_size: expected at least 2, because recipe "
                         "connect_the_dots_no_reweight compares the rollouts of a group; found 1");
}

TEST(ExperimentError, ADemonstratorMustBeShipped) {
  Json document = small_experiment();
  document["warm_start"]["demonstrator"] = "grandmaster";
  expect_contains(error_of(document),
                  " /warm_start/demonstrator: expected a player that frozen_lake_obscure ships");
}

TEST(ExperimentError, AnUnknownRecipeIsNamed) {
  Json document = small_experiment();
  document["reinforcement"]["recipe"] = "connect_the_dotz";
  expect_contains(error_of(document), "connect_the_dotz");
  expect_contains(error_of(document), "Did you mean \"connect_the_dots\"?");
  document["reinforcement"].erase("recipe");
  expect_contains(error_of(document), "/reinforcement/recipe: expected the name of a recipe");
}

TEST(ExperimentError, HeadsMustDivideTheHiddenSize) {
  Json document = small_experiment();
  document["policy"]["num_attention_heads"] = 3;
  expect_contains(error_of(document), "/policy/hidden_size");
}

TEST(ExperimentError, AnUnknownShapeOfModelSuggestsTheNearest) {
  Json document = small_experiment();
  document["policy"]["model_type"] = "qwen4";
  expect_contains(error_of(document), "/policy/model_type");
  expect_contains(error_of(document), "Did you mean \"qwen2\"?");
}

TEST(ExperimentError, AMissingScenarioIsNamed) {
  Json document = small_experiment();
  document["scenario"] = "nowhere.json";
  expect_contains(error_of(document), "nowhere.json");
}

TEST(ExperimentError, AChangeNeedsAPointerIntoTheExperiment) {
  expect_contains(error_of_change("seed=9"), "--set seed=9: expected /pointer=value");
  expect_contains(error_of_change("/seed"), "expected /pointer=value");
  expect_contains(error_of_change("/reinforcment/steps=3"),
                  "expected a pointer into an object of the experiment");
  expect_contains(error_of_change("/seed/deeper=3"), "expected a pointer into an object");
  expect_contains(error_of_change("/sead=3"), "Did you mean \"seed\"?");
}

// "~" starts an escape in JSON pointers (RFC 6901): ~0 and ~1 are the only ones.
TEST(ExperimentError, AChangeWithABrokenPointerIsAnErrorAndNoException) {
  expect_contains(error_of_change("/policy/a~2b=1"), "--set /policy/a~2b=1");
  expect_contains(error_of_change("/policy~=1"), "--set /policy~=1");
}

TEST(Schedule, WarmsUpStaysAndDecaysToZero) {
  Schedule schedule;
  schedule.peak = 2.0;
  schedule.warmup_steps = 4;
  schedule.decay_from = 0.5;
  EXPECT_DOUBLE_EQ(schedule.at(0, 20), 0.5);
  EXPECT_DOUBLE_EQ(schedule.at(3, 20), 2.0);
  EXPECT_DOUBLE_EQ(schedule.at(9, 20), 2.0);
  EXPECT_DOUBLE_EQ(schedule.at(15, 20), 1.0);
  EXPECT_DOUBLE_EQ(schedule.at(19, 20), 0.2);
  schedule.decay_from = 1.0;
  EXPECT_DOUBLE_EQ(schedule.at(19, 20), 2.0);
}

TEST(ExperimentSchema, NamesEveryKeyOfASmallExperiment) {
  const Json schema = experiment_schema();
  const Json document = small_experiment();
  for (const auto& [key, value] : document.items()) {
    ASSERT_TRUE(schema["properties"].contains(key)) << key;
    if (!value.is_object()) continue;
    for (const auto& [inner, unused] : value.items()) {
      EXPECT_TRUE(schema["properties"][key]["properties"].contains(inner)) << key << "/" << inner;
    }
  }
}

}  // namespace
}  // namespace turnhalle
