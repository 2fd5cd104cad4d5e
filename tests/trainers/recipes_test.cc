// Every recipe of the folder makes a step of training on real rollouts.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>

#include "core/store_reader.h"
#include "tests/trainers/training_fixture.h"
#include "trainers/trainer.h"

namespace turnhalle {
namespace {

Json experiment_with(const Json& recipe) {
  Json document = small_experiment();
  document["warm_start"]["steps"] = 2;
  document["reinforcement"]["recipe"] = recipe;
  document["reinforcement"]["steps"] = 2;
  document["reinforcement"]["placeholder"] = " ";
  document["evaluation"]["lifecycles"] = 1;
  return document;
}

class EveryRecipe : public testing::TestWithParam<std::string> {};

TEST_P(EveryRecipe, TrainsOnRollouts) {
  const TestFolder folder;
  const Experiment experiment = make_experiment(experiment_with(GetParam()));
  TrainOptions options;
  options.folder = folder.file("run");
  const Result<TrainReport> report = train(experiment, options);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->steps, 4);
}

std::vector<std::string> recipe_names() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(source_file("scenarios/recipes"))) {
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}
INSTANTIATE_TEST_SUITE_P(Folder, EveryRecipe, testing::ValuesIn(recipe_names()),
                         [](const auto& test) { return test.param; });

TEST(Credit, OfRecordedRolloutsIsWrittenTurnByTurn) {
  const TestFolder folder;
  Json document = experiment_with("infopo");
  document["scenario"] = source_file("scenarios/intention_gym_compact.json");
  document["reinforcement"]["placeholder"] = "No information found.";
  document["reinforcement"]["recorded"] = 2;
  TrainOptions options;
  options.folder = folder.file("run");
  const Result<TrainReport> report = train(make_experiment(document), options);
  ASSERT_TRUE(report) << report.error().text();
  std::istringstream lines(bytes_of_file(folder.file("run/credit.jsonl")));
  std::map<std::int64_t, double> gains;  // of rollout 0, by turn
  int count = 0;
  for (std::string text; std::getline(lines, text); ++count) {
    const Json line = Json::parse(text);
    EXPECT_EQ(line["step"], 3);  // the first of reinforcement; the next is not evaluated
    EXPECT_LT(line["rollout"], 2);
    EXPECT_TRUE(line["advantage"].is_number()) << text;
    // The first turn of an episode has no feedback before it, the last none after it.
    EXPECT_EQ(line["logp_masked"].is_null(), line["turn"] == 0) << text;
    if (line["rollout"] == 0 && line["information_gain"].is_number()) {
      gains[line["turn"]] = line["information_gain"];
    }
    // A turn's gain is the difference of the next turn's log-probs.
    if (line["rollout"] == 0 && line["turn"] > 0) {
      const double difference =
          line["logp"].get<double>() - line["logp_masked"].get<double>();
      EXPECT_NEAR(gains.at(line["turn"].get<std::int64_t>() - 1), difference, 1e-9);
    }
  }
  EXPECT_GT(count, 4);
  const Result<StoreReader> store = StoreReader::open(folder.file("run/store.sqlite"));
  ASSERT_TRUE(store) << store.error().text();
  const auto is_rollout = [](const StoredRun& run) {
    return run.info.id.starts_with("rollout-3-");
  };
  EXPECT_EQ(std::count_if(store->runs().begin(), store->runs().end(), is_rollout), 2);
}

TEST(Placeholder, ThatTheVocabularyCannotSpellIsAnError) {
  const TestFolder folder;
  Json document = experiment_with("infopo");
  document["reinforcement"]["placeholder"] = "";
  TrainOptions options;
  options.folder = folder.file("run");
  const Result<TrainReport> report = train(make_experiment(document), options);
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().text().find("/reinforcement/placeholder"), std::string::npos)
      << report.error().text();
}

// Tasks that no rollout solves have equal rewards: the filter takes their groups out.
TEST(Refill, PlaysOtherGroupsForThoseThatTheFilterTakesOut) {
  Json document = experiment_with("dapo");
  document["scenario"] = source_file("scenarios/guess_number_compact.json");
  document["warm_start"]["steps"] = 20;
  document["reinforcement"]["steps"] = 1;
  document["reinforcement"]["groups_per_step"] = 6;
  document["reinforcement"]["group_size"] = 2;
  const auto tokens_of_step = [&](int rounds) {
    const TestFolder folder;
    document["reinforcement"]["refill_rounds"] = rounds;
    TrainOptions options;
    options.folder = folder.file("run");
    const Result<TrainReport> report = train(make_experiment(document), options);
    EXPECT_TRUE(report) << report.error().text();
    const std::string metrics = bytes_of_file(folder.file("run/metrics.jsonl"));
    const std::size_t last = metrics.rfind('\n', metrics.size() - 2);
    return Json::parse(metrics.substr(last + 1));
  };
  const Json once = tokens_of_step(0);
  const Json refilled = tokens_of_step(20);
  EXPECT_LT(once["algo/groups"], 6.0) << once.dump();
  EXPECT_GT(once["algo/rows_left_out"], 0.0) << once.dump();
  EXPECT_EQ(refilled["algo/groups"], 6.0) << refilled.dump();
  EXPECT_EQ(refilled["algo/rows_left_out"], 0.0) << refilled.dump();
}

}  // namespace
}  // namespace turnhalle
