// What `turnhalle check` says of packs, and the worked example of the readme.
#include "envs/tool_api/lint.h"

#include <gtest/gtest.h>

#include <string>

#include "core/env_check.h"
#include "core/file.h"
#include "core/text.h"
#include "envs/all.h"
#include "envs/task_sequence.h"
#include "tests/envs/tool_api/packs.h"

namespace turnhalle::tool_api {
namespace {

Pack pack_of(const std::string& text) {
  const Result<Pack> pack = pack_from(*parse_json(text, "api.json"));
  EXPECT_TRUE(pack) << (pack ? "" : pack.error().text());
  return *pack;
}

class EveryPackFile : public testing::TestWithParam<std::string> {};

TEST_P(EveryPackFile, IsCheckedWithoutErrors) {
  const PackReport report = check_pack(pack_of(std::string(pack_text(GetParam()))));
  EXPECT_EQ(turnhalle::join(report.errors, "\n"), "");
  for (const std::string& warning : report.warnings) {
    EXPECT_EQ(warning.find("is never drawn"), std::string::npos) << warning;
  }
}

TEST_P(EveryPackFile, HasAScenarioThatConforms) {
  const std::string file =
      TURNHALLE_SOURCE_DIR "/scenarios/tool_api/" + GetParam() + ".json";
  const Result<Scenario> scenario = read_scenario(file, all_environments());
  ASSERT_TRUE(scenario) << scenario.error().text();
  EnvironmentCheckOptions options;
  options.lifecycles = 1;
  options.scored_lifecycles = 20;
  options.episodes_before = 40;
  for (const CheckLine& line :
       check_environment(*scenario, all_environments(), make_lifecycle, options)) {
    EXPECT_TRUE(line.passed) << line.name << ": " << line.detail;
  }
}

INSTANTIATE_TEST_SUITE_P(ToolApi, EveryPackFile, testing::ValuesIn(pack_names()),
                         [](const auto& item) { return item.param; });

TEST(Readme, HoldsAnApiThatWorks) {
  const std::string readme =
      read_file(TURNHALLE_SOURCE_DIR "/envs/tool_api/README.md").value();
  const std::size_t begin = readme.find("```json\n") + 8;
  const std::string text = readme.substr(begin, readme.find("\n```", begin) - begin);
  const PackReport report = check_pack(pack_of(text));
  EXPECT_EQ(turnhalle::join(report.errors, "\n"), "");
  EXPECT_EQ(turnhalle::join(report.warnings, "\n"), "");
  const auto family = family_of("{\"api\": " + text + ", \"variants\": [\"missing_function\"]}");
  for (std::uint64_t number = 0; number < 30; ++number) {
    EXPECT_EQ(played_by(*family, "expert", task_number(number)), 1.0);
    EXPECT_EQ(played_by(*family, "nothing", task_number(number)), 0.0);
  }
}

const char* const kCounter = R"json({
  "kind": "api", "version": 1, "name": "counter", "state": {"n": "int"}, "initial_state": {"n": 0},
  "tools": [
    {"name": "add", "kind": "WRITE", "description": "Adds.",
     "params": [{"name": "k", "type": "int"}],
     "pre": [{"that": "k >= 0", "error": "Negative.", "code": "negative"},
             {"that": "1 < 2", "error": "Never.", "code": "never"}],
     "effects": [{"inc": "state.n", "by": "k"}], "returns": "{n: state.n}"},
    {"name": "unused", "kind": "READ", "description": "Nothing.", "returns": "{n: state.n}"}],
  "tasks": [
    {"id": "good", "turns": [{"say": "Add 2.", "gold": [{"tool": "add", "args": {"k": 2}}]}]},
    {"id": "refused", "turns": [{"say": "Add -2.", "gold": [{"tool": "add", "args": {"k": -2}}]}]},
    {"id": "idle", "turns": [{"say": "Hello."}]},
    {"id": "wrong", "turns": [{"say": "Add 1.", "gold": [{"tool": "add", "args": {"k": 1}}],
                               "assert": ["state.n == 2"]}]},
    {"id": "told", "turns": [{"say": "Add 1.", "gold": [{"tool": "add", "args": {"k": 1}}],
                              "communicate": ["secret"], "forbid": ["secret"]}]}]})json";

TEST(Lint, FindsWhatIsWrongWithAPack) {
  const PackReport report = check_pack(pack_of(kCounter));
  const std::string errors = turnhalle::join(report.errors, "\n");
  EXPECT_EQ(report.errors.size(), 4U) << errors;
  EXPECT_NE(errors.find("task \"refused\": the gold call of add in turn 1 is refused"),
            std::string::npos)
      << errors;
  EXPECT_NE(errors.find("task \"idle\" is solved by doing nothing"), std::string::npos) << errors;
  EXPECT_NE(errors.find("task \"wrong\": an assertion does not hold"), std::string::npos) << errors;
  EXPECT_NE(errors.find("task \"told\" is not solved by its gold calls: turn 1 (forbidden)"),
            std::string::npos)
      << errors;
  const std::string warnings = turnhalle::join(report.warnings, "\n");
  EXPECT_NE(warnings.find("tools that no task calls: unused"), std::string::npos) << warnings;
  EXPECT_NE(warnings.find("the error \"never\" of add"), std::string::npos) << warnings;
}

}  // namespace
}  // namespace turnhalle::tool_api
