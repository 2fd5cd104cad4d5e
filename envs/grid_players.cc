#include "envs/grid_players.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/check.h"
#include "envs/grid_map.h"
#include "envs/grid_text.h"

namespace turnhalle::grid {
namespace {

constexpr double kPriorWeight = 0.05;  // of kUnknownCost against revealed costs
constexpr double kReach = 0.12;        // scale of the Gaussian; the map's side is 1
constexpr std::size_t kHintCells = 3;

const Observable& observable_of(const PlayerView& view) {
  const auto* observable = dynamic_cast<const Observable*>(&view.environment);
  check(observable != nullptr, "a player of grid_navigation plays grid_navigation");
  return *observable;
}

Trip trip_left(const Seen& seen) {
  return {seen.position, seen.trip.goal, seen.trip.rounds - seen.moves};
}

// Revealed costs as they are, all others as kUnknownCost.
Square<double> costs_shown(const Square<std::int64_t>& known) {
  Square<double> costs(known.side, kUnknownCost);
  for (std::size_t i = 0; i < known.values.size(); ++i) {
    if (known.values[i] >= 0) costs.values[i] = static_cast<double>(known.values[i]);
  }
  return costs;
}

Square<double> costs_estimated(const Square<std::int64_t>& known) {
  Square<double> costs = costs_shown(known);
  const double reach = kReach * static_cast<double>(known.side);
  for (std::size_t i = 0; i < known.values.size(); ++i) {
    if (known.values[i] >= 0) continue;
    double weights = kPriorWeight;
    double sum = kPriorWeight * kUnknownCost;
    for (std::size_t j = 0; j < known.values.size(); ++j) {
      if (known.values[j] < 0) continue;
      const auto side = static_cast<std::size_t>(known.side);
      const double rows = static_cast<double>(i / side) - static_cast<double>(j / side);
      const double columns = static_cast<double>(i % side) - static_cast<double>(j % side);
      const double weight = std::exp(-0.5 * (rows * rows + columns * columns) / (reach * reach));
      weights += weight;
      sum += weight * static_cast<double>(known.values[j]);
    }
    costs.values[i] = sum / weights;
  }
  return costs;
}

// The words of players in both styles.
class Speech {
 public:
  explicit Speech(PromptStyle style) : compact_(style == PromptStyle::compact) {}

  std::string move(Cell to) const {
    return (compact_ ? " <answer>" : "<answer>") + cell_text(to) + "</answer>";
  }

  std::string hints(const Square<std::int64_t>& known) const {
    std::vector<Cell> cells;
    for (std::int64_t row = 0; row < known.side; ++row) {
      for (std::int64_t column = 0; column < known.side; ++column) {
        if (known[{row, column}] >= 0) cells.push_back({row, column});
      }
    }
    std::stable_sort(cells.begin(), cells.end(),
                     [&known](Cell one, Cell other) { return known[one] < known[other]; });
    cells.resize(std::min(cells.size(), compact_ ? kHintCells : 4 * kHintCells));
    std::string text = compact_ ? " <hint>" : "--- Start of updated hints ---\n### Cheap cells\n";
    if (compact_) text += cells.empty() ? "none" : "cheap ";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (compact_) {
        text += (i > 0 ? ";" : "") + cell_text(cells[i]);
      } else {
        text += "- (" + cell_text(cells[i]) + ") costs " + std::to_string(known[cells[i]]) + "\n";
      }
    }
    if (!compact_ && cells.empty()) text += "None is known yet.\n";
    return text + (compact_ ? "</hint>" : "--- End of updated hints ---");
  }

 private:
  bool compact_;
};

class RandomPlayer final : public Player {
 public:
  explicit RandomPlayer(PromptStyle style) : speech_(style) {}

  std::string play(const PlayerView& view, RandomKey key) override {
    const Seen& seen = observable_of(view).seen();
    if (view.kind == EpisodeKind::update_context) {
      return speech_.hints(Square<std::int64_t>(seen.known.side, -1));
    }
    Random random(key);
    return speech_.move(uniform_walk_step(seen.known.side, trip_left(seen), random));
  }

 private:
  Speech speech_;
};

class Expert final : public Player {
 public:
  explicit Expert(PromptStyle style) : speech_(style) {}

  std::string play(const PlayerView& view, RandomKey) override {
    const Seen& seen = observable_of(view).seen();
    if (known_.side != seen.known.side) known_ = Square<std::int64_t>(seen.known.side, -1);
    for (std::size_t i = 0; i < known_.values.size(); ++i) {
      known_.values[i] = std::max(known_.values[i], seen.known.values[i]);
    }
    if (view.kind == EpisodeKind::update_context) return speech_.hints(known_);
    return speech_.move(best_trip(costs_estimated(known_), trip_left(seen), seen.paid).first);
  }

 private:
  Speech speech_;
  Square<std::int64_t> known_;
};

class Oracle final : public Player {
 public:
  explicit Oracle(PromptStyle style) : speech_(style) {}

  std::string play(const PlayerView& view, RandomKey) override {
    const Seen& seen = observable_of(view).seen();
    if (view.kind == EpisodeKind::update_context) return speech_.hints(seen.known);
    const Square<double> costs = costs_shown(observable_of(view).hidden_map());
    return speech_.move(best_trip(costs, trip_left(seen), seen.paid).first);
  }

 private:
  Speech speech_;
};

class Demonstrator final : public Player {
 public:
  Demonstrator(PromptStyle style, bool noisy) : speech_(style), noisy_(noisy) {}

  std::string play(const PlayerView& view, RandomKey key) override {
    const Seen& seen = observable_of(view).seen();
    if (view.kind == EpisodeKind::update_context) return speech_.hints(seen.known);
    Random random(key);
    const Trip left = trip_left(seen);
    if (noisy_ && random.uniform() < kMoveNoise) {
      return speech_.move(uniform_walk_step(seen.known.side, left, random));
    }
    return speech_.move(best_trip(costs_shown(seen.known), left, seen.paid).first);
  }

 private:
  Speech speech_;
  bool noisy_;
};

}  // namespace

std::unique_ptr<Player> make_player(std::string_view role, PromptStyle style) {
  if (role == "expert") return std::make_unique<Expert>(style);
  if (role == "oracle") return std::make_unique<Oracle>(style);
  if (role == "random") return std::make_unique<RandomPlayer>(style);
  if (role == "demonstrator") return std::make_unique<Demonstrator>(style, true);
  if (role == "demonstrator_clean") return std::make_unique<Demonstrator>(style, false);
  return nullptr;
}

}  // namespace turnhalle::grid
