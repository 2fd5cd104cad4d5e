#include "envs/frozen_lake_players.h"

#include <algorithm>
#include <array>
#include <string>

#include "core/check.h"
#include "envs/frozen_lake_board.h"
#include "envs/frozen_lake_planner.h"

namespace turnhalle::frozen_lake {
namespace {

constexpr int kUnknown = -1;

// Which button, 0 … 3, does each cardinal, as far as known.
struct Pairs {
  std::array<int, 4> button = {kUnknown, kUnknown, kUnknown, kUnknown};

  // What is seen counts more than what was written about the same button.
  void learn(Cardinal cardinal, int which) {
    std::replace(button.begin(), button.end(), which, kUnknown);
    button[index_of(cardinal)] = which;
  }
  bool knows(Cardinal cardinal) const { return button[index_of(cardinal)] != kUnknown; }
  bool uses(int which) const {
    return std::find(button.begin(), button.end(), which) != button.end();
  }
};

const Seen& seen_of(const PlayerView& view) {
  const auto* observable = dynamic_cast<const Observable*>(&view.environment);
  check(observable != nullptr, "a player of frozen_lake_obscure plays frozen_lake_obscure");
  return observable->seen();
}

// The cardinal of a move that changed the position.
Cardinal cardinal_of(const Board& board, const Move& move) {
  for (const Cardinal cardinal : kCardinals) {
    if (board.neighbour(move.from, cardinal) == move.to) {
      return cardinal;
    }
  }
  check(false, "a move leads to a neighbour");
  return Cardinal::down;
}

// The words of players in both styles.
class Speech {
 public:
  explicit Speech(PromptStyle style) : compact_(style == PromptStyle::compact) {}

  void learned(std::string& text, Cardinal cardinal, int button) const {
    if (compact_) {
      text += pair(cardinal, button);
    } else {
      text += "I learned that " + sentence(cardinal, button) + ". ";
    }
  }

  // `known` is the button that is known to do it, `pressed` the one that is pressed.
  void action(std::string& text, Cardinal wanted, int known, int pressed) const {
    const std::string name(kCardinalNames[index_of(wanted)]);
    const std::string button = "Direction " + std::to_string(pressed + 1);
    if (compact_) {
      text += " Want" + pair(wanted, known) + " <answer>" + button + "</answer>";
      return;
    }
    text += "I want to go " + name + ". ";
    text += known == kUnknown ? "Which button does that is not known, so I try one.\n"
                              : "Direction " + std::to_string(known + 1) + " does that.\n";
    text += "<answer>" + button + "</answer>";
  }

  std::string random_action(int button) const {
    return (compact_ ? " <answer>Direction " : "<answer>Direction ") + std::to_string(button + 1) +
           "</answer>";
  }

  std::string hints(const Pairs& pairs) const {
    std::string text = compact_ ? " <hint>" : "--- Start of updated hints ---\n### Buttons\n";
    for (const Cardinal cardinal : kCardinals) {
      const int button = pairs.button[index_of(cardinal)];
      if (compact_) {
        text += pair(cardinal, button);
      } else if (button != kUnknown) {
        text += "- " + sentence(cardinal, button) + "\n";
      } else {
        text += "- Not known: " + std::string(kCardinalNames[index_of(cardinal)]) + "\n";
      }
    }
    return text + (compact_ ? "</hint>" : "--- End of updated hints ---");
  }

  // The pairs that a text in this style states.
  Pairs read(std::string_view text) const {
    Pairs pairs;
    for (const Cardinal cardinal : kCardinals) {
      for (int button = 0; button < 4; ++button) {
        const std::string words = compact_ ? pair(cardinal, button) : sentence(cardinal, button);
        if (text.find(words) != std::string_view::npos) {
          pairs.button[index_of(cardinal)] = button;
        }
      }
    }
    return pairs;
  }

 private:
  static std::string pair(Cardinal cardinal, int button) {
    const std::string name = " " + std::string(kCardinalNames[index_of(cardinal)]);
    return button == kUnknown ? name + " ?" : name + std::to_string(button + 1);
  }
  static std::string sentence(Cardinal cardinal, int button) {
    return "Direction " + std::to_string(button + 1) + " moves " +
           std::string(kCardinalNames[index_of(cardinal)]);
  }
  bool compact_;
};

class RandomPlayer final : public Player {
 public:
  explicit RandomPlayer(PromptStyle style) : speech_(style) {}

  std::string play(const PlayerView& view, RandomKey key) override {
    if (view.kind == EpisodeKind::update_context) {
      return speech_.hints({});
    }
    return speech_.random_action(static_cast<int>(Random(key).below(4)));
  }

 private:
  Speech speech_;
};

class Expert final : public Player {
 public:
  explicit Expert(const PlayerOptions& options)
      : speech_(options.style), lasting_(options.lasting), belief_(options.lasting) {}

  std::string play(const PlayerView& view, RandomKey) override {
    const Seen& seen = seen_of(view);
    const bool update = view.kind == EpisodeKind::update_context;
    const std::int64_t position = update ? view.position - 1 : view.position;
    if (!lasting_.over_tasks && !update && view.turn == 0) told_ = {};
    for (const Move& move : seen.moves) {
      belief_.see(position, permutations_with(seen.board, move));
    }
    const Weights weights = belief_.before(position);
    const Permutations posterior = support(weights) & belief_.allowed_in(position);
    check(posterior != 0, "one permutation explains all moves");
    const Pairs known = pairs_of(posterior, weights);
    if (update) {
      return speech_.hints(known);
    }
    std::string text;
    for (const Cardinal cardinal : kCardinals) {
      const int button = known.button[index_of(cardinal)];
      if (button != kUnknown && button != told_.button[index_of(cardinal)]) {
        speech_.learned(text, cardinal, button);
      }
    }
    told_ = known;
    const Plan plan = planner_.best(seen, posterior, weights);
    speech_.action(text, plan.wanted, known.button[index_of(plan.wanted)], plan.button);
    return text;
  }

 private:
  static double mass(Permutations set, const Weights& weights) {
    double sum = 0.0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      sum += (set >> i & 1) != 0 ? weights[i] : 0.0;
    }
    return sum;
  }

  // What it says that it knows: what is certain, or likely where buttons may have changed.
  Pairs pairs_of(Permutations posterior, const Weights& weights) const {
    const double enough = (lasting_.changes() ? 0.5 : 0.99) * mass(posterior, weights);
    Pairs pairs;
    for (const Cardinal cardinal : kCardinals) {
      for (std::uint8_t button = 0; button < 4; ++button) {
        if (mass(posterior & permutations_with(button, cardinal), weights) > enough) {
          pairs.button[index_of(cardinal)] = button;
        }
      }
    }
    return pairs;
  }

  Speech speech_;
  Lasting lasting_;
  Belief belief_;
  Pairs told_;
  Planner planner_;
};

class Demonstrator final : public Player {
 public:
  Demonstrator(PromptStyle style, bool noisy) : speech_(style), noisy_(noisy) {}

  std::string play(const PlayerView& view, RandomKey key) override {
    Random random(key);
    const Seen& seen = seen_of(view);
    const bool update = view.kind == EpisodeKind::update_context;
    Pairs known = read_hints(view);
    std::string text;
    for (const Move& move : seen.moves) {
      const bool shown = !seen.over || seen.last_move_told || &move != &seen.moves.back();
      if (move.from == move.to || !shown) {
        continue;
      }
      const Cardinal cardinal = cardinal_of(seen.board, move);
      if (&move == &seen.moves.back() && !update && !known.knows(cardinal)) {
        speech_.learned(text, cardinal, move.direction);
      }
      known.learn(cardinal, move.direction);
    }
    if (update) {
      return write_hints(known, random);
    }
    Cardinal wanted = next_step(seen, known, random);
    if (noisy_ && random.uniform() < kCardinalNoise) {
      wanted = kCardinals[random.below(4)];
    }
    const int known_button = known.button[index_of(wanted)];
    int pressed = known_button == kUnknown ? guess(known, random) : known_button;
    if (noisy_ && random.uniform() < kButtonNoise) {
      pressed = static_cast<int>(random.below(4));
    }
    speech_.action(text, wanted, known_button, pressed);
    return text;
  }

 private:
  // Hints stand in the first message; in the paper's style an update is shown them in its last.
  Pairs read_hints(const PlayerView& view) const {
    Pairs pairs;
    if (!view.messages.empty()) {
      pairs = speech_.read(view.messages.front().content);
      if (view.kind == EpisodeKind::update_context && view.turn == 0) {
        const Pairs last = speech_.read(view.messages.back().content);
        for (std::size_t i = 0; i < last.button.size(); ++i) {
          pairs.button[i] = std::max(pairs.button[i], last.button[i]);
        }
      }
    }
    return pairs;
  }

  std::string write_hints(Pairs known, Random& random) const {
    for (int& button : known.button) {
      if (noisy_ && button != kUnknown && random.uniform() < kPairDropped) {
        button = kUnknown;
      }
    }
    return speech_.hints(known);
  }

  // A step of a shortest path, one with a known button if there is one.
  static Cardinal next_step(const Seen& seen, const Pairs& known, Random& random) {
    const auto distance = distances_to_goal(seen.board);
    std::array<Cardinal, 4> steps{};
    std::size_t count = 0;
    bool with_known = false;
    for (const Cardinal cardinal : kCardinals) {
      const Cell next = seen.board.neighbour(seen.position, cardinal);
      if (distance[next.index] + 1 != distance[seen.position.index] ||
          (with_known && !known.knows(cardinal))) {
        continue;
      }
      if (!with_known && known.knows(cardinal)) {
        with_known = true;
        count = 0;
      }
      steps[count++] = cardinal;
    }
    check(count > 0, "the goal can be reached from where the player stands");
    return steps[random.below(count)];
  }

  static int guess(const Pairs& known, Random& random) {
    std::array<int, 4> unused{};
    std::size_t count = 0;
    for (int button = 0; button < 4; ++button) {
      if (!known.uses(button)) {
        unused[count++] = button;
      }
    }
    return count == 0 ? static_cast<int>(random.below(4)) : unused[random.below(count)];
  }

  Speech speech_;
  bool noisy_;
};

}  // namespace

std::unique_ptr<Player> make_player(std::string_view role, const PlayerOptions& options) {
  if (role == "expert") {
    return std::make_unique<Expert>(options);
  }
  if (role == "random") {
    return std::make_unique<RandomPlayer>(options.style);
  }
  if (role == "demonstrator" || role == "demonstrator_clean") {
    return std::make_unique<Demonstrator>(options.style, role == "demonstrator");
  }
  return nullptr;
}

}  // namespace turnhalle::frozen_lake
