#include "envs/grid_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/check.h"

namespace turnhalle::grid {
namespace {

struct Hill {
  double row = 0.0;
  double column = 0.0;
  double along = 1.0;  // scales of the two axes
  double across = 1.0;
  double cosine = 1.0;  // of the long axis' angle
  double sine = 0.0;
  double amplitude = 1.0;

  double at(double y, double x) const {
    const double u = (cosine * (x - column) + sine * (y - row)) / along;
    const double v = (cosine * (y - row) - sine * (x - column)) / across;
    return amplitude * std::exp(-0.5 * (u * u + v * v));
  }
};

Hill draw_hill(std::pair<double, double> scale, Random& random) {
  Hill hill;
  hill.row = random.uniform();
  hill.column = random.uniform();
  hill.along = random.uniform(scale.first, scale.second);
  hill.across = random.uniform(scale.first, hill.along);
  const double angle = random.uniform(0.0, std::numbers::pi);
  hill.cosine = std::cos(angle);
  hill.sine = std::sin(angle);
  hill.amplitude = random.uniform(0.8, 1.2);
  return hill;
}

// Calls visit(cell) for every cell that one move from `from` can end in.
template <class Visit>
void for_each_move(std::int64_t side, Cell from, const Visit& visit) {
  for (std::int64_t i = 0; i < side; ++i) {
    if (i != from.row) visit(Cell{i, from.column});
    if (i != from.column) visit(Cell{from.row, i});
  }
}

// Sums of costs along rows and columns, so that a move's cost is a difference.
class LineSums {
 public:
  explicit LineSums(const Square<double>& costs)
      : costs_(costs), row_(costs.side, 0.0), column_(costs.side, 0.0) {
    for (std::int64_t r = 0; r < costs.side; ++r) {
      for (std::int64_t c = 0; c < costs.side; ++c) {
        const double cost = costs[{r, c}];
        row_.at({r, c}) = cost + (c > 0 ? row_[{r, c - 1}] : 0.0);
        column_.at({r, c}) = cost + (r > 0 ? column_[{r - 1, c}] : 0.0);
      }
    }
  }

  // Of all cells entered by the move; their number is the distance.
  double move(Cell from, Cell to) const {
    const Square<double>& sums = from.row == to.row ? row_ : column_;
    const double between = std::abs(sums[to] - sums[from]);
    const bool forward = to.row > from.row || to.column > from.column;
    return forward ? between : between - costs_[from] + costs_[to];
  }

 private:
  const Square<double>& costs_;
  Square<double> row_;
  Square<double> column_;
};

std::int64_t distance(Cell from, Cell to) {
  return std::abs(from.row - to.row) + std::abs(from.column - to.column);
}

// The trip that minimises the sum of (cost − price) over its entered cells.
struct Priced {
  Cell first;
  double sum = 0.0;  // of the costs
  std::int64_t cells = 0;
};

// Value, and the sums it is made of, from one cell with some moves left.
struct Rest {
  double value = std::numeric_limits<double>::infinity();
  double sum = 0.0;
  std::int64_t cells = 0;
  Cell next;
};

Priced cheapest(const Square<double>& costs, const LineSums& sums, const Trip& trip, double price) {
  Square<Rest> after(costs.side, Rest{});
  after.at(trip.goal).value = 0.0;
  for (std::int64_t left = 1; left <= trip.rounds; ++left) {
    Square<Rest> now(costs.side, Rest{});
    for (std::int64_t r = 0; r < costs.side; ++r) {
      for (std::int64_t c = 0; c < costs.side; ++c) {
        const Cell from{r, c};
        if (left == trip.rounds && from != trip.start) continue;
        Rest& best = now.at(from);
        for_each_move(costs.side, from, [&](Cell to) {
          const Rest& rest = after.at(to);
          const double sum = sums.move(from, to);
          const std::int64_t cells = distance(from, to);
          const double value = rest.value + sum - price * static_cast<double>(cells);
          if (value < best.value) best = {value, rest.sum + sum, rest.cells + cells, to};
        });
      }
    }
    after = std::move(now);
  }
  const Rest& found = after.at(trip.start);
  check(found.cells > 0, "a trip is possible");
  return {found.next, found.sum, found.cells};
}

// How a cell lies to the goal, for counting walks.
enum class Place : std::uint8_t { same, line, other };

Place place_of(Cell cell, Cell goal) {
  if (cell == goal) return Place::same;
  return in_line(cell, goal) ? Place::line : Place::other;
}

// The number of walks of `moves` rook moves that end at the goal, by where they begin.
std::array<double, 3> walk_counts(std::int64_t side, std::int64_t moves) {
  const auto m = static_cast<double>(side - 1);
  std::array<double, 3> counts = {1.0, 0.0, 0.0};
  for (std::int64_t i = 0; i < moves; ++i) {
    const auto [same, line, other] = counts;
    counts = {2.0 * m * line, same + (m - 1.0) * line + m * other,
              2.0 * line + 2.0 * (m - 1.0) * other};
  }
  return counts;
}

double walks(std::int64_t side, Cell from, Cell goal, std::int64_t moves) {
  return walk_counts(side, moves)[static_cast<std::size_t>(place_of(from, goal))];
}

}  // namespace

CostMap draw_map(const MapOptions& options, RandomKey key) {
  Random random(key.split("map"));
  const std::int64_t side = random.between(options.side.first, options.side.second);
  std::vector<Hill> hills;
  for (std::int64_t i = 0; i < options.hills; ++i) {
    hills.push_back(draw_hill(options.scale, random));
  }
  std::vector<double> heights;
  for (std::int64_t r = 0; r < side; ++r) {
    for (std::int64_t c = 0; c < side; ++c) {
      const double y = static_cast<double>(r) / static_cast<double>(side - 1);
      const double x = static_cast<double>(c) / static_cast<double>(side - 1);
      double height = 0.0;
      for (const Hill& hill : hills) height += hill.at(y, x);
      heights.push_back(height);
    }
  }
  const auto [low, high] = std::minmax_element(heights.begin(), heights.end());
  const double span = *high - *low;
  CostMap map(side, 0);
  for (std::size_t i = 0; i < heights.size(); ++i) {
    const double share = span > 0.0 ? (heights[i] - *low) / span : 0.0;
    map.values[i] = std::llrint(99.0 * share * share);
  }
  return map;
}

std::vector<Cell> entered_cells(Cell from, Cell to) {
  std::vector<Cell> cells;
  const auto sign = [](std::int64_t value) { return value > 0 ? 1 : value < 0 ? -1 : 0; };
  const Cell step{sign(to.row - from.row), sign(to.column - from.column)};
  for (Cell cell = from; cell != to;) {
    cell = {cell.row + step.row, cell.column + step.column};
    cells.push_back(cell);
  }
  return cells;
}

Trip draw_trip(std::int64_t side, std::int64_t rounds, RandomKey key) {
  Random random(key.split("trip"));
  const auto coordinate = [&] { return random.between(0, side - 1); };
  Trip trip{{coordinate(), coordinate()}, {}, rounds};
  do {
    trip.goal = trip.start;
    for (std::int64_t i = 0; i < rounds; ++i) {
      std::int64_t& moved = random.chance(1, 2) ? trip.goal.row : trip.goal.column;
      const std::int64_t other = random.between(0, side - 2);
      moved = other + (other >= moved ? 1 : 0);
    }
  } while (trip.goal == trip.start);
  return trip;
}

BestTrip best_trip(const Square<double>& costs, const Trip& trip, Paid paid) {
  const LineSums sums(costs);
  BestTrip best;
  double price = 100.0;  // above any mean, from where the iteration falls to the lowest
  for (int i = 0; i < 64; ++i) {
    const Priced found = cheapest(costs, sums, trip, price);
    const double mean = (paid.sum + found.sum) / static_cast<double>(paid.cells + found.cells);
    if (i > 0 && mean >= best.mean - 1e-12) break;
    best = {found.first, mean};
    price = mean;
  }
  return best;
}

bool feasible(std::int64_t side, const Trip& left) {
  return walks(side, left.start, left.goal, left.rounds) > 0.0;
}

Cell uniform_walk_step(std::int64_t side, const Trip& left, Random& random) {
  const std::array<double, 3> rest = walk_counts(side, left.rounds - 1);
  double draw = random.uniform() * walks(side, left.start, left.goal, left.rounds);
  Cell chosen = left.start;
  for_each_move(side, left.start, [&](Cell to) {
    const double count = rest[static_cast<std::size_t>(place_of(to, left.goal))];
    if (draw >= 0.0 && count > 0.0) chosen = to;
    draw -= count;
  });
  check(chosen != left.start, "a walk to the goal exists");
  return chosen;
}

}  // namespace turnhalle::grid
