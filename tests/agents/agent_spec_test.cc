// Names of agents: what they mean, and the one line that a wrong one gets.
#include "agents/agent_spec.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/file.h"
#include "core/world.h"
#include "envs/all.h"
#include "envs/task_sequence.h"

namespace turnhalle {
namespace {

std::string error_of(std::string_view text) {
  const Result<AgentSpec> spec = parse_agent(text);
  return spec ? "no error" : spec.error().text();
}

const Scenario& guessing() {
  static const EnvironmentRegistry registry = all_environments();
  static const Scenario scenario =
      read_scenario(std::string(TURNHALLE_SOURCE_DIR) + "/scenarios/guess_number.json", registry)
          .value();
  return scenario;
}

TEST(AgentSpec, APlainNameHasNothingElse) {
  const AgentSpec spec = parse_agent("random").value();
  EXPECT_EQ(spec.text, "random");
  EXPECT_EQ(spec.name, "random");
  EXPECT_TRUE(spec.argument.empty());
  EXPECT_TRUE(spec.options.empty());
  EXPECT_EQ(spec.delay.ns, 0);
  EXPECT_TRUE(spec.faults.empty());
}

TEST(AgentSpec, ReadsArgumentOptionsAndDecorators) {
  const AgentSpec spec =
      parse_agent("policy:runs/a:b@temperature=0.7@x=1+delay:250ms+delay:2s+fault:timeout@0.1"
                  "+fault:empty@1")
          .value();
  EXPECT_EQ(spec.name, "policy");
  EXPECT_EQ(spec.argument, "runs/a:b");
  EXPECT_EQ(spec.options.at("temperature"), "0.7");
  EXPECT_EQ(spec.options.at("x"), "1");
  EXPECT_EQ(spec.delay, milliseconds(2250));
  ASSERT_EQ(spec.faults.size(), 2U);
  EXPECT_EQ(spec.faults[0].kind, AgentFault::timeout);
  EXPECT_EQ(spec.faults[0].rate, 0.1);
  EXPECT_EQ(spec.faults[1].kind, AgentFault::empty);
}

TEST(AgentSpec, AnUnknownNameSuggestsTheNearest) {
  EXPECT_EQ(error_of("randon"),
            "--agent randon: expected an agent (see turnhalle list agents); found \"randon\". "
            "Did you mean \"random\"?");
  EXPECT_EQ(error_of(""),
            "--agent : expected an agent (see turnhalle list agents); found \"\"");
}

TEST(AgentSpec, SomeNamesNeedAnArgument) {
  EXPECT_EQ(error_of("policy"), "--agent policy: expected policy:PATH; found \"policy\"");
  EXPECT_EQ(error_of("script:"), "--agent script:: expected script:PATH; found \"script\"");
}

TEST(AgentSpec, WrongPartsAreNamed) {
  EXPECT_EQ(error_of("policy:x@hot"),
            "--agent policy:x@hot: expected an option key=value after @; found \"hot\"");
  for (const std::string span : {"", "5", "ms", "-1s", "nans", "1e30s", "5 ms"}) {
    EXPECT_NE(error_of("random+delay:" + span).find("expected a delay such as 250ms or 2s"),
              std::string::npos)
        << span;
  }
  for (const std::string fault : {"", "error", "error@", "error@1.1", "error@-0.1", "crash@0.1"}) {
    EXPECT_NE(error_of("random+fault:" + fault).find("expected a fault such as timeout@0.1"),
              std::string::npos)
        << fault;
  }
  EXPECT_NE(error_of("random+delai:1s").find("Did you mean \"delay\"?"), std::string::npos);
  EXPECT_NE(error_of("random+").find("expected a decorator"), std::string::npos);
}

TEST(AgentFactory, APlayerMustBeShippedByTheEnvironment) {
  EXPECT_TRUE(make_agent_factory(parse_agent("expert").value(), guessing()));
  const auto refused =
      make_agent_factory(parse_agent("demonstrator_of_nothing").value(), guessing());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("expected a player that guess_number ships"),
            std::string::npos);
}

TEST(AgentFactory, AScriptIsReadFromItsFile) {
  const std::string path = testing::TempDir() + "turnhalle_script.json";
  ASSERT_TRUE(write_file(path, R"({"kind": "script", "version": 1, "replies": ["1", "2"]})"));
  EXPECT_TRUE(make_agent_factory(parse_agent("script:" + path).value(), guessing()));
  ASSERT_TRUE(write_file(path, R"({"kind": "script", "version": 1, "replys": ["1"]})"));
  const auto refused = make_agent_factory(parse_agent("script:" + path).value(), guessing());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("replies"), std::string::npos);
  std::filesystem::remove(path);
  EXPECT_FALSE(make_agent_factory(parse_agent("script:" + path).value(), guessing()));
}

TEST(AgentNames, AllBelongToAgentsThatParse) {
  for (const AgentName& name : agent_names()) {
    EXPECT_FALSE(name.summary.empty());
    EXPECT_TRUE(parse_agent(name.name) || parse_agent(name.name + ":x")) << name.name;
  }
}

}  // namespace
}  // namespace turnhalle
