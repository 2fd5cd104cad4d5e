// The board of frozen_lake_obscure: cells, the generator, distances, and what a player may see.
//
// Used by the environment (frozen_lake_obscure.cc) and its players (frozen_lake_players.cc).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/rng.h"

namespace turnhalle::frozen_lake {

/// Sides of boards are at most 7: a row takes 8 bits of a 64-bit set of cells, and the spare
/// column and row keep shifted sets apart.
inline constexpr std::int64_t kSideMin = 4;
inline constexpr std::int64_t kSideMax = 7;

/// What a button may mean, in the order in which all lists of them are written.
enum class Cardinal : std::uint8_t { down, right, up, left };
inline constexpr std::array<Cardinal, 4> kCardinals = {Cardinal::down, Cardinal::right,
                                                       Cardinal::up, Cardinal::left};
inline constexpr std::array<std::string_view, 4> kCardinalNames = {"Down", "Right", "Up", "Left"};
constexpr std::size_t index_of(Cardinal cardinal) { return static_cast<std::size_t>(cardinal); }

/// One square of the board.
struct Cell {
  std::uint8_t index = 0;  ///< row · 8 + column
  int row() const { return index >> 3; }
  int column() const { return index & 7; }
  std::uint64_t bit() const { return std::uint64_t{1} << index; }
  bool operator==(const Cell&) const = default;
};
constexpr Cell cell_at(int row, int column) {
  return {static_cast<std::uint8_t>(row * 8 + column)};
}

struct Board {
  std::uint8_t side = 0;
  Cell start;
  Cell goal;
  std::uint64_t holes = 0;  ///< set of cells

  std::uint64_t cells() const;  ///< all cells of the square
  bool is_hole(Cell cell) const { return (holes & cell.bit()) != 0; }
  /// Where one move leads; off the board is where it began.
  Cell neighbour(Cell from, Cardinal cardinal) const {
    const int last = side - 1;
    switch (cardinal) {
      case Cardinal::down:
        return from.row() == last ? from : Cell{static_cast<std::uint8_t>(from.index + 8)};
      case Cardinal::right:
        return from.column() == last ? from : Cell{static_cast<std::uint8_t>(from.index + 1)};
      case Cardinal::up:
        return from.row() == 0 ? from : Cell{static_cast<std::uint8_t>(from.index - 8)};
      case Cardinal::left:
        break;
    }
    return from.column() == 0 ? from : Cell{static_cast<std::uint8_t>(from.index - 1)};
  }
};

inline constexpr std::uint8_t kUnreachable = 255;
/// Fewest moves from each cell to the goal without entering a hole.
std::array<std::uint8_t, 64> distances_to_goal(const Board& board);

struct BoardOptions {
  std::uint8_t side = 4;
  double frozen_share = 0.65;     ///< chance of a cell to be ice, in steps of 1/65536
  std::int64_t search_depth = 6;  ///< of the search that accepts a board
};

/// Draws boards until the depth-first search of the paper's generator accepts one: a stack, the
/// neighbours pushed in the order of Cardinal, a cell marked when it is popped, entries deeper
/// than `search_depth` skipped, success when a popped cell touches the goal. An accepted board
/// has a path of at most search_depth + 1 moves.
Board draw_board(const BoardOptions& options, RandomKey key);
/// Whether that search finds the goal.
bool search_accepts(const Board& board, std::int64_t search_depth);

/// One press of a button.
struct Move {
  std::uint8_t direction = 0;  ///< 0 … 3 for "Direction 1" … "Direction 4"
  Cell from;
  Cell to;
};

/// What the agent has been shown of an episode, plus where the last move ended.
struct Seen {
  Board board;
  Cell position;
  std::int64_t budget = 0;
  bool last_move_told = false;  ///< whether the final feedback says where the last move led
  bool over = false;
  std::vector<Move> moves;  ///< of this episode
};

/// How players look at the environment without its hidden buttons.
class Observable {
 public:
  virtual ~Observable() = default;
  virtual const Seen& seen() const = 0;
};

}  // namespace turnhalle::frozen_lake
