#include "envs/frozen_lake_planner.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/check.h"
#include "envs/frozen_lake_players.h"

namespace turnhalle::frozen_lake {
namespace {

constexpr double kTie = 1e-12;

// [button][cardinal] → the permutations that have it, in lexicographic order.
constexpr std::array<std::array<Permutations, 4>, 4> kHaving = [] {
  std::array<std::array<Permutations, 4>, 4> having{};
  std::array<std::uint8_t, 4> permutation = {0, 1, 2, 3};
  for (int number = 0; number < 24; ++number) {
    for (std::size_t button = 0; button < 4; ++button) {
      having[button][permutation[button]] |= Permutations{1} << number;
    }
    std::next_permutation(permutation.begin(), permutation.end());
  }
  return having;
}();

// Key of a node: generation 26 bits, moves left 8, cell 6, posterior 24.
std::uint64_t key_of(std::uint64_t generation, Cell cell, Permutations posterior,
                     std::int64_t left) {
  return generation << 38 | static_cast<std::uint64_t>(left) << 30 |
         static_cast<std::uint64_t>(cell.index) << 24 | posterior;
}

std::size_t hash(std::uint64_t key) {
  key *= 0x9E3779B97F4A7C15;
  return static_cast<std::size_t>(key ^ (key >> 29));
}

bool same(const Board& a, const Board& b) {
  return a.side == b.side && a.goal == b.goal && a.holes == b.holes;
}

}  // namespace

Permutations permutations_with(std::uint8_t button, Cardinal cardinal) {
  return kHaving[button][index_of(cardinal)];
}

Permutations permutations_with(const Board& board, const Move& move) {
  Permutations all = 0;
  for (const Cardinal cardinal : kCardinals) {
    if (board.neighbour(move.from, cardinal) == move.to) {
      all |= permutations_with(move.direction, cardinal);
    }
  }
  return all;
}

double Planner::success(std::int64_t moves_used) const {
  return 1.0 - kTurnPenalty * static_cast<double>(moves_used) / static_cast<double>(budget_);
}

// What a player who knew the buttons would get: no plan is worth more.
double Planner::bound(Cell cell, std::int64_t left) const {
  const std::int64_t distance = distance_[cell.index];
  return distance > left ? 0.0 : success(budget_ - left + distance);
}

double Planner::value(const Node& node) {
  const double most = bound(node.cell, node.left);
  if (most == 0.0 || std::has_single_bit(node.posterior)) {
    return most;
  }
  const std::uint64_t key = key_of(generation_, node.cell, node.posterior, node.left);
  if (const double* known = find(key)) {
    return *known;
  }
  double best = 0.0;
  for (std::uint8_t button = 0; button < 4 && best < most - kTie; ++button) {
    best = std::max(best, value_of(node, button, best));
  }
  insert(key, best);
  return best;
}

// The value of pressing a button, or something at most `to_beat` once it cannot be more.
double Planner::value_of(const Node& node, std::uint8_t button, double to_beat) {
  struct Branch {
    Cell cell;
    Permutations posterior = 0;
  };
  std::array<Branch, 4> branches{};
  std::size_t count = 0;
  Permutations blocked = 0;
  const double whole = mass(node.posterior);
  double sum = 0.0;
  double open = 0.0;  // the most that the branches not yet looked into can add
  const auto share = [whole, this](Permutations part) { return mass(part) / whole; };
  for (const Cardinal cardinal : kCardinals) {
    const Permutations part = node.posterior & permutations_with(button, cardinal);
    const Cell next = board_.neighbour(node.cell, cardinal);
    if (part == 0 || board_.is_hole(next)) {
      continue;
    }
    if (next == board_.goal) {
      sum += share(part) * success(budget_ - node.left + 1);
    } else if (next == node.cell) {
      blocked |= part;
    } else {
      branches[count++] = {next, part};
      open += share(part) * bound(next, node.left - 1);
    }
  }
  if (blocked == node.posterior) {
    return 0.0;  // certainly blocked: nothing moves and nothing is learned
  }
  if (blocked != 0) {
    branches[count++] = {node.cell, blocked};
    open += share(blocked) * bound(node.cell, node.left - 1);
  }
  for (std::size_t i = 0; i < count && sum + open > to_beat; ++i) {
    const Branch& branch = branches[i];
    open -= share(branch.posterior) * bound(branch.cell, node.left - 1);
    sum += share(branch.posterior) * value({branch.cell, branch.posterior, node.left - 1});
  }
  return sum;
}

double Planner::mass(Permutations part) const {
  if (equal_) return std::popcount(part);
  double sum = 0.0;
  for (; part != 0; part &= part - 1) {
    sum += weights_[static_cast<std::size_t>(std::countr_zero(part))];
  }
  return sum;
}

// What is in the table holds for one board, budget and weighting.
void Planner::begin(const Seen& seen, const Weights& weights) {
  if (same(board_, seen.board) && budget_ == seen.budget && weights_ == weights &&
      !table_.empty()) {
    return;
  }
  board_ = seen.board;
  budget_ = seen.budget;
  weights_ = weights;
  equal_ = std::all_of(weights.begin(), weights.end(),
                       [](double weight) { return weight == 0.0 || weight == 1.0; });
  distance_ = distances_to_goal(board_);
  ++generation_;
  used_ = 0;
  if (table_.empty()) table_.resize(1024);
}

Plan Planner::best(const Seen& seen, Permutations posterior) {
  Weights weights;
  weights.fill(1.0);
  return best(seen, posterior, weights);
}

Plan Planner::best(const Seen& seen, Permutations posterior, const Weights& weights) {
  check(posterior != 0, "a plan needs a permutation that is possible");
  begin(seen, weights);
  const Node node{seen.position, posterior, budget_ - static_cast<std::int64_t>(seen.moves.size())};
  Plan plan;
  plan.value = -1.0;
  for (std::uint8_t button = 0; button < 4; ++button) {
    const double worth = value_of(node, button, plan.value);
    if (worth > plan.value + kTie) {
      plan.value = worth;
      plan.button = button;
    }
  }
  // Among what the button may mean, the step that is nearest to the goal.
  int nearest = 2 * kUnreachable;
  for (const Cardinal cardinal : kCardinals) {
    const auto button = static_cast<std::uint8_t>(plan.button);
    const Cell next = board_.neighbour(node.cell, cardinal);
    if ((posterior & permutations_with(button, cardinal)) != 0 && distance_[next.index] < nearest) {
      nearest = distance_[next.index];
      plan.wanted = cardinal;
    }
  }
  return plan;
}

double* Planner::find(std::uint64_t key) {
  for (std::size_t i = hash(key);; ++i) {
    Slot& slot = table_[i & (table_.size() - 1)];
    if (slot.key == key) return &slot.value;
    if (slot.key >> 38 != generation_) return nullptr;
  }
}

void Planner::insert(std::uint64_t key, double value) {
  if (2 * (used_ + 1) > table_.size()) {
    grow();
  }
  for (std::size_t i = hash(key);; ++i) {
    Slot& slot = table_[i & (table_.size() - 1)];
    if (slot.key >> 38 != generation_) {
      slot = {key, value};
      ++used_;
      return;
    }
  }
}

void Planner::grow() {
  std::vector<Slot> old(2 * table_.size());
  old.swap(table_);
  used_ = 0;
  for (const Slot& slot : old) {
    if (slot.key >> 38 == generation_) {
      insert(slot.key, slot.value);
    }
  }
}

}  // namespace turnhalle::frozen_lake
