// The cost map of grid_navigation, its rook moves, exact planning on known costs, and what a
// player may see.
//
// Used by the environment (grid_navigation.cc), its words and its players.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "core/rng.h"

namespace turnhalle::grid {

inline constexpr std::int64_t kSideMin = 4;
inline constexpr std::int64_t kSideMax = 16;

struct Cell {
  std::int64_t row = 0;
  std::int64_t column = 0;
  bool operator==(const Cell&) const = default;
};
inline bool in_line(Cell one, Cell other) {
  return one != other && (one.row == other.row || one.column == other.column);
}

/// Something for every cell of an n × n square, row by row.
template <class T>
struct Square {
  std::int64_t side = 0;
  std::vector<T> values;

  Square() = default;
  Square(std::int64_t n, T value) : side(n), values(static_cast<std::size_t>(n * n), value) {}
  auto operator[](Cell cell) const { return values[index(cell)]; }
  decltype(auto) at(Cell cell) { return values[index(cell)]; }
  bool has(Cell cell) const {
    return cell.row >= 0 && cell.column >= 0 && cell.row < side && cell.column < side;
  }

 private:
  std::size_t index(Cell cell) const {
    return static_cast<std::size_t>(cell.row * side + cell.column);
  }
};

/// Costs are whole numbers from 0 to 99.
using CostMap = Square<std::int64_t>;

struct MapOptions {
  std::pair<std::int64_t, std::int64_t> side{8, 12};
  std::int64_t hills = 4;                       ///< Gaussians
  std::pair<double, double> scale{0.15, 0.45};  ///< their widths; the map's side is 1
};
/// A sum of Gaussians (centre uniform, long scale uniform, short scale uniform below it, angle
/// uniform, amplitude uniform in 0.8 … 1.2) with cells from 0 to 1 either way, scaled to 0 … 1,
/// squared, times 99, rounded.
CostMap draw_map(const MapOptions& options, RandomKey key);

/// The cells that a rook move enters: those that it crosses and the one where it ends.
std::vector<Cell> entered_cells(Cell from, Cell to);

/// A trip: exactly `rounds` moves from `start` to `goal`.
struct Trip {
  Cell start;
  Cell goal;
  std::int64_t rounds = 0;
};
/// The goal is where a uniform walk of `rounds` rook moves ends, and differs from the start.
Trip draw_trip(std::int64_t side, std::int64_t rounds, RandomKey key);

/// What was paid so far: the mean is over all entered cells, each as often as it is entered.
struct Paid {
  double sum = 0.0;
  std::int64_t cells = 0;
  double mean() const { return cells == 0 ? 0.0 : sum / static_cast<double>(cells); }
};

/// The move with which a trip of the lowest mean cost begins, given what is paid already.
/// Exact: Dinkelbach's iteration on the mean (Management Science 13, 1967), with dynamic
/// programming over (moves left, cell) for each value of it. `trip.rounds` ≥ 1 moves are left.
struct BestTrip {
  Cell first;
  double mean = 0.0;  ///< over the whole trip, what is paid included
};
BestTrip best_trip(const Square<double>& costs, const Trip& trip, Paid paid);

/// A uniform one of all walks that make the trip: its first move. None exists for a single move
/// between cells that are not in line; `feasible` says so.
Cell uniform_walk_step(std::int64_t side, const Trip& left, Random& random);
bool feasible(std::int64_t side, const Trip& left);

/// What the agent has been shown.
struct Seen {
  Square<std::int64_t> known;  ///< cost, or −1 where it is not revealed
  Trip trip;
  Cell position;
  std::int64_t moves = 0;
  Paid paid;
};

/// How players look at the environment. Only the oracle asks for the map.
class Observable {
 public:
  virtual ~Observable() = default;
  virtual const Seen& seen() const = 0;
  virtual const CostMap& hidden_map() const = 0;
};

}  // namespace turnhalle::grid
