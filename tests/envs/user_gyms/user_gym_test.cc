// How replies are read in all user gyms, and how their episodes run out.
#include "envs/user_gyms/user_gym.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "envs/user_gyms/telepathy_gym.h"
#include "tests/envs/user_gyms/play_gym.h"

namespace turnhalle::user_gyms {
namespace {

TEST(ReadReply, TakesWhatFollowsTheOnlyMarker) {
  const GymReply reply = read_reply("I wonder. [action]  Is it alive? \n");
  EXPECT_EQ(reply.choice, Choice::action);
  EXPECT_EQ(reply.content, "Is it alive?");
  EXPECT_EQ(read_reply("[answer] owl").choice, Choice::answer);
  EXPECT_EQ(read_reply("[search]test").content, "test");
  EXPECT_EQ(read_reply("[finish]").choice, Choice::finish);
  EXPECT_EQ(read_reply("[finish]").content, "");
}

TEST(ReadReply, RefusesNoneAndSeveral) {
  for (const std::string text : {"", "alive?", "[action] a [action] b", "[action] a [answer] b",
                                 "[Action] a", "[ action] a", "action a", "[finish][finish]"}) {
    EXPECT_EQ(read_reply(text).choice, Choice::unreadable) << text;
  }
}

TEST(WordsOf, AreLowerCaseRunsOfLetters) {
  EXPECT_EQ(words_of("It's an OWL, is-it?"),
            (std::vector<std::string>{"it", "s", "an", "owl", "is", "it"}));
  EXPECT_TRUE(words_of("12 \xff\xfe ?").empty());
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "a ";
  EXPECT_EQ(words_of(many).size(), 400U);
}

std::unique_ptr<Environment> game_of(PromptStyle style) {
  return read_options(telepathy::entry(), "{\"turns\":3}", style).value()->make();
}

TEST(UserGym, AnswersWhatItCannotReadAndCountsTheTurn) {
  const auto game = game_of(PromptStyle::paper);
  game->reset(task_of(0));
  const StepResult first = say(*game, "is it alive");
  EXPECT_EQ(first.outcome, Outcome::running);
  EXPECT_EQ(first.observation,
            "That could not be read. Write exactly one of [action], [answer], [finish], and your "
            "text after it. (Turns left: 2)");
  EXPECT_EQ(say(*game, "[search] a gym without searches").outcome, Outcome::running);
  const StepResult last = say(*game, "[action] Is it alive?");
  EXPECT_EQ(last.outcome, Outcome::truncated);
  EXPECT_NE(last.observation.find("No turns are left."), std::string::npos);
}

TEST(UserGym, EndsWhenTheAgentFinishes) {
  for (const PromptStyle style : {PromptStyle::paper, PromptStyle::compact}) {
    const auto game = game_of(style);
    game->reset(task_of(0));
    const StepResult result = say(*game, "Enough. [finish]");
    EXPECT_EQ(result.outcome, Outcome::done);
    EXPECT_EQ(result.reward, 0.0);
  }
}

}  // namespace
}  // namespace turnhalle::user_gyms
