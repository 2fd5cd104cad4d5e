// Expressions, optimal inputs, rules and players of optimal_control.
#include "envs/optimal_control.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "envs/control_expression.h"
#include "envs/control_model.h"
#include "tests/envs/family_case.h"
#include "tests/envs/player_scores.h"

namespace turnhalle::control {
namespace {

constexpr Variables kSomewhere = {2.0, -3.0, 4.0, 10.0, 0.0, 12.0, 8.0};

struct Formula {
  std::string text;
  double value = 0.0;
};

class Formulas : public testing::TestWithParam<Formula> {};

TEST_P(Formulas, HaveTheValueThatPythonGives) {
  const Result<Expression> expression = Expression::parse(GetParam().text);
  ASSERT_TRUE(expression) << expression.error().text();
  double value = 0.0;
  ASSERT_TRUE(expression->evaluate(kSomewhere, value));
  EXPECT_DOUBLE_EQ(value, GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(
    Expression, Formulas,
    testing::Values(Formula{"1 + 2 * 3", 7}, Formula{"(1+2)*3", 9}, Formula{"8/4/2", 1},
                    Formula{"2-3-4", -5}, Formula{"-2**2", -4}, Formula{"2**-1", 0.5},
                    Formula{"2**3**2", 512}, Formula{"--3", 3}, Formula{"1e-3", 0.001},
                    Formula{".5 + 1.", 1.5}, Formula{"x - v", 5}, Formula{"remaining_steps", 8},
                    Formula{"t == 4", 1}, Formula{"1 < x < 3", 1}, Formula{"1 < x < 2", 0},
                    Formula{"3 if x > 2 else 5", 5}, Formula{"1 if t<3 else 2 if t<5 else 3", 2},
                    Formula{"not x or 7", 7}, Formula{"x and v", -3}, Formula{"0 and 1/0", 0},
                    Formula{"1 if 1 else 1/0", 1}, Formula{"abs(v)", 3}, Formula{"min(3, x, 5)", 2},
                    Formula{"max(3, x)", 3}, Formula{"pow(x, 3)", 8}, Formula{"clip(v, -1, 1)", -1},
                    Formula{"ifelse(lt(v, 0), 1, -1)", 1}, Formula{"ge(x, 2) + ne(x, 2)", 1},
                    Formula{"x_target - horizon + v_target", -2}));

TEST(Expression, RefusesWhatIsNotOne) {
  for (const std::string text :
       {"", "x +", "y", "x y", "(x", "x)", "min(x)", "abs(1,2)", "sin(x)", "1 if x", "__import__",
        "x = 1", "x; v", "1..2", "clip(x,1)", "x < ", "\xff", "max()"}) {
    EXPECT_FALSE(Expression::parse(text)) << text;
  }
  EXPECT_FALSE(Expression::parse(std::string(100, '(') + "1" + std::string(100, ')')));
  EXPECT_FALSE(Expression::parse(std::string(1000, '-') + "1"));
  EXPECT_FALSE(Expression::parse(std::string(3000, '1')));
  std::string chain = "1";
  while (chain.size() + 2 <= kExpressionBytesMax) chain += "+1";
  EXPECT_TRUE(Expression::parse(chain));
}

TEST(Expression, HasNoValueWhereAnOperationHasNone) {
  for (const std::string text :
       {"1/0", "0/0", "(-1)**0.5", "10**1000", "ifelse(1, 1, 1/0)", "min(1, 1/0)"}) {
    double value = 0.0;
    EXPECT_FALSE(Expression::parse(text)->evaluate(kSomewhere, value)) << text;
  }
}

ControlTask random_task(Random& random) {
  ControlTask task;
  task.x = random.uniform(-2.0, 2.0);
  task.v = random.uniform(-1.5, 1.5);
  task.x_target = random.uniform(-8.0, 8.0);
  return task;
}

Plant random_plant(Random& random) {
  const double b = random.uniform(0.35, 1.5);
  return {random.uniform(0.55, 1.2), random.chance(1, 2) ? b : -b};
}

// Convex: no input can be moved alone, or any two together, so that the loss falls.
TEST(OptimalInputs, CannotBeImproved) {
  for (std::uint64_t i = 0; i < 200; ++i) {
    Random random(key_of(i));
    const Plant plant = random_plant(random);
    const ControlTask task = random_task(random);
    const std::vector<double> inputs = optimal_inputs(plant, task);
    const double least = play_inputs(plant, task, inputs).loss;
    for (const double input : inputs) EXPECT_LE(std::abs(input), 1.0);
    for (std::size_t j = 0; j < inputs.size(); ++j) {
      for (std::size_t k = j; k < inputs.size(); ++k) {
        for (const double step : {1e-3, -1e-3}) {
          std::vector<double> moved = inputs;
          moved[j] = std::clamp(moved[j] + step, -1.0, 1.0);
          moved[k] = std::clamp(moved[k] - step * static_cast<double>(k != j), -1.0, 1.0);
          EXPECT_GE(play_inputs(plant, task, moved).loss, least - 1e-9);
        }
      }
    }
    for (int draw = 0; draw < 20; ++draw) {
      std::vector<double> other = inputs;
      for (double& input : other) {
        input = std::clamp(input + random.uniform(-0.1, 0.1), -1.0, 1.0);
      }
      EXPECT_GE(play_inputs(plant, task, other).loss, least - 1e-9);
    }
  }
}

// By hand: one step, x' = x + v', with b = 1 and a = 1: the loss is (x + v + u − x*)² + 2(v + u)²
// + w·u², least at u = −((x + v − x*) + 2v) / (3 + w).
TEST(OptimalInputs, OfOneStepAreThoseOfTheFormula) {
  ControlTask task;
  task.x = 0.2;
  task.v = 0.1;
  task.x_target = 0.9;
  task.horizon = 1;
  task.control_weight = 0.5;
  EXPECT_NEAR(optimal_inputs({1.0, 1.0}, task)[0], -((0.2 + 0.1 - 0.9) + 0.2) / 3.5, 1e-12);
}

TEST(Identification, FindsThePlantFromOneTable) {
  for (std::uint64_t i = 0; i < 100; ++i) {
    Random random(key_of(i));
    const Plant plant = random_plant(random);
    const ControlTask task = random_task(random);
    std::vector<double> inputs(12);
    for (double& input : inputs) input = random.uniform(-1.0, 1.0);
    const std::vector<Rollout> tables = {play_inputs(plant, task, inputs)};
    Plant found;
    ASSERT_TRUE(identify(tables, found));
    EXPECT_NEAR(found.a, plant.a, 1e-9);
    EXPECT_NEAR(found.b, plant.b, 1e-9);
  }
  Plant found;
  EXPECT_FALSE(identify({}, found));
}

Task task_of(std::uint64_t number, std::int64_t position = 0) {
  return {key_of(1).split("hidden"), key_of(number).split("task"), position, position};
}

std::string answer(const std::string& expression) {
  return "<answer><action_expression>" + expression + "</action_expression></answer>";
}

TEST(OptimalControl, PlaysTheLawAndShowsTheTable) {
  const auto game = family_of(entry(), "{\"horizon\":2}")->make();
  game->reset(task_of(1));
  const auto& world = dynamic_cast<const Observable&>(*game);
  const ControlTask task = world.seen().task;
  const Plant plant = world.hidden_plant();
  const StepResult result = say(*game, "So: " + answer(" 5 if t == 0 else -0.25 ") + "\n");
  const double v1 = plant.a * task.v + plant.b;
  const double v2 = plant.a * v1 - 0.25 * plant.b;
  const double x2 = task.x + v1 + v2;
  const double loss = (x2 - task.x_target) * (x2 - task.x_target) + 2 * v2 * v2 +
                      task.control_weight * (1.0 + 0.0625);
  EXPECT_EQ(result.outcome, Outcome::done);
  EXPECT_NEAR(result.reward, 1.0 / (1.0 + loss), 1e-12);
  EXPECT_NE(result.observation.find("t, x, v, u\n0, "), std::string::npos);
  EXPECT_NE(result.observation.find(", 1.0000\n1, "), std::string::npos);
  EXPECT_NE(result.observation.find(", -0.2500\nFinal state"), std::string::npos);
}

TEST(OptimalControl, UnreadableRepliesCostATenthAndFailuresNothing) {
  const auto game = family_of(entry())->make();
  const std::vector<std::string> replies = {
      "",
      "0",
      answer("x") + " done",
      "```" + answer("x"),
      answer("x") + answer("x"),
      "<answer>x</answer>",
      answer("y"),
      "<answer>u=<action_expression>x</action_expression></answer>"};
  for (const std::string& reply : replies) {
    game->reset(task_of(1));
    const StepResult result = say(*game, reply);
    EXPECT_EQ(result.outcome, Outcome::agent_error) << reply;
    EXPECT_EQ(result.reward, -0.1) << reply;
  }
  game->reset(task_of(1));
  const StepResult failed = say(*game, answer("1/(3-t)"));
  EXPECT_EQ(failed.outcome, Outcome::done);
  EXPECT_EQ(failed.reward, 0.0);
  EXPECT_NE(failed.observation.find("no finite value"), std::string::npos);
}

TEST(OptimalControl, ShowsTheLastLawThatRanInTheSameLifecycle) {
  const auto game = family_of(entry(), "{\"previous_policy_shown\":true}")->make();
  EXPECT_EQ(game->reset(task_of(1, 0)).user.find("that ran"), std::string::npos);
  say(*game, answer("0.125*x"));
  EXPECT_NE(game->reset(task_of(2, 1)).user.find("that ran: 0.125*x\n"), std::string::npos);
  say(*game, answer("1/0"));
  EXPECT_NE(game->reset(task_of(3, 2)).user.find("that ran: 0.125*x\n"), std::string::npos);
  EXPECT_EQ(game->reset(task_of(1, 0)).user.find("that ran"), std::string::npos);
}

struct Reference {
  std::string role;
  std::vector<double> reward;
};

class KnownControlScores : public testing::TestWithParam<Reference> {};

// Simulations of the specification: u = 0, a fixed law that ignores the sign of b, the same with
// the right sign (its gains are not given), and the exact optimum.
TEST_P(KnownControlScores, AreReached) {
  const PositionScores found =
      score_player(scenario_named("optimal_control_hard"), GetParam().role, 1000);
  for (std::size_t i = 0; i < GetParam().reward.size(); ++i) {
    EXPECT_NEAR(found.reward[i], GetParam().reward[i], 4.0 * found.reward_error[i] + 0.01) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Players, KnownControlScores,
                         testing::Values(Reference{"idle", {0.12, 0.12, 0.12, 0.12}},
                                         Reference{"fixed_law", {0.39, 0.39, 0.39, 0.39}},
                                         Reference{"signed_law", {0.77, 0.77, 0.77, 0.77}},
                                         Reference{"oracle", {0.977, 0.977, 0.977, 0.977}},
                                         Reference{"expert", {0.39, 0.977, 0.977, 0.977}}));

TEST(ControlOptions, AreReadWithTheirBounds) {
  const auto refused = [](const std::string& options) {
    const auto family = read_options(entry(), options, PromptStyle::paper);
    return family ? std::string("accepted") : family.error().text();
  };
  EXPECT_NE(refused("{\"horizon\":1}").find("/horizon"), std::string::npos);
  EXPECT_NE(refused("{\"noize\":0.1}").find("\"noise\""), std::string::npos);
}

}  // namespace
}  // namespace turnhalle::control
