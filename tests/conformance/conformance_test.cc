// Every scenario of scenarios/ passes the list of core/env_check.h, every environment has the ten
// words of its header, every scenario has a golden playthrough. Generated from the folders and the
// registry: a new environment needs no line here.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "core/env_check.h"
#include "core/playthrough.h"
#include "core/text.h"
#include "envs/all.h"
#include "envs/task_sequence.h"

namespace turnhalle {
namespace {

const std::filesystem::path kRoot = TURNHALLE_SOURCE_DIR;

std::vector<std::string> scenario_names() {
  std::vector<std::string> names;
  for (const auto& item : std::filesystem::directory_iterator(kRoot / "scenarios")) {
    if (item.path().extension() == ".json") {
      names.push_back(item.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

const EnvironmentRegistry& registry() {
  static const EnvironmentRegistry all = all_environments();
  return all;
}

Scenario scenario_named(const std::string& name) {
  return read_scenario((kRoot / "scenarios" / (name + ".json")).string(), registry()).value();
}

class EveryScenario : public testing::TestWithParam<std::string> {};

TEST_P(EveryScenario, PassesTheListOfChecks) {
  const Scenario scenario = scenario_named(GetParam());
  for (const CheckLine& line : check_environment(scenario, registry(), make_lifecycle)) {
    EXPECT_TRUE(line.passed) << line.name << ": " << line.detail;
  }
}

TEST_P(EveryScenario, PlaysAsItsGoldenFileSays) {
  const Scenario scenario = scenario_named(GetParam());
  const std::string file = "tests/golden/" + GetParam() + ".txt";
  const Result<std::string> expected = read_file((kRoot / file).string());
  ASSERT_TRUE(expected) << expected.error().text() << "; write it with: turnhalle golden --update "
                        << GetParam();
  const Result<std::string> found = write_playthrough(scenario, {}, make_lifecycle);
  ASSERT_TRUE(found) << found.error().text();
  const auto difference = first_difference(*expected, *found);
  EXPECT_FALSE(difference) << describe(file, *difference);
}

INSTANTIATE_TEST_SUITE_P(Scenarios, EveryScenario, testing::ValuesIn(scenario_names()),
                         [](const auto& item) { return item.param; });

class EveryEnvironment : public testing::TestWithParam<std::string> {};

// In envs/, or in a family's folder there.
std::filesystem::path header_of(const std::string& environment) {
  const std::filesystem::path root = kRoot / "envs";
  for (const auto& item : std::filesystem::recursive_directory_iterator(root)) {
    if (item.path().filename() == environment + ".h") return item.path();
  }
  return root / (environment + ".h");
}

TEST_P(EveryEnvironment, SaysTheTenWordsInItsHeader) {
  constexpr std::array<std::string_view, 10> kWords = {"Rules",  "Hidden", "Action",  "Observe",
                                                       "Reward", "Ends",   "Options", "Expert",
                                                       "Source", "Differs"};
  const Result<std::string> header = read_file(header_of(GetParam()).string());
  ASSERT_TRUE(header) << header.error().text();
  std::size_t from = 0;
  for (const std::string_view word : kWords) {
    const std::size_t place = header->find("\n// " + std::string(word) + " ", from);
    EXPECT_NE(place, std::string::npos) << word << " is missing or out of order";
    from = place == std::string::npos ? from : place;
  }
}

TEST_P(EveryEnvironment, HasAScenarioAndARowInTheReadme) {
  const std::vector<std::string> names = scenario_names();
  EXPECT_TRUE(std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return scenario_named(name).environment == GetParam();
  }));
  const Result<std::string> readme = read_file((kRoot / "envs/README.md").string());
  ASSERT_TRUE(readme) << readme.error().text();
  EXPECT_NE(readme->find("| `" + GetParam() + "`"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Environments, EveryEnvironment, testing::ValuesIn(registry().names()),
                         [](const auto& item) { return item.param; });

}  // namespace
}  // namespace turnhalle
