#include "envs/frozen_lake_board.h"

#include <cmath>
#include <cstddef>

#include "core/check.h"

namespace turnhalle::frozen_lake {
namespace {

// 16-bit draws, eight from each block of Philox: a board costs a handful of blocks.
class ShortDraws {
 public:
  explicit ShortDraws(RandomKey key) : key_(key) {}

  std::uint32_t next() {
    if (left_ == 0) {
      block_ = philox(key_, counter_++);
      left_ = 8;
    }
    --left_;
    const std::uint32_t word = block_[left_ >> 1];
    return (left_ & 1) != 0 ? word >> 16 : word & 0xffff;
  }

  // Uniform below `bound` ≤ 64, by rejection.
  std::uint32_t below(std::uint32_t bound) {
    const std::uint32_t limit = 65536 - 65536 % bound;
    std::uint32_t draw = next();
    while (draw >= limit) {
      draw = next();
    }
    return draw % bound;
  }

 private:
  RandomKey key_;
  std::uint64_t counter_ = 0;
  std::array<std::uint32_t, 4> block_{};
  std::uint32_t left_ = 0;
};

Cell nth_cell(std::uint32_t n, std::uint32_t side) {
  return cell_at(static_cast<int>(n / side), static_cast<int>(n % side));
}

Board draw_candidate(std::uint8_t side, std::uint32_t frozen_below, ShortDraws& draws) {
  Board board;
  board.side = side;
  const std::uint32_t count = std::uint32_t{side} * side;
  for (std::uint32_t n = 0; n < count; ++n) {
    if (draws.next() >= frozen_below) {
      board.holes |= nth_cell(n, side).bit();
    }
  }
  const std::uint32_t start = draws.below(count);
  const std::uint32_t other = draws.below(count - 1);
  board.start = nth_cell(start, side);
  board.goal = nth_cell(other < start ? other : other + 1, side);
  board.holes &= ~(board.start.bit() | board.goal.bit());
  return board;
}

// The cells next to a set of cells.
std::uint64_t spread(std::uint64_t cells) {
  return (cells << 8) | (cells >> 8) | (cells << 1) | (cells >> 1);
}

}  // namespace

std::uint64_t Board::cells() const {
  const std::uint64_t row = (std::uint64_t{1} << side) - 1;
  std::uint64_t all = 0;
  for (int i = 0; i < side; ++i) {
    all |= row << (8 * i);
  }
  return all;
}

std::array<std::uint8_t, 64> distances_to_goal(const Board& board) {
  std::array<std::uint8_t, 64> distance;
  distance.fill(kUnreachable);
  std::uint64_t unseen = board.cells() & ~board.holes;
  std::uint64_t frontier = board.goal.bit();
  for (std::uint8_t steps = 0; frontier != 0; ++steps) {
    unseen &= ~frontier;
    for (std::uint64_t rest = frontier; rest != 0; rest &= rest - 1) {
      distance[static_cast<std::size_t>(__builtin_ctzll(rest))] = steps;
    }
    frontier = spread(frontier) & unseen;
  }
  return distance;
}

bool search_accepts(const Board& board, std::int64_t search_depth) {
  struct Entry {
    std::uint8_t index;  // of the cell; no initialiser, so that the stack is not cleared
    std::uint8_t depth;
  };
  // A cell is expanded once and pushes at most four entries; no path is longer than 255.
  std::array<Entry, 4 * kSideMax * kSideMax + 1> stack;
  std::size_t size = 0;
  stack[size++] = {board.start.index, 0};
  std::uint64_t visited = 0;
  while (size > 0) {
    const Entry entry = stack[--size];
    const Cell cell{entry.index};
    if (entry.depth > search_depth || (visited & cell.bit()) != 0) {
      continue;
    }
    visited |= cell.bit();
    for (const Cardinal cardinal : kCardinals) {
      const Cell next = board.neighbour(cell, cardinal);
      if (next == board.goal) {
        return true;
      }
      if (next != cell && !board.is_hole(next)) {
        stack[size++] = {next.index, static_cast<std::uint8_t>(entry.depth + 1)};
      }
    }
  }
  return false;
}

Board draw_board(const BoardOptions& options, RandomKey key) {
  // Start and goal touch in at least 7 % of the draws, so this bound is never met.
  constexpr int kTriesMax = 100'000;
  const auto frozen_below = static_cast<std::uint32_t>(std::lround(options.frozen_share * 65536));
  ShortDraws draws(key);
  for (int i = 0; i < kTriesMax; ++i) {
    const Board board = draw_candidate(options.side, frozen_below, draws);
    if (search_accepts(board, options.search_depth)) {
      return board;
    }
  }
  check(false, "a board is accepted within the bound of tries");
  return {};
}

}  // namespace turnhalle::frozen_lake
