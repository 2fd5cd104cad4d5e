#include "envs/frozen_lake_text.h"

#include <array>

#include "core/text.h"
#include "envs/frozen_lake_obscure.h"

namespace turnhalle::frozen_lake {
namespace {

constexpr std::array<std::int64_t, 2> kCompactBudgets = {8, 10};

void append_cell(std::string& out, Cell cell) {
  const std::array<char, 5> text = {'(', static_cast<char>('0' + cell.row()), ',',
                                    static_cast<char>('0' + cell.column()), ')'};
  out.append(text.data(), text.size());
}

void append_direction(std::string& out, std::uint8_t direction) {
  out += "Direction ";
  out += static_cast<char>('1' + direction);
}

void append_fraction(std::string& out, std::int64_t part, std::int64_t whole) {
  append_number(out, part);
  out += '/';
  append_number(out, whole);
}

std::int64_t steps_of(const Seen& seen) { return static_cast<std::int64_t>(seen.moves.size()); }

class CompactWording final : public Wording {
 public:
  std::string first(const Seen& seen) const override {
    std::string text;
    text.reserve(160);
    const char side = static_cast<char>('0' + seen.board.side);
    text += "Map ";
    text += side;
    text += 'x';
    text += side;
    text += " holes:";
    for (std::uint64_t rest = seen.board.holes; rest != 0; rest &= rest - 1) {
      append_cell(text, Cell{static_cast<std::uint8_t>(__builtin_ctzll(rest))});
    }
    text += " goal";
    append_cell(text, seen.board.goal);
    text += " you are at";
    append_cell(text, seen.position);
    append_step(text, seen);
    return text;
  }

  std::string next(const Seen& seen) const override {
    std::string text;
    text.reserve(64);
    append_move(text, seen.moves.back());
    append_step(text, seen);
    return text;
  }

  std::string last(const Seen& seen, Ending ending) const override {
    static constexpr std::array<std::string_view, 4> kEndings = {
        "\nGoal reached. ", "\nFell into a hole. ", "\nOut of steps. ", "\nUnreadable answer. "};
    std::string text;
    if (seen.last_move_told && ending != Ending::unreadable) {
      append_move(text, seen.moves.back());
    }
    text += kEndings[static_cast<std::size_t>(ending)];
    return text;
  }

 private:
  static void append_move(std::string& text, const Move& move) {
    text += '\n';
    append_direction(text, move.direction);
    const bool moved = move.from != move.to;
    text += moved ? " moved you from " : " did not move you from ";
    append_cell(text, move.from);
    if (moved) {
      text += " to ";
      append_cell(text, move.to);
    }
  }

  static void append_step(std::string& text, const Seen& seen) {
    text += ". Step ";
    append_fraction(text, steps_of(seen), seen.budget);
    text += ':';
  }
};

constexpr std::string_view kPaperRules =
    "You play a grid game. Lead the player across a frozen lake to the goal without falling into "
    "a hole.\n\n"
    "# Map\n"
    "P the player, _ ice that can be walked on, O a hole, G the goal. Rows are numbered from 0 at "
    "the top, columns from 0 at the left.\n\n"
    "# Actions\n"
    "Each turn you press one of four buttons: Direction 1, Direction 2, Direction 3, Direction 4. "
    "A button moves the player by exactly one cell. At the edge of the map a move outwards leaves "
    "the player where it is.\n\n"
    "# What is hidden\n"
    "Each button stands for one of up, down, left and right, and no two buttons for the same. "
    "Which is which is not told. It can be found out by trying, or it may be known from hints "
    "below. Do not take an order for granted.\n\n"
    "# Rewards\n"
    "Reaching the goal gives 1; a hole, running out of steps or an unreadable answer gives 0.\n\n"
    "# Format\n"
    "Think freely, then write your choice exactly once as <answer>Direction X</answer> with X "
    "from 1 to 4. Anything else ends the game.\n\n"
    "# Also\n"
    "Be brief. One action per turn. You have ";
constexpr std::string_view kPaperRulesEnd =
    " steps. Weigh reaching the goal against finding things out: what you learn may help in "
    "later games of this kind.";

class PaperWording final : public Wording {
 public:
  explicit PaperWording(std::int64_t budget) {
    system = kPaperRules;
    append_number(system, budget);
    system += kPaperRulesEnd;
  }

  std::string first(const Seen& seen) const override {
    std::string text;
    text.reserve(512);
    append_state(text, seen);
    return text;
  }

  std::string next(const Seen& seen) const override { return first(seen); }

  std::string last(const Seen& seen, Ending ending) const override {
    std::string text;
    if (seen.last_move_told && ending != Ending::unreadable) {
      append_move(text, seen.moves.back());
    }
    switch (ending) {
      case Ending::goal:
        text += "Success: you reached the goal.";
        break;
      case Ending::hole:
        text += "You fell into a hole. Keep away from cells marked O.";
        break;
      case Ending::budget:
        text += "You ran out of steps (";
        append_fraction(text, steps_of(seen), seen.budget);
        text += "). Look for a shorter path.";
        break;
      case Ending::unreadable:
        text +=
            "The answer could not be read. Write <answer>Direction X</answer> exactly once, "
            "with X from 1 to 4.";
        break;
    }
    return text;
  }

 private:
  static void append_move(std::string& text, const Move& move) {
    text += "Your action ";
    append_direction(text, move.direction);
    if (move.from == move.to) {
      text += " did not change your position; perhaps the edge of the map is there.\n";
      return;
    }
    text += " moved you from ";
    append_cell(text, move.from);
    text += " to ";
    append_cell(text, move.to);
    text += ".\n";
  }

  static void append_state(std::string& text, const Seen& seen) {
    text += "Step ";
    append_fraction(text, steps_of(seen) + 1, seen.budget);
    text += '\n';
    if (!seen.moves.empty()) {
      append_move(text, seen.moves.back());
    }
    text += "You are at ";
    append_cell(text, seen.position);
    text += ", the goal is at ";
    append_cell(text, seen.board.goal);
    text += ". Map:\n";
    for (int row = 0; row < seen.board.side; ++row) {
      append_board_row(text, seen, row);
      text += '\n';
    }
    text += "Which direction do you choose?";
  }
};

std::string_view symbol(const Seen& seen, Cell cell) {
  const bool player = cell == seen.position;
  if (cell == seen.board.goal) return player ? "√" : "G";
  if (seen.board.is_hole(cell)) return player ? "X" : "O";
  return player ? "P" : "_";
}

}  // namespace

std::unique_ptr<const Wording> make_wording(PromptStyle style, std::int64_t budget) {
  if (style == PromptStyle::compact) {
    return std::make_unique<CompactWording>();
  }
  return std::make_unique<PaperWording>(budget);
}

bool compact_budget(std::int64_t budget) {
  return budget == kCompactBudgets[0] || budget == kCompactBudgets[1];
}

int parse_direction(std::string_view reply) {
  constexpr std::string_view kWord = "irection";
  std::string_view inside;
  if (!between_tags(reply, "<answer>", "</answer>", inside)) {
    return 0;
  }
  inside = trim(inside);
  if (inside.empty() || (inside[0] != 'D' && inside[0] != 'd') ||
      inside.substr(1, kWord.size()) != kWord) {
    return 0;
  }
  const std::string_view number = trim(inside.substr(1 + kWord.size()));
  return number.size() == 1 && number[0] >= '1' && number[0] <= '4' ? number[0] - '0' : 0;
}

void append_board_row(std::string& out, const Seen& seen, int row) {
  for (int column = 0; column < seen.board.side; ++column) {
    out += column == 0 ? " " : "\t ";
    out += symbol(seen, cell_at(row, column));
    out += ' ';
  }
}

std::vector<std::string> compact_vocabulary() {
  std::vector<std::string> pieces = {"Hint:",
                                     "</hint>\n",
                                     " <hint>",
                                     "</hint>",
                                     " ?",
                                     " Want",
                                     " <answer>",
                                     "</answer>",
                                     " goal",
                                     " you are at",
                                     " moved you from ",
                                     " did not move you from ",
                                     " to ",
                                     "\nGoal reached. ",
                                     "\nFell into a hole. ",
                                     "\nOut of steps. ",
                                     "\nUnreadable answer. ",
                                     "Reward 0\nNew hint:",
                                     "Reward 1\nNew hint:"};
  for (std::size_t i = 0; i < kCardinals.size(); ++i) {
    const std::string digit(1, static_cast<char>('1' + i));
    pieces.push_back(" " + std::string(kCardinalNames[i]));
    pieces.push_back(digit);
    pieces.push_back("Direction " + digit);
    pieces.push_back("\nDirection " + digit);
  }
  for (int side = kSideMin; side <= kSideMax; ++side) {
    const std::string text = std::to_string(side);
    pieces.push_back("Map " + text + "x" + text + " holes:");
  }
  for (int row = 0; row < kSideMax; ++row) {
    for (int column = 0; column < kSideMax; ++column) {
      std::string cell;
      append_cell(cell, cell_at(row, column));
      pieces.push_back(std::move(cell));
    }
  }
  for (const std::int64_t budget : kCompactBudgets) {
    for (std::int64_t step = 0; step < budget; ++step) {
      std::string text = ". Step ";
      append_fraction(text, step, budget);
      pieces.push_back(text + ":");
    }
  }
  return pieces;
}

}  // namespace turnhalle::frozen_lake
