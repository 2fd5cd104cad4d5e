// Maps, moves, planning, rules and players of grid_navigation.
#include "envs/grid_navigation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/env_check.h"
#include "envs/grid_players.h"
#include "envs/grid_text.h"
#include "tests/envs/family_case.h"
#include "tests/envs/player_scores.h"

namespace turnhalle::grid {
namespace {

Task task_of(std::uint64_t hidden, std::int64_t number = 0) {
  return {key_of(hidden).split("hidden"),
          key_of(hidden).split("task").split(static_cast<std::uint64_t>(number)), number, number};
}

const Observable& observable(const Environment& environment) {
  return dynamic_cast<const Observable&>(environment);
}

StepResult go(Environment& environment, Cell to) {
  return say(environment, "<answer>" + cell_text(to) + "</answer>");
}

TEST(GridMap, CostsFillTheRangeAndAreMostlyLow) {
  double sum = 0.0;
  std::set<std::int64_t> sides;
  for (std::uint64_t i = 0; i < 300; ++i) {
    const CostMap map = draw_map({}, key_of(i));
    sides.insert(map.side);
    ASSERT_EQ(map.values.size(), static_cast<std::size_t>(map.side * map.side));
    EXPECT_EQ(*std::min_element(map.values.begin(), map.values.end()), 0);
    EXPECT_EQ(*std::max_element(map.values.begin(), map.values.end()), 99);
    double mean = 0.0;
    for (const std::int64_t cost : map.values) mean += static_cast<double>(cost);
    sum += mean / static_cast<double>(map.values.size());
  }
  EXPECT_EQ(sides, (std::set<std::int64_t>{8, 9, 10, 11, 12}));
  EXPECT_NEAR(sum / 300, 28.0, 6.0);  // squaring pulls the costs down
}

TEST(GridMap, MovesEnterWhatTheyCrossAndWhereTheyEnd) {
  EXPECT_EQ(entered_cells({2, 3}, {2, 5}), (std::vector<Cell>{{2, 4}, {2, 5}}));
  EXPECT_EQ(entered_cells({2, 3}, {0, 3}), (std::vector<Cell>{{1, 3}, {0, 3}}));
  EXPECT_TRUE(in_line({1, 1}, {1, 4}));
  EXPECT_FALSE(in_line({1, 1}, {2, 4}));
  EXPECT_FALSE(in_line({1, 1}, {1, 1}));
}

// All trips, one after another.
void for_each_trip(std::int64_t side, const Trip& trip, std::vector<Cell>& path,
                   const std::function<void(const std::vector<Cell>&)>& visit) {
  const Cell from = path.back();
  const std::int64_t left = trip.rounds - static_cast<std::int64_t>(path.size()) + 1;
  if (left == 0) {
    if (from == trip.goal) visit(path);
    return;
  }
  for (std::int64_t row = 0; row < side; ++row) {
    for (std::int64_t column = 0; column < side; ++column) {
      if (!in_line(from, {row, column})) continue;
      path.push_back({row, column});
      for_each_trip(side, trip, path, visit);
      path.pop_back();
    }
  }
}

Paid cost_of(const Square<double>& costs, const std::vector<Cell>& path, Paid paid) {
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    for (const Cell cell : entered_cells(path[i], path[i + 1])) {
      paid.sum += costs[cell];
      ++paid.cells;
    }
  }
  return paid;
}

TEST(GridPlanner, FindsTheLowestMeanOfAllTrips) {
  for (std::uint64_t i = 0; i < 60; ++i) {
    Random random(key_of(i));
    Square<double> costs(5, 0.0);
    for (double& cost : costs.values) cost = random.uniform(0.0, 99.0);
    const Trip trip = draw_trip(5, random.between(2, 4), key_of(i));
    const Paid paid = i % 3 == 0 ? Paid{} : Paid{random.uniform(0.0, 300.0), 3};
    const BestTrip found = best_trip(costs, trip, paid);
    double best = 1e9;
    double best_after_first = 1e9;  // several trips may enter the same cells
    std::vector<Cell> path = {trip.start};
    for_each_trip(5, trip, path, [&](const std::vector<Cell>& whole) {
      const double mean = cost_of(costs, whole, paid).mean();
      best = std::min(best, mean);
      if (whole[1] == found.first) best_after_first = std::min(best_after_first, mean);
    });
    EXPECT_NEAR(found.mean, best, 1e-9);
    EXPECT_NEAR(best_after_first, best, 1e-9);
  }
}

TEST(GridTrips, UniformWalksAreUniform) {
  const Trip trip{{0, 0}, {1, 2}, 3};
  std::map<std::vector<std::int64_t>, int> counts;
  std::vector<Cell> path = {trip.start};
  int walks = 0;
  for_each_trip(4, trip, path, [&](const std::vector<Cell>&) { ++walks; });
  constexpr int kDraws = 20'000;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    Random random(key_of(i));
    Trip left = trip;
    std::vector<std::int64_t> walk;
    for (; left.rounds > 0; --left.rounds) {
      left.start = uniform_walk_step(4, left, random);
      walk.push_back(left.start.row * 4 + left.start.column);
    }
    EXPECT_EQ(left.start, trip.goal);
    ++counts[walk];
  }
  EXPECT_EQ(static_cast<int>(counts.size()), walks);
  for (const auto& [walk, count] : counts) {
    EXPECT_NEAR(count, kDraws / walks, 5.0 * std::sqrt(kDraws / walks));
  }
}

TEST(GridTrips, CanBeMadeAndLeadSomewhereElse) {
  for (std::uint64_t i = 0; i < 500; ++i) {
    const Trip trip = draw_trip(8, 2 + static_cast<std::int64_t>(i % 4), key_of(i));
    EXPECT_NE(trip.start, trip.goal);
    EXPECT_TRUE(feasible(8, trip));
  }
  EXPECT_FALSE(feasible(8, {{0, 0}, {1, 1}, 1}));
  EXPECT_FALSE(feasible(8, {{0, 0}, {0, 0}, 1}));
  EXPECT_TRUE(feasible(8, {{0, 0}, {0, 0}, 2}));
}

TEST(GridNavigation, RevealsTheSurroundingsOfEnteredCellsForTheWholeLifecycle) {
  for (const bool remembered : {true, false}) {
    const auto game =
        read_options(entry(), remembered ? "{}" : "{\"map_remembered\":false}", PromptStyle::paper)
            .value()
            ->make();
    game->reset(task_of(1));
    const Seen& seen = observable(*game).seen();
    const auto revealed = [&seen] {
      return std::count_if(seen.known.values.begin(), seen.known.values.end(),
                           [](std::int64_t cost) { return cost >= 0; });
    };
    EXPECT_EQ(revealed(), 0);
    const Cell from = seen.position;
    const Cell to{from.row, from.column == 0 ? 1 : 0};
    go(*game, to);
    std::int64_t expected = 0;
    for (std::int64_t row = 0; row < seen.known.side; ++row) {
      for (std::int64_t column = 0; column < seen.known.side; ++column) {
        bool near = false;
        for (const Cell cell : entered_cells(from, to)) {
          near = near || (std::abs(cell.row - row) <= 1 && std::abs(cell.column - column) <= 1);
        }
        const Cell cell{row, column};
        EXPECT_EQ(seen.known[cell], near ? observable(*game).hidden_map()[cell] : -1);
        expected += near ? 1 : 0;
      }
    }
    game->reset(task_of(1, 1));
    EXPECT_EQ(revealed(), remembered ? expected : 0);
    game->reset(task_of(1, 0));
    EXPECT_EQ(revealed(), 0);  // another lifecycle begins
  }
}

TEST(GridNavigation, PaysTheMeanOfEnteredCellsAtTheGoalAfterTheLastRound) {
  const auto family = read_options(entry(), "{}", PromptStyle::paper).value();
  const auto game = family->make();
  for (std::uint64_t i = 0; i < 40; ++i) {
    game->reset(task_of(i));
    const Seen& seen = observable(*game).seen();
    const CostMap& map = observable(*game).hidden_map();
    Random random(key_of(i));
    double sum = 0.0;
    std::int64_t cells = 0;
    StepResult result;
    while (result.outcome == Outcome::running) {
      const Trip left{seen.position, seen.trip.goal, seen.trip.rounds - seen.moves};
      const Cell to = uniform_walk_step(map.side, left, random);
      for (const Cell cell : entered_cells(seen.position, to)) {
        sum += static_cast<double>(map[cell]);
        ++cells;
      }
      result = go(*game, to);
    }
    EXPECT_EQ(result.outcome, Outcome::done);
    EXPECT_NEAR(result.reward, 1.0 - sum / static_cast<double>(cells) / 100.0, 1e-12);
  }
}

TEST(GridNavigation, IllegalMovesAndAMissedGoalGiveNothing) {
  const auto game = read_options(entry(), "{\"rounds\":2}", PromptStyle::paper).value()->make();
  for (const std::string text : {"(1,1)", "1", "1,1,1", "a,b", "", "-1,2", "99,99"}) {
    game->reset(task_of(2));
    const StepResult result = say(*game, "<answer>" + text + "</answer>");
    EXPECT_EQ(result.outcome, Outcome::agent_error) << text;
    EXPECT_EQ(result.reward, 0.0);
  }
  game->reset(task_of(2));
  const Seen& seen = observable(*game).seen();
  EXPECT_EQ(go(*game, seen.position).outcome, Outcome::agent_error);
  game->reset(task_of(2));
  const Cell start = seen.trip.start;
  go(*game, {start.row, (start.column + 1) % seen.known.side});
  const StepResult back = go(*game, start);
  EXPECT_EQ(back.outcome, Outcome::done);
  EXPECT_EQ(back.reward, 0.0);
  EXPECT_NE(back.observation.find("not at the goal"), std::string::npos);
}

struct Reference {
  std::string scenario;
  std::string role;
  double reward = 0.0;
};

class KnownGridScores : public testing::TestWithParam<Reference> {};

// Simulations of the specification, given to two digits: a uniform walk to the goal, and the
// exact oracle.
TEST_P(KnownGridScores, AreReached) {
  const Reference& known = GetParam();
  const PositionScores found = score_player(scenario_named(known.scenario), known.role, 250);
  double sum = 0.0;
  double error = 0.0;
  for (std::size_t i = 0; i < found.reward.size(); ++i) {
    EXPECT_EQ(found.success[i], 1.0);
    sum += found.reward[i] / static_cast<double>(found.reward.size());
    error = std::max(error, found.reward_error[i]);  // tasks of one map are not independent
  }
  EXPECT_NEAR(sum, known.reward, 4.0 * error + 0.005);
}

INSTANTIATE_TEST_SUITE_P(Players, KnownGridScores,
                         testing::Values(Reference{"grid_navigation_train", "random", 0.71},
                                         Reference{"grid_navigation_eval", "random", 0.68},
                                         Reference{"grid_navigation_train", "oracle", 0.93},
                                         Reference{"grid_navigation_eval", "oracle", 0.92}));

TEST(GridPlayers, TheExpertGainsFromWhatWasRevealed) {
  const PositionScores expert =
      score_player(scenario_named("grid_navigation_train"), "expert", 250);
  EXPECT_GT(expert.reward[0], 0.74);
  EXPECT_GT(expert.reward[3], expert.reward[0] + 0.03);
}

TEST(GridPlayers, TheDemonstratorIsWorseThanItsCleanForm) {
  const Scenario scenario = scenario_named("grid_navigation_small_compact");
  const PositionScores clean = score_player(scenario, "demonstrator_clean", 400);
  const PositionScores noisy = score_player(scenario, "demonstrator", 400);
  EXPECT_GT(clean.reward[3], noisy.reward[3] + 0.02);
}

TEST(GridCompactStyle, ConsistsOfItsPiecesAndIsShort) {
  const std::vector<std::string> pieces = compact_vocabulary();
  EXPECT_EQ(std::set<std::string>(pieces.begin(), pieces.end()).size(), pieces.size());
  EXPECT_LT(pieces.size(), 50u);
  const auto game =
      read_options(entry(), "{\"side\":6,\"rounds\":3}", PromptStyle::compact).value()->make();
  const Opening opening = game->reset(task_of(1));
  EXPECT_LE(count_pieces(opening.user, pieces), 55);
  EXPECT_GT(count_pieces(opening.user, pieces), 42);
}

TEST(GridOptions, AreReadWithTheirBounds) {
  const auto refused = [](const std::string& options, PromptStyle style) {
    const auto family = read_options(entry(), options, style);
    return family ? std::string("accepted") : family.error().text();
  };
  EXPECT_NE(refused("{\"side\":3}", PromptStyle::paper).find("/side"), std::string::npos);
  EXPECT_NE(refused("{\"side\":[8,12]}", PromptStyle::compact).find("at most 10"),
            std::string::npos);
  EXPECT_NE(refused("{\"round\":3}", PromptStyle::paper).find("\"rounds\""), std::string::npos);
}

}  // namespace
}  // namespace turnhalle::grid
