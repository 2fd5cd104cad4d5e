// Axes of personas that a gym has a part in: mistakes, tangents, early goodbyes, role labels.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agents/users/asides.h"
#include "core/text.h"
#include "envs/user_gyms/colbench_gym.h"
#include "envs/user_gyms/intention_gym.h"
#include "envs/user_gyms/telepathy_gym.h"
#include "envs/user_gyms/travel_gym.h"
#include "tests/envs/user_gyms/play_gym.h"

namespace turnhalle::user_gyms {
namespace {

std::shared_ptr<const EnvironmentFamily> gym_with(const EnvironmentEntry& entry,
                                                  const std::string& axes,
                                                  const std::string& more = "") {
  return read_options(entry, "{\"persona\":{" + axes + "}" + more + "}", PromptStyle::paper)
      .value();
}

const std::string kMistaken = R"("mistakes":{"chance":1,"corrects_after":4})";

TEST(PersonaAxes, AMistakeIsPutRightBeforeAnAnswerIsJudged) {
  const auto game = gym_with(colbench::entry(), kMistaken)->make();
  for (std::uint64_t i = 0; i < 20; ++i) {
    game->reset(task_of(i));
    const std::string right =
        "The base: " + shortest(game->hidden_state()["facts"]["base"].get<double>()) + ".";
    const std::string said = say(*game, "[action] What is the base?").observation;
    EXPECT_EQ(said.find(right), std::string::npos) << said;
    EXPECT_TRUE(said.starts_with("The base: ")) << said;
    const StepResult held_back = say(*game, "[answer] x");
    EXPECT_EQ(held_back.outcome, Outcome::running);
    EXPECT_TRUE(
        held_back.observation.starts_with("I was wrong about the base: it is " + right.substr(10)))
        << held_back.observation;
    EXPECT_EQ(say(*game, "[answer] x").outcome, Outcome::done);
  }
}

TEST(PersonaAxes, AMistakeIsPutRightBeforeTheUserEndsTheTalk) {
  const auto game = gym_with(intention::entry(), kMistaken, ",\"missing\":1")->make();
  for (std::uint64_t i = 0; i < 20; ++i) {
    game->reset(task_of(i));
    const Json state = game->hidden_state()["missing"];
    const std::string name = state.begin().key();
    const std::string value = state.begin()->at("value").get<std::string>();
    const StepResult result = say(*game, "[action] Which " + name + "?");
    EXPECT_EQ(result.reward, 1.0);
    EXPECT_EQ(result.outcome, Outcome::done);
    EXPECT_TRUE(result.observation.starts_with("The " + name + ": "));
    EXPECT_NE(result.observation.find("I was wrong about the " + name + ": it is " + value + "."),
              std::string::npos)
        << result.observation;
  }
}

TEST(PersonaAxes, TheReplyThatNamesATangentAnswersIt) {
  const std::string axes = R"("tangents":{"chance":1,"complains":1})";
  const auto game = gym_with(telepathy::entry(), axes)->make();
  for (const bool polite : {false, true}) {
    game->reset(task_of(1));
    const std::string first = say(*game, "[action] Is it alive?").observation;
    std::string reply = "[action] Is it an animal? ";
    for (const std::string_view subject : users::kSubjects) {
      if (polite && first.find(subject) != std::string::npos) reply += subject;
    }
    const std::string second = say(*game, reply).observation;
    EXPECT_EQ(second.find("You did not say anything about") == std::string::npos, polite) << second;
  }
}

TEST(PersonaAxes, NobodyLeavesEarlyWhereAskingIsWhatCounts) {
  const std::string axes = R"("leaves_early":1)";
  for (const std::string reward : {"coverage", "delivery"}) {
    const auto game =
        gym_with(intention::entry(), axes, ",\"missing\":4,\"reward\":\"" + reward + "\"")->make();
    game->reset(task_of(2));
    const std::string name = game->hidden_state()["missing"].begin().key();
    const std::string text = say(*game, "[action] Which " + name + "?").observation;
    EXPECT_EQ(text.find("I have to go.") != std::string::npos, reward == "delivery") << text;
  }
}

TEST(PersonaAxes, LabelsStandBeforeWhatTheUserSaysOnly) {
  const auto game = gym_with(travel::entry(), R"("protocol":{"role_label":"tag"})")->make();
  game->reset(task_of(3));
  EXPECT_TRUE(
      say(*game, "[action] Hello?").observation.starts_with("<user> No information found."));
  EXPECT_TRUE(say(*game, "[search] nothing").observation.starts_with("A search names"));
  EXPECT_TRUE(say(*game, "[answer] none").observation.starts_with("<user> That names no offer"));
}

// Three idle questions make a traveller tell something, however it takes idle questions.
TEST(PersonaAxes, TravellersVolunteerAfterIdleQuestionsWhateverTheySayToThem) {
  for (const std::string axes : {R"("vague":"unknown")", R"("vague":"asks_back")",
                                 R"("vague":"hints","temper":{"chance":1})"}) {
    const auto game = gym_with(travel::entry(), axes)->make();
    game->reset(task_of(3));
    say(*game, "[action] Hello?");
    const std::string second = say(*game, "[action] Hello?").observation;
    const std::string third = say(*game, "[action] Hello?").observation;
    EXPECT_EQ(third.find("What exactly"), std::string::npos) << third;
    EXPECT_EQ(third.find("No information"), std::string::npos) << third;
    EXPECT_NE(second.substr(0, 20), third.substr(0, 20));
  }
}

}  // namespace
}  // namespace turnhalle::user_gyms
