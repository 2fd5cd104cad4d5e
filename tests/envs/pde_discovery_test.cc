// Terms, solution, regression, rules and players of pde_discovery.
#include "envs/pde_discovery.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <set>
#include <string>
#include <vector>

#include "envs/pde_actions.h"
#include "envs/pde_players.h"
#include "tests/envs/family_case.h"
#include "tests/envs/player_scores.h"

namespace turnhalle::pde {
namespace {

Equation equation_of(const std::string& text) { return parse_equation(text).value(); }

TEST(PdeTerms, HaveTheValuesOfTheirFormulas) {
  const double u = 0.5;
  const std::vector<double> expected = {0.5,
                                        0.25,
                                        0.125,
                                        0.0625,
                                        0.03125,
                                        0.0078125,
                                        std::sin(0.5),
                                        std::sin(1.0),
                                        std::exp(0.5) - 1.0,
                                        std::log(1.25),
                                        std::tanh(0.5),
                                        0.5 / 1.25,
                                        0.25 / 1.25,
                                        0.0625 / 1.0625,
                                        0.5 / 1.75};
  for (std::size_t i = 0; i < kTerms; ++i) {
    EXPECT_NEAR(term_value(i, u), expected[i], 1e-15) << kTermNames[i];
  }
  EXPECT_NEAR(equation_of("2*u3 - sin_u").derivative(u), 6 * 0.25 - std::cos(0.5), 1e-8);
}

TEST(PdeEquation, IsReadAndWrittenInOneForm) {
  EXPECT_EQ(text_of(equation_of(" -0.5*tanh_u+1.25 * u2 ")), "1.25*u2 - 0.5*tanh_u");
  EXPECT_EQ(text_of(equation_of("-u")), "-1*u");
  EXPECT_EQ(text_of(equation_of("0.12345*exp_m1")), "0.123*exp_m1");
  for (const std::string text : {"", "u u2", "1.2", "1.2*", "x", "u + u", "0*u", "1e3*u", "nan*u",
                                 "u +", "2**u", "--u", "999999*u"}) {
    EXPECT_FALSE(parse_equation(text)) << text;
  }
}

// By hand: |0.1| + |0.3| over 1.5, and a term too many.
TEST(PdeScore, IsOneOverOnePlusDistanceAndExcess) {
  const Equation truth = equation_of("1*u - 0.5*u3");
  EXPECT_EQ(score_against(truth, truth), 1.0);
  EXPECT_NEAR(score_against(equation_of("1.1*u - 0.2*u3"), truth), 1.0 / (1.0 + 0.4 / 1.5), 1e-12);
  EXPECT_NEAR(score_against(equation_of("1*u - 0.5*u3 + 0.3*u5"), truth),
              1.0 / (1.0 + 0.3 / 1.5 + 1.0), 1e-12);
  EXPECT_NEAR(score_against(equation_of("1*u"), truth), 1.0 / (1.0 + 0.5 / 1.5), 1e-12);
}

TEST(PdeTemplates, OfTheTwoSetsHaveDifferentSupports) {
  std::set<std::vector<std::size_t>> train;
  const auto support_of = [](Template name) {
    std::vector<std::size_t> support;
    for (const Equation::Part& part : signs_of(name).parts) support.push_back(part.term);
    EXPECT_TRUE(std::is_sorted(support.begin(), support.end())) << name;
    return support;
  };
  std::set<Template> names;
  for (const Template name : train_templates()) {
    train.insert(support_of(name));
    EXPECT_LE(support_of(name).size(), 2u);
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  std::size_t pairs = 0;
  for (const Template name : eval_templates()) {
    EXPECT_FALSE(train.contains(support_of(name))) << name;
    EXPECT_TRUE(names.insert(name).second) << name;
    pairs += support_of(name).size() == 2 ? 1 : 0;
  }
  EXPECT_EQ(train_templates().size(), 40u);
  EXPECT_EQ(eval_templates().size(), 25u);
  EXPECT_EQ(pairs, 17u);
}

// The first mode of u_t = u_xx + c·u decays as exp((c − π²)·t).
TEST(PdeSolution, IsThatOfALinearEquation) {
  InitialState start;
  start.amplitude = 1.3;
  const Solution solution(equation_of("1.5*u"), start, Grid{});
  for (const double t : {0.0, 0.05, 0.2, 0.5}) {
    for (const double x : {0.1, 0.37, 0.5}) {
      const double rate = 1.5 - std::numbers::pi * std::numbers::pi;
      EXPECT_NEAR(solution.at(x, t), 1.3 * std::sin(std::numbers::pi * x) * std::exp(rate * t),
                  0.002);
    }
  }
  EXPECT_EQ(solution.at(0.0, 0.3), 0.0);
  EXPECT_TRUE(solution.stayed_inside());
  start.amplitude = 2.9;
  EXPECT_FALSE(Solution(equation_of("2*u7"), start, Grid{}).stayed_inside());
}

TEST(PdeSolution, OnTheGridOfTheScenariosDiffersByLessThanTheNoise) {
  double squares = 0.0;
  int count = 0;
  for (std::uint64_t i = 0; i < 5; ++i) {
    InitialState start = draw_shape(key_of(i));
    const Equation reaction = equation_of("1.7*u2 - 0.9*u3");
    const Solution fine(reaction, start, Grid{});
    const Solution coarse(reaction, start, {65, 400});
    Random random(key_of(i));
    for (int j = 0; j < 100; ++j, ++count) {
      const double x = random.uniform();
      const double t = random.uniform();
      squares += std::pow(fine.at(x, t) - coarse.at(x, t), 2);
    }
  }
  EXPECT_LT(std::sqrt(squares / count), 0.002);
}

TEST(PdeStarts, LieBetweenZeroAndTheirAmplitude) {
  for (std::uint64_t i = 0; i < 200; ++i) {
    const InitialState start = draw_shape(key_of(i));
    double highest = 0.0;
    for (int j = 0; j <= 256; ++j) {
      EXPECT_GE(start.at(j / 256.0), -1e-12);
      highest = std::max(highest, start.at(j / 256.0));
    }
    EXPECT_NEAR(highest, 1.0, 1e-9);
  }
}

TEST(PdeAmplitude, KeepsAllCornersInsideAndIsTheLargest) {
  EXPECT_NEAR(amplitude_max("-u"), 3.0, 0.01);  // decays whatever the magnitude
  const double growing = amplitude_max("-u +u3");
  EXPECT_GT(growing, 0.5);
  EXPECT_LT(growing, 3.0);
  InitialState start;
  start.amplitude = growing;
  EXPECT_TRUE(Solution(equation_of("-0.5*u + 2*u3"), start, {33, 200}).stayed_inside());
  start.amplitude = growing + 0.01;
  EXPECT_FALSE(Solution(equation_of("-0.5*u + 2*u3"), start, {33, 200}).stayed_inside());
}

std::vector<Point> points_on(const Equation& equation) {
  std::vector<Point> points;
  for (int i = 1; i <= 12; ++i) points.push_back({0, 0.5, 0.0, 0.2 * i, equation.value(0.2 * i)});
  return points;
}

TEST(PdeRegression, FindsAnEquationWithoutNoise) {
  for (const std::string text : {"1.37*u2 - 0.8*u5", "0.52*log_1pu2", "-1.9*exp_m1 + 0.7*sin_2u"}) {
    const Equation truth = equation_of(text);
    std::vector<std::size_t> terms;
    for (std::size_t i = 0; i < kTerms; ++i) terms.push_back(i);
    const std::vector<Scored> found = fit_all(points_on(truth), terms, 2);
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found.front().equation, truth) << text_of(found.front().equation);
    EXPECT_LT(found.front().error, 1e-9);
    EXPECT_GT(found[1].error, found.front().error);
  }
}

// Two unit columns with the inner product r have the condition sqrt((1 + r)/(1 − r)).
TEST(PdeRegression, ReportsTheConditionOfScaledColumns) {
  const std::vector<Point> points = points_on(equation_of("1*u"));
  double uu = 0.0;
  double vv = 0.0;
  double uv = 0.0;
  for (const Point& point : points) {
    uu += point.u * point.u;
    vv += std::pow(point.u, 6);
    uv += std::pow(point.u, 4);
  }
  const double r = uv / std::sqrt(uu * vv);
  EXPECT_NEAR(score(points, equation_of("1*u + 1*u3")).condition, std::sqrt((1 + r) / (1 - r)),
              1e-9);
  Scored scored;
  const std::vector<std::size_t> support = {0, 1};
  EXPECT_FALSE(fit(std::span(points).subspan(0, 1), support, {}, scored));
}

std::shared_ptr<const EnvironmentFamily> small_family(PromptStyle style = PromptStyle::paper) {
  const auto document =
      parse_json("{\"space_points\":33,\"time_steps\":200,\"steps\":4}", "options.json");
  JsonReader reader(*document);
  return entry().read(reader.object(), style);
}

Task task_of(std::int64_t position) {
  return {key_of(1).split("hidden"),
          key_of(1).split("task").split(static_cast<std::uint64_t>(position)), position, position};
}

StepResult act(Environment& environment, const std::string& action) {
  return say(environment, "I say <answer>" + action + "</answer>");
}

const Observable& observable(const Environment& environment) {
  return dynamic_cast<const Observable&>(environment);
}

TEST(PdeDiscovery, SamplesWithTheStatedNoiseWithinTheBudget) {
  const auto family = small_family();
  double squares = 0.0;
  int count = 0;
  for (std::int64_t i = 0; i < 60; ++i) {
    const auto game = family->make();
    game->reset({key_of(static_cast<std::uint64_t>(i)), key_of(99), 0, 0});
    act(*game, "<sample>0.5,0; 0.25,0.0;0.7,0; 0.2,0; 0.9,0</sample>");
    const Seen& seen = observable(*game).seen();
    ASSERT_EQ(seen.points.size(), 5u);
    for (const Point& point : seen.points) {
      const double error = point.u - seen.start.at(point.x);
      squares += std::abs(error) < 0.05 ? error * error : 0.0;  // between grid points: nearly
      count += std::abs(error) < 0.05 ? 1 : 0;
    }
    const StepResult more = act(*game, "<sample>0.1,0.1; 0.2,0.2</sample>");
    EXPECT_NE(more.observation.find("Nothing was sampled"), std::string::npos);
    EXPECT_EQ(seen.points.size(), 5u);
  }
  EXPECT_GT(count, 290);
  EXPECT_NEAR(std::sqrt(squares / count), 0.002, 0.0015);
}

TEST(PdeDiscovery, FinalisesOnlyWhatTheLatestFitHasShown) {
  const auto game = small_family()->make();
  game->reset(task_of(0));
  act(*game, "<sample>0.5,0; 0.3,0; 0.1,0; 0.2,0.01</sample>");
  EXPECT_NE(act(*game, "<finalise>1*u</finalise>").observation.find("has not shown"),
            std::string::npos);
  const StepResult scored = act(*game, "<score>1*u; 0.5*u2 - 1*u3</score>");
  EXPECT_NE(scored.observation.find("0.5*u2 - 1*u3 | largest error"), std::string::npos);
  const StepResult last = act(*game, "<finalise>u</finalise>");
  EXPECT_EQ(last.outcome, Outcome::done);
  EXPECT_EQ(last.reward, score_against(equation_of("u"), observable(*game).hidden_equation()));
  EXPECT_EQ(last.observation, "Finalised: f(u) = 1*u");
}

TEST(PdeDiscovery, KeepsThePointsOfALifecycleAndRunsOutOfSteps) {
  const auto game = small_family()->make();
  game->reset(task_of(0));
  act(*game, "<sample>0.5,0; 0.3,0.1</sample>");
  game->reset(task_of(1));
  const Seen& seen = observable(*game).seen();
  EXPECT_EQ(seen.points.size(), 2u);
  act(*game, "<sample>0.5,0</sample>");
  EXPECT_EQ(seen.points.back().task, 1);
  const StepResult one = act(*game, "<regress>tasks=1; max_terms=1</regress>");
  EXPECT_NE(one.observation.find("Fits to 1 points"), std::string::npos);
  EXPECT_NE(act(*game, "<summary></summary>").observation.find("1, 0.5000, 0.0000"),
            std::string::npos);
  EXPECT_EQ(act(*game, "<regress></regress>").outcome, Outcome::truncated);
  game->reset(task_of(0));
  EXPECT_TRUE(seen.points.empty());
}

TEST(PdeDiscovery, UnreadableActionsEndTheTask) {
  const auto game = small_family()->make();
  for (const std::string text :
       {"", "sample", "<sample></sample>", "<sample>0.5</sample>", "<sample>0.5,2</sample>",
        "<regress>terms=v</regress>", "<regress>max_terms=4</regress>", "<regress>x=1</regress>",
        "<score></score>", "<score>1*v</score>", "<finalise>u;u2</finalise>",
        "<summary></summary><summary></summary>", "<sample>nan,0</sample>"}) {
    game->reset(task_of(0));
    const StepResult result = act(*game, text);
    EXPECT_EQ(result.outcome, Outcome::agent_error) << text;
    EXPECT_EQ(result.reward, 0.0);
  }
}

TEST(PdeDiscovery, UpdatesAreNotToldTheReward) {
  const Scenario scenario = scenario_named("pde_discovery_train");
  const RunSeed seed{1, Split::test, 0};
  World world(make_lifecycle(scenario, seed, {0}), {{0}, seed.agent({0}), {}}, nullptr);
  const auto player = scenario.family->make_player("expert");
  world.start();
  int updates = 0;
  while (!world.finished()) {
    const Conversation view = world.conversation();
    if (view.kind == EpisodeKind::update_context) {
      ++updates;
      EXPECT_EQ(view.messages.back().content.find("\nReward: "), std::string::npos);
      EXPECT_NE(view.messages.back().content.find("Environment feedback: Finalised"),
                std::string::npos);
    }
    world.deliver(reply_of(*player, view));
  }
  EXPECT_EQ(updates, 3);
}

TEST(PdePlayers, TheExpertFindsTheEquationAndMorePointsHelp) {
  const PositionScores train = score_player(scenario_named("pde_discovery_train"), "expert", 100);
  const PositionScores random = score_player(scenario_named("pde_discovery_train"), "random", 100);
  const PositionScores oracle = score_player(scenario_named("pde_discovery_train"), "oracle", 20);
  EXPECT_GT(train.reward[3], train.reward[0] + 0.05);
  EXPECT_GT(train.reward[3], 0.8);
  EXPECT_LT(random.reward[3], 0.45);
  EXPECT_EQ(oracle.reward[0], 1.0);
}

}  // namespace
}  // namespace turnhalle::pde
