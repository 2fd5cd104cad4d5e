// Scenario files: what they say, the one line that a wrong one gets, and the seeds of runs.
#include "core/scenario.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/core/commanded_lifecycle.h"

namespace turnhalle {
namespace {

class PlainFamily final : public EnvironmentFamily {
 public:
  const EnvironmentSpec& spec() const override { return spec_; }
  ContextWords context_words() const override { return {}; }
  std::unique_ptr<Environment> make() const override {
    return std::make_unique<UnusedEnvironment>();
  }
  std::unique_ptr<Player> make_player(std::string_view) const override { return nullptr; }

 private:
  EnvironmentSpec spec_;
};

EnvironmentRegistry registry() {
  EnvironmentRegistry result;
  EnvironmentEntry entry;
  entry.name = "plain_world";
  entry.read = [](JsonObject options, PromptStyle) -> std::shared_ptr<const EnvironmentFamily> {
    options.integer("side", {1, 9}, 4);
    options.finish();
    return std::make_shared<PlainFamily>();
  };
  entry.options_schema = {{"type", "object"}};
  result.add(std::move(entry));
  return result;
}

Result<Scenario> read(const std::string& text) {
  return scenario_from(parse_json(text, "worlds/a.json").value(), registry());
}

std::string error_of(const std::string& text) {
  const Result<Scenario> scenario = read(text);
  return scenario ? "no error" : scenario.error().text();
}

TEST(Scenario, SaysWhatTheFileSays) {
  const Scenario scenario = read(R"({"kind": "scenario", "version": 1, "summary": "s",
    "environment": "plain_world", "style": "compact", "options": {"side": 5},
    "lifecycle": {"tasks": 3, "packing": "ralph_full", "update_context": false,
                  "fixed_context": true, "context_bytes_max": 99},
    "reward": {"turn_penalty": 0.25, "context_format_penalty": 0.5},
    "limits": {"reply_bytes_max": 7, "events_per_turn_max": 8, "reply_deadline_ms": 9}})")
                                .value();
  EXPECT_EQ(scenario.name, "a");
  EXPECT_EQ(scenario.environment, "plain_world");
  EXPECT_EQ(scenario.style, PromptStyle::compact);
  EXPECT_EQ(scenario.lifecycle.tasks, 3);
  EXPECT_EQ(scenario.lifecycle.packing, Packing::ralph_full);
  EXPECT_FALSE(scenario.lifecycle.update_context);
  EXPECT_TRUE(scenario.lifecycle.fixed_context);
  EXPECT_EQ(scenario.lifecycle.context_bytes_max, 99);
  EXPECT_EQ(scenario.reward.turn_penalty, 0.25);
  EXPECT_EQ(scenario.reward.context_format_penalty, 0.5);
  EXPECT_EQ(scenario.limits.reply_bytes_max, 7);
  EXPECT_EQ(scenario.limits.events_per_turn_max, 8);
  EXPECT_EQ(scenario.limits.reply_deadline, milliseconds(9));
}

TEST(Scenario, HasDefaultsForAllButTheEnvironment) {
  const Scenario scenario =
      read(R"({"kind": "scenario", "version": 1, "environment": "plain_world"})").value();
  EXPECT_EQ(scenario.style, PromptStyle::paper);
  EXPECT_EQ(scenario.lifecycle.tasks, 1);
  EXPECT_EQ(scenario.lifecycle.packing, Packing::sequence);
  EXPECT_EQ(scenario.reward.turn_penalty, 0.0);
  EXPECT_EQ(scenario.limits.reply_deadline.ns, 0);
}

TEST(Scenario, ErrorsNameThePlaceAndTheNearestName) {
  EXPECT_NE(error_of(R"({"kind": "scenario", "version": 1, "environment": "plain_word"})")
                .find("Did you mean \"plain_world\"?"),
            std::string::npos);
  const std::string unknown = error_of(
      R"({"kind": "scenario", "version": 1, "environment": "plain_world",
          "lifecycle": {"task": 1}})");
  EXPECT_TRUE(unknown.starts_with("worlds/a.json:2:")) << unknown;
  EXPECT_NE(unknown.find("/lifecycle"), std::string::npos) << unknown;
  EXPECT_NE(unknown.find("Did you mean \"tasks\"?"), std::string::npos) << unknown;
  EXPECT_NE(error_of(R"({"kind": "scenario", "version": 1, "environment": "plain_world",
                        "options": {"side": 10}})")
                .find("/options/side: expected"),
            std::string::npos);
  EXPECT_NE(error_of(R"({"kind": "scenario", "version": 2, "environment": "plain_world"})")
                .find("/version"),
            std::string::npos);
  EXPECT_NE(error_of(R"({"kind": "recipe", "version": 1, "environment": "plain_world"})")
                .find("/kind"),
            std::string::npos);
  EXPECT_NE(error_of("[]").find("expected an object"), std::string::npos);
}

TEST(Scenario, AMissingFileIsNamed) {
  const Result<Scenario> scenario = read_scenario("no/such/scenario.json", registry());
  ASSERT_FALSE(scenario);
  EXPECT_NE(scenario.error().text().find("no/such/scenario.json"), std::string::npos);
}

TEST(RunSeed, TasksDependOnSeedSplitAndLifecycleOnly) {
  const RunSeed seed{7, Split::test, 0};
  EXPECT_EQ(seed.tasks({3}), (RunSeed{7, Split::test, 5}).tasks({3}));
  std::set<RandomKey> keys;
  for (const std::uint64_t number : {7U, 8U}) {
    for (const Split split : {Split::train, Split::test}) {
      for (std::int64_t lifecycle = 0; lifecycle < 50; ++lifecycle) {
        keys.insert(RunSeed{number, split, 0}.tasks({lifecycle}));
      }
    }
  }
  EXPECT_EQ(keys.size(), 200U);
}

TEST(RunSeed, ATrialMovesTheAgentsDraws) {
  EXPECT_NE((RunSeed{7, Split::test, 0}).agent({3}), (RunSeed{7, Split::test, 1}).agent({3}));
  EXPECT_NE((RunSeed{7, Split::test, 0}).agent({3}), (RunSeed{7, Split::test, 0}).tasks({3}));
}

TEST(ScenarioSchema, ListsTheEnvironmentsAndTheirOptions) {
  const Json schema = scenario_schema(registry());
  EXPECT_EQ(schema["properties"]["environment"]["enum"], Json({"plain_world"}));
  EXPECT_EQ(schema["allOf"][0]["if"]["properties"]["environment"]["const"], "plain_world");
  EXPECT_FALSE(schema["additionalProperties"].get<bool>());
}

}  // namespace
}  // namespace turnhalle
