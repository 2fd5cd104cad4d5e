// Exact planning on a frozen lake whose buttons are uncertain: expectimax over the posterior.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "envs/frozen_lake_board.h"

namespace turnhalle::frozen_lake {

/// A set of the 24 permutations of buttons, one bit each.
using Permutations = std::uint32_t;
inline constexpr Permutations kAllPermutations = (Permutations{1} << 24) - 1;

/// Those in which a button, 0 … 3, means a cardinal.
Permutations permutations_with(std::uint8_t button, Cardinal cardinal);
/// Those that explain a move.
Permutations permutations_with(const Board& board, const Move& move);

/// How likely each of them is, not normalised.
using Weights = std::array<double, 24>;

struct Plan {
  int button = 0;                    ///< 0 … 3
  Cardinal wanted = Cardinal::down;  ///< what it is pressed for: certain, or the likely best
  double value = 0.0;                ///< expected shaped reward of the task
};

/// Values of (cell, posterior, moves left) are kept for as long as the board stays the same.
class Planner {
 public:
  /// The best button for the current task, the lowest among equals. `posterior` is not empty.
  Plan best(const Seen& seen, Permutations posterior);
  /// The same for permutations that are not equally likely; those of `posterior` have weights
  /// above 0.
  Plan best(const Seen& seen, Permutations posterior, const Weights& weights);

 private:
  struct Node {
    Cell cell;
    Permutations posterior = 0;
    std::int64_t left = 0;  ///< moves
  };
  struct Slot {
    std::uint64_t key = 0;
    double value = 0.0;
  };
  void begin(const Seen& seen, const Weights& weights);
  double mass(Permutations part) const;
  double success(std::int64_t moves_used) const;
  double bound(Cell cell, std::int64_t left) const;
  double value(const Node& node);
  double value_of(const Node& node, std::uint8_t button, double to_beat);
  double* find(std::uint64_t key);
  void insert(std::uint64_t key, double value);
  void grow();

  Board board_;
  std::int64_t budget_ = 0;
  Weights weights_{};
  bool equal_ = false;  ///< whether all weights are 0 or 1
  std::array<std::uint8_t, 64> distance_{};
  std::uint64_t generation_ = 0;  ///< of the board; older slots count as empty
  std::size_t used_ = 0;          ///< slots of this generation
  std::vector<Slot> table_;       ///< open addressing; the size is a power of two
};

}  // namespace turnhalle::frozen_lake
