// Every shipped persona in every user gym: the expert still succeeds, nothing leaks before it is
// told, all is told before the user leaves.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "agents/users/persona.h"
#include "agents/users/realiser.h"
#include "core/bytes.h"
#include "core/env_check.h"
#include "envs/user_gyms/colbench_gym.h"
#include "envs/user_gyms/function_gym.h"
#include "envs/user_gyms/intention_gym.h"
#include "envs/user_gyms/persuade_gym.h"
#include "envs/user_gyms/telepathy_gym.h"
#include "envs/user_gyms/travel_gym.h"
#include "envs/user_gyms/turtle_gym.h"
#include "tests/envs/user_gyms/play_gym.h"

namespace turnhalle::user_gyms {
namespace {

std::vector<std::string> persona_names() {
  std::vector<std::string> names;
  for (const users::Persona& persona : users::shipped_personas()) names.push_back(persona.name);
  return names;
}

std::shared_ptr<const EnvironmentFamily> with_user(const EnvironmentEntry& entry,
                                                   const std::string& persona,
                                                   const std::string& more = "") {
  return family_of(entry, "{\"persona\":\"" + persona + "\"" + more + "}");
}

class EveryPersona : public testing::TestWithParam<std::string> {};

TEST_P(EveryPersona, LeavesEveryGymSolvable) {
  const std::string& name = GetParam();
  EXPECT_EQ(success(*with_user(telepathy::entry(), name), "expert", 144), 1.0);
  EXPECT_EQ(success(*with_user(intention::entry(), name), "expert", 300), 1.0);
  EXPECT_EQ(
      success(*with_user(intention::entry(), name, ",\"reward\":\"delivery\""), "expert", 300),
      1.0);
  EXPECT_EQ(success(*with_user(function::entry(), name), "expert", 20), 1.0);
  EXPECT_EQ(success(*with_user(colbench::entry(), name, ",\"turns\":20"), "expert", 200), 1.0);
  EXPECT_EQ(success(*with_user(persuade::entry(), name), "expert", 200), 1.0);
  EXPECT_EQ(success(*with_user(travel::entry(), name), "expert", 200), 1.0);
  EXPECT_EQ(success(*with_user(turtle::entry(), name), "expert", 200), 1.0);
}

// The values of an intention gym that the user has not told.
std::vector<std::string> secrets_of(const Environment& game) {
  std::vector<std::string> secrets;
  const Json state = game.hidden_state();
  for (const Json& entry : state["missing"]) {
    if (!entry["told"].get<bool>()) secrets.push_back(entry["value"].get<std::string>());
  }
  return secrets;
}

TEST_P(EveryPersona, TellsNothingBeforeItIsToldAndAllBeforeItLeaves) {
  const auto family = with_user(intention::entry(), GetParam(), ",\"reward\":\"delivery\"");
  const auto game = family->make();
  for (const std::string question : {"[action] What else?", "[action] Which date and size?",
                                     "[action] Which colour, place or people?"}) {
    for (std::uint64_t i = 0; i < 60; ++i) {
      std::string text = game->reset(task_of(i)).user;
      bool gone = false;
      for (int turn = 0; turn < 19; ++turn) {
        EXPECT_EQ(users::leaked(text, secrets_of(*game)), std::nullopt) << text;
        text = say(*game, question).observation;
        gone =
            gone || text.find("Bye") != std::string::npos || text.find("Gone") != std::string::npos;
        if (gone) {
          EXPECT_TRUE(secrets_of(*game).empty()) << text;
        }
      }
      EXPECT_EQ(users::leaked(text, secrets_of(*game)), std::nullopt) << text;
    }
  }
}

// Rollouts of one task meet the same user, whatever the agent's own draws are.
TEST_P(EveryPersona, IsTheSameForAllRolloutsOfATask) {
  const auto family = with_user(intention::entry(), GetParam());
  for (std::uint64_t i = 0; i < 20; ++i) {
    const Played one = play(*family, "expert", task_of(i), RandomKey::from_seed(1));
    const Played other = play(*family, "expert", task_of(i), RandomKey::from_seed(2));
    EXPECT_EQ(one.text, other.text);
  }
}

TEST_P(EveryPersona, GoesOnAlikeFromItsSnapshot) {
  for (const std::string reward : {"coverage", "delivery"}) {
    const auto family = with_user(intention::entry(), GetParam(), ",\"reward\":\"" + reward + "\"");
    const auto game = family->make();
    for (std::uint64_t i = 0; i < 10; ++i) {
      game->reset(task_of(i));
      say(*game, "[action] Which date and size?");
      say(*game, "[action] Which people, place and chess?");
      std::string bytes;
      ByteWriter out(bytes);
      game->snapshot(out);
      const auto copy = family->make();
      ByteReader in(bytes);
      ASSERT_TRUE(copy->restore(in) && in.finished());
      for (const std::string reply :
           {"[action] Which date?", "[answer] red", "[action] Which size?",
            "[action] Which colour?", "[answer] red", "[answer] red"}) {
        EXPECT_EQ(say(*game, reply).observation, say(*copy, reply).observation);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Personas, EveryPersona, testing::ValuesIn(persona_names()),
                         [](const auto& item) { return item.param; });

TEST(Personas, ChangeWhatIsSaid) {
  const Task task = task_of(5);
  const std::string plain = play(*with_user(intention::entry(), "plain"), "expert", task, {}).text;
  for (const std::string name :
       {"reserved", "formal", "sloppy", "forthcoming", "curt", "demanding", "digressive", "foreign",
        "forgetful", "guarded", "muddled", "rephrasing"}) {
    EXPECT_NE(play(*with_user(intention::entry(), name), "expert", task, {}).text, plain) << name;
  }
}

TEST(Personas, InTheCompactStyleUsePiecesOnly) {
  const std::string function_options = ",\"rules\":\"pairs\",\"numbers\":[1,9]";
  const std::vector<std::pair<EnvironmentEntry, std::string>> gyms = {
      {telepathy::entry(), ""},
      {intention::entry(), ",\"reward\":\"delivery\""},
      {function::entry(), function_options}};
  for (const std::string& name : persona_names()) {
    for (const auto& [entry, more] : gyms) {
      const std::string options = "{\"persona\":\"" + name + "\"" + more + "}";
      const auto family = read_options(entry, options, PromptStyle::compact).value();
      const std::vector<std::string> pieces = family->context_words().chunks;
      for (const std::string role : {"expert", "demonstrator"}) {
        for (std::uint64_t i = 0; i < 10; ++i) {
          for (const std::string& message : play(*family, role, task_of(i), {}).messages) {
            EXPECT_GE(count_pieces(message, pieces), 1) << name << ": " << message;
          }
        }
      }
    }
  }
}

TEST(PersonaOption, TakesANameOrAnObject) {
  EXPECT_TRUE(read_options(telepathy::entry(), "{\"persona\":{\"doubts\":2}}", PromptStyle::paper));
  const auto unknown =
      read_options(telepathy::entry(), "{\"persona\":\"hsty\"}", PromptStyle::paper);
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().text().find("Did you mean \"hasty\"?"), std::string::npos)
      << unknown.error().text();
  const auto wrong =
      read_options(telepathy::entry(), "{\"persona\":{\"doubts\":9}}", PromptStyle::paper);
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().text().find("/persona/doubts"), std::string::npos);
}

}  // namespace
}  // namespace turnhalle::user_gyms
