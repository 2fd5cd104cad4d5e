// The table, the rules and the players of telepathy_gym.
#include "envs/user_gyms/telepathy_gym.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "envs/user_gyms/telepathy_table.h"
#include "tests/envs/user_gyms/play_gym.h"

namespace turnhalle::user_gyms {
namespace {

TEST(TelepathyTable, TellsAllThingsApartAndUsesEveryProperty) {
  std::set<std::vector<Truth>> rows;
  std::map<std::size_t, std::set<Truth>> columns;
  for (std::size_t entity = 0; entity < entity_count(); ++entity) {
    std::vector<Truth> row;
    for (std::size_t i = 0; i < property_count(); ++i) {
      row.push_back(truth_of(entity, i));
      columns[i].insert(row.back());
    }
    EXPECT_TRUE(rows.insert(row).second) << entity_name(entity) << " is like another thing";
    if (entity > 0) {
      EXPECT_LT(entity_name(entity - 1), entity_name(entity));
    }
  }
  EXPECT_EQ(entity_count(), 72U);
  for (std::size_t i = 0; i < property_count(); ++i) {
    EXPECT_GE(columns[i].size(), 2U) << property(i).name << " tells nothing apart";
  }
}

TEST(TelepathyTable, ReadsItsOwnQuestions) {
  for (std::size_t i = 0; i < property_count(); ++i) {
    const Question expected{Question::Kind::property, i};
    EXPECT_EQ(read_question(property(i).question), expected) << property(i).question;
    EXPECT_EQ(read_question(property(i).name), expected) << property(i).name;
  }
  for (std::size_t i = 0; i < entity_count(); ++i) {
    const Question expected{Question::Kind::entity, i};
    EXPECT_EQ(read_question("Is it the " + entity_name(i) + "?"), expected) << entity_name(i);
    EXPECT_EQ(entity_named("I say: " + entity_name(i) + "!"), i);
  }
}

TEST(TelepathyTable, DoesNotUnderstandWhatIsUnclear) {
  for (const std::string text : {"", "Is it lucky?", "Is it an animal or a plant?",
                                 "Is it not alive?", "Is it an owl that flies?"}) {
    EXPECT_EQ(read_question(text), Question{}) << text;
    EXPECT_EQ(truth_of(0, read_question(text)), Truth::unknown) << text;
  }
  EXPECT_FALSE(entity_named("owl or cat"));
  EXPECT_FALSE(entity_named("gryphon"));
}

const std::string kTelepathyCompact = "{\"entities\":48,\"turns\":8,\"answers\":1}";

TEST(TelepathyGym, AnswersByTheTable) {
  const auto game = family_of(telepathy::entry())->make();
  for (std::uint64_t i = 0; i < 40; ++i) {
    game->reset(task_of(i));
    const std::string secret = game->hidden_state()["secret"].get<std::string>();
    const std::size_t thing = entity_named(secret).value();
    const std::size_t asked = i % property_count();
    static const std::map<Truth, std::string> kWords = {
        {Truth::no, "No. "}, {Truth::maybe, "Maybe. "}, {Truth::yes, "Yes. "}};
    EXPECT_EQ(say(*game, "[action] " + std::string(property(asked).question)).observation,
              kWords.at(truth_of(thing, asked)) + "(Turns left: 19)");
    EXPECT_EQ(say(*game, "[action] Is it lucky?").observation,
              "No information found. (Turns left: 18)");
    EXPECT_EQ(say(*game, "[action] Is it the " + secret + "?").observation,
              "Yes. (Turns left: 17)");
    const StepResult found = say(*game, "[answer] It is the " + secret + ".");
    EXPECT_EQ(found.outcome, Outcome::done);
    EXPECT_EQ(found.reward, 1.0);
  }
}

TEST(TelepathyGym, AllowsAsManyWrongAnswersAsItSays) {
  const auto game = family_of(telepathy::entry(), "{\"answers\":2}")->make();
  game->reset(task_of(1));
  const StepResult first = say(*game, "[answer] none of them");
  EXPECT_EQ(first.outcome, Outcome::running);
  EXPECT_EQ(first.observation, "That is not it. (Turns left: 19)");
  const StepResult second = say(*game, "[answer] gryphon");
  EXPECT_EQ(second.outcome, Outcome::done);
  EXPECT_EQ(second.reward, 0.0);
}

TEST(TelepathyGym, DrawsEveryThingOfItsOptions) {
  const auto game = family_of(telepathy::entry(), kTelepathyCompact)->make();
  std::map<std::string, int> counts;
  for (std::uint64_t i = 0; i < 4800; ++i) {
    game->reset(task_of(i));
    ++counts[game->hidden_state()["secret"].get<std::string>()];
  }
  EXPECT_EQ(counts.size(), 48U);
  for (const auto& [secret, count] : counts) EXPECT_NEAR(count, 100, 45) << secret;
}

// Four standard errors of 4 000 games: 0.031 at 0.4, 0.015 at 0.058.
TEST(TelepathyPlayers, ReachTheirScores) {
  const auto family = family_of(telepathy::entry(), kTelepathyCompact, PromptStyle::compact);
  EXPECT_EQ(success(*family, "expert", 1'000), 1.0);
  EXPECT_NEAR(success(*family, "consistent", 4'000), 0.415, 0.033);
  EXPECT_NEAR(success(*family, "demonstrator", 4'000), 0.058, 0.016);
  EXPECT_NEAR(success(*family, "random", 4'000), 0.021, 0.010);
  EXPECT_EQ(success(*family_of(telepathy::entry()), "expert", 1'000), 1.0);
}

// What InfoPO is for: rewards tell most groups nothing at the start, feedback does.
TEST(TelepathyPlayers, DemonstratorLeavesMostGroupsWithoutAnOutcomeToCompare) {
  const auto family = family_of(telepathy::entry(), kTelepathyCompact, PromptStyle::compact);
  EXPECT_GT(equal_groups(*family, "demonstrator", 600), 0.6);
}

TEST(TelepathyOptions, WrongOnesAreNamed) {
  for (const std::string options :
       {"{\"entities\":7}", "{\"entities\":73}", "{\"turns\":1}", "{\"answer\":1}"}) {
    const auto family = read_options(telepathy::entry(), options, PromptStyle::paper);
    ASSERT_FALSE(family) << options;
    EXPECT_NE(family.error().text().find("options.json:1:"), std::string::npos);
  }
}

}  // namespace
}  // namespace turnhalle::user_gyms
