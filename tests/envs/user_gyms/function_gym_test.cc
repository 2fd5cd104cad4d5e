// Rules, probes, answers and players of function_gym.
#include "envs/user_gyms/function_gym.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "core/text.h"
#include "envs/user_gyms/function_rule.h"
#include "tests/envs/user_gyms/play_gym.h"

namespace turnhalle::user_gyms {
namespace {

TEST(FunctionRule, ListsEachPairOnceAndAllExpressions) {
  EXPECT_EQ(pair_rules().size(), 36U);
  EXPECT_EQ(arithmetic_rules().size(), 3072U);
  std::set<std::string> texts;
  for (const Rule& rule : pair_rules()) texts.insert(text_of(rule));
  for (const Rule& rule : arithmetic_rules()) texts.insert(text_of(rule));
  EXPECT_EQ(texts.size(), 36U + 3072U);
}

TEST(FunctionRule, Computes) {
  const Inputs inputs = {7, 2, 5, 3};
  Rule rule{4, true, {0, 1, 2, 3}, {Operation::add, Operation::multiply, Operation::divide}};
  EXPECT_EQ(text_of(rule), "((a+b)*c)/d");
  EXPECT_EQ(value_of(rule, inputs), 15.0);
  rule.chain = false;
  EXPECT_EQ(text_of(rule), "(a+b)/(c*d)");
  EXPECT_DOUBLE_EQ(value_of(rule, inputs).value(), 0.6);
  const Rule pair{2, true, {2, 0, 0, 0}, {Operation::subtract, Operation::add, Operation::add}};
  EXPECT_EQ(text_of(pair), "c-a");
  EXPECT_EQ(value_of(pair, inputs), -2.0);
  const Rule greater{2, true, {0, 3, 0, 0}, {Operation::maximum, Operation::add, Operation::add}};
  EXPECT_EQ(text_of(greater), "max(a,d)");
  EXPECT_EQ(value_of(greater, inputs), 7.0);
}

TEST(FunctionRule, HasNoValueBehindADivisionByZero) {
  const Rule rule{4, true, {0, 1, 2, 3}, {Operation::divide, Operation::add, Operation::add}};
  EXPECT_FALSE(value_of(rule, {1, 0, 1, 1}));
  EXPECT_FALSE(
      value_of({4, false, {0, 1, 2, 3}, {Operation::add, Operation::subtract, Operation::divide}},
               {1, 2, 3, 3}));
}

TEST(FunctionRule, RoundsToFourDigitsWithoutANegativeZero) {
  EXPECT_EQ(rounded(2.0 / 3.0), 0.6667);
  EXPECT_FALSE(std::signbit(rounded(-0.00001)));
}

const std::string kFunctionCompact =
    "{\"rules\":\"pairs\",\"numbers\":[1,9],\"turns\":4,\"answers\":1}";

const Rule& rule_of(const Environment& game) {
  const std::string text = game.hidden_state()["rule"].get<std::string>();
  for (const std::vector<Rule>* rules : {&pair_rules(), &arithmetic_rules()}) {
    for (const Rule& rule : *rules) {
      if (text_of(rule) == text) return rule;
    }
  }
  ADD_FAILURE() << text;
  return pair_rules().front();
}

TEST(FunctionGym, TellsValuesAndTheTestAndAcceptsItsValue) {
  const auto game = family_of(function::entry())->make();
  for (std::uint64_t i = 0; i < 50; ++i) {
    game->reset(task_of(i));
    const Rule& rule = rule_of(*game);
    const double value = value_of(rule, {1.5, 20, 3, 0.25}).value_or(-1.0);
    const StepResult probed = say(*game, "[action] 1.5, 20 3,0.25");
    EXPECT_EQ(probed.observation, "The value: " + shortest(rounded(value)) + ". (Turns left: 19)");
    const Inputs test = game->hidden_state()["test"].get<Inputs>();
    const std::string numbers = shortest(test[0]) + ", " + shortest(test[1]) + ", " +
                                shortest(test[2]) + ", " + shortest(test[3]);
    EXPECT_EQ(say(*game, "[search] test").observation,
              "The test is " + numbers + ". (Turns left: 18)");
    EXPECT_NE(say(*game, "[action] " + numbers).observation.find("may not be probed"),
              std::string::npos);
    const double right = value_of(rule, test).value();
    EXPECT_EQ(say(*game, "[answer] " + shortest(right + 0.001)).outcome, Outcome::running);
    const StepResult found = say(*game, "[answer] " + shortest(right + 1e-8));
    EXPECT_EQ(found.outcome, Outcome::done);
    EXPECT_EQ(found.reward, 1.0);
  }
}

TEST(FunctionGym, ReadsFourNumbersAndNothingElse) {
  const auto game = family_of(function::entry(), "{\"turns\":40}")->make();
  game->reset(task_of(2));
  for (const std::string text : {"", "1 2 3", "1 2 3 4 5", "a=1 2 3 4", "1 2 3 1001", "1 2 3 nan",
                                 "1;2;3;4", "1e99 2 3 4"}) {
    const StepResult result = say(*game, "[action] " + text);
    EXPECT_EQ(result.outcome, Outcome::running);
    EXPECT_NE(result.observation.find("Probe with four numbers"), std::string::npos) << text;
  }
  EXPECT_NE(say(*game, "[search] the rule").observation.find("[search] test"), std::string::npos);
  EXPECT_NE(say(*game, "[answer] 3 4").observation.find("wrong"), std::string::npos);
}

// Four standard errors of 4 000 games: 0.021 at 0.127, 0.016 at 0.066.
TEST(FunctionPlayers, ReachTheirScores) {
  const auto family = family_of(function::entry(), kFunctionCompact, PromptStyle::compact);
  EXPECT_GE(success(*family, "expert", 1'000), 0.995);
  EXPECT_NEAR(success(*family, "demonstrator", 4'000), 0.127, 0.022);
  EXPECT_NEAR(success(*family, "random", 4'000), 0.066, 0.017);
  EXPECT_GE(success(*family_of(function::entry()), "expert", 100), 0.99);
}

TEST(FunctionOptions, WrongOnesAreNamed) {
  for (const std::string options :
       {"{\"rules\":\"all\"}", "{\"numbers\":[9,1]}", "{\"turns\":2}", "{\"number\":1}"}) {
    const auto family = read_options(function::entry(), options, PromptStyle::paper);
    ASSERT_FALSE(family) << options;
    EXPECT_NE(family.error().text().find("options.json:1:"), std::string::npos);
  }
  EXPECT_FALSE(read_options(function::entry(), "{}", PromptStyle::compact));
  EXPECT_FALSE(read_options(function::entry(), "{\"rules\":\"pairs\",\"numbers\":10}",
                            PromptStyle::compact));
}

}  // namespace
}  // namespace turnhalle::user_gyms
