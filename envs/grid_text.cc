#include "envs/grid_text.h"

#include <cmath>

#include "core/text.h"

namespace turnhalle::grid {
namespace {

class CompactWording final : public Wording {
 public:
  std::string state(const Seen& seen) const override {
    std::string text = seen.moves > 0 ? "\nAt " : "At ";
    text += cell_text(seen.position) + " goal " + cell_text(seen.trip.goal) + " left ";
    append_number(text, seen.trip.rounds - seen.moves);
    text += " map";
    for (std::int64_t row = 0; row < seen.known.side; ++row) {
      text += '/';
      for (std::int64_t column = 0; column < seen.known.side; ++column) {
        const std::int64_t cost = seen.known[{row, column}];
        text += cost < 0 ? '?' : static_cast<char>('0' + cost / 10);
      }
    }
    return text + ":";
  }

  std::string last(const Seen& seen, Ending ending) const override {
    if (ending == Ending::unreadable) return "\nUnreadable answer. ";
    if (ending == Ending::illegal) return "\nIllegal move. ";
    std::string text = ending == Ending::goal ? "\nGoal reached, mean " : "\nGoal missed, mean ";
    append_number(text, std::llrint(seen.paid.mean()));
    return text + ". ";
  }
};

constexpr std::string_view kPaperRules =
    "You play a navigation game. Travel over a grid from a start to a goal and pay as little as "
    "you can per cell.\n\n"
    "# Grid\n"
    "Every cell has a cost from 0 to 99. Rows are numbered from 0 at the top, columns from 0 at "
    "the left. A cost that is not known yet is shown as ??.\n\n"
    "# Moves\n"
    "Each round you move to any other cell of your row or your column. You enter all cells on the "
    "way and the one where you stop, and pay for each; the cell that you leave is not paid again. "
    "The costs of all cells within one step of an entered cell, diagonals included, are then "
    "shown.\n\n"
    "# What is hidden\n"
    "The costs that are not shown. They stay the same in later games of this kind, and may be "
    "known from hints below. Neighbouring cells tend to have similar costs.\n\n"
    "# Rewards\n"
    "You must stand on the goal after the last round, neither earlier nor later counts. Then the "
    "reward is 1 minus the mean cost of the cells you entered divided by 100; otherwise it is 0. "
    "Because the mean counts, a detour through cheap cells helps.\n\n"
    "# Format\n"
    "Think freely, then write the cell you move to exactly once as <answer>row,column</answer>. An "
    "illegal move or an unreadable answer ends the game with 0.\n\n"
    "# Also\n"
    "Be brief. One move per turn. Weigh a cheap trip against finding things out: what you learn "
    "may help in later games of this kind.";

class PaperWording final : public Wording {
 public:
  PaperWording() { system = kPaperRules; }

  std::string state(const Seen& seen) const override {
    std::string text = "Round ";
    append_number(text, seen.moves + 1);
    text += " of ";
    append_number(text, seen.trip.rounds);
    text += "\nYou are at (" + cell_text(seen.position) + "), the goal is (" +
            cell_text(seen.trip.goal) + ").";
    if (seen.paid.cells > 0) {
      text += " Cells entered: ";
      append_number(text, seen.paid.cells);
      text += ", mean cost " + mean_text(seen) + ".";
    }
    text += "\nCosts:\n";
    for (std::int64_t row = 0; row < seen.known.side; ++row) {
      for (std::int64_t column = 0; column < seen.known.side; ++column) {
        const std::int64_t cost = seen.known[{row, column}];
        text += column > 0 ? " " : "";
        if (cost < 0) {
          text += "??";
        } else {
          text += cost < 10 ? " " : "";
          append_number(text, cost);
        }
      }
      text += '\n';
    }
    return text + "Where do you move?";
  }

  std::string last(const Seen& seen, Ending ending) const override {
    switch (ending) {
      case Ending::goal:
        return "You are at the goal after the last round. The mean cost of the cells you entered "
               "is " +
               mean_text(seen) + ".";
      case Ending::missed:
        return "After the last round you are at (" + cell_text(seen.position) +
               ") and not at the goal (" + cell_text(seen.trip.goal) + ").";
      case Ending::illegal:
        return "That move is not legal. Move to another cell of your row or column.";
      case Ending::unreadable:
        break;
    }
    return "The answer could not be read. Write <answer>row,column</answer> exactly once.";
  }

 private:
  // One digit behind the point.
  static std::string mean_text(const Seen& seen) {
    return shortest(std::nearbyint(seen.paid.mean() * 10.0) / 10.0);
  }
};

}  // namespace

std::unique_ptr<const Wording> make_wording(PromptStyle style) {
  if (style == PromptStyle::compact) return std::make_unique<CompactWording>();
  return std::make_unique<PaperWording>();
}

bool parse_cell(std::string_view reply, Cell& cell) {
  std::string_view inside;
  if (!between_tags(reply, "<answer>", "</answer>", inside)) return false;
  const std::size_t comma = inside.find(',');
  if (comma == std::string_view::npos) return false;
  return parse_integer(trim(inside.substr(0, comma)), cell.row) &&
         parse_integer(trim(inside.substr(comma + 1)), cell.column);
}

std::string cell_text(Cell cell) {
  std::string text;
  append_number(text, cell.row);
  text += ',';
  append_number(text, cell.column);
  return text;
}

std::vector<std::string> compact_vocabulary() {
  std::vector<std::string> pieces = {"Hint:",
                                     "none",
                                     "</hint>\n",
                                     " <hint>",
                                     "</hint>",
                                     "cheap ",
                                     ";",
                                     "At ",
                                     "\nAt ",
                                     " goal ",
                                     " left ",
                                     " map",
                                     "/",
                                     ",",
                                     "?",
                                     ":",
                                     " <answer>",
                                     "</answer>",
                                     "\nGoal reached, mean ",
                                     "\nGoal missed, mean ",
                                     ". ",
                                     "\nIllegal move. ",
                                     "\nUnreadable answer. ",
                                     "Reward 0\nNew hint:",
                                     "Reward 1\nNew hint:"};
  for (char digit = '0'; digit <= '9'; ++digit) {
    pieces.emplace_back(1, digit);
  }
  return pieces;
}

}  // namespace turnhalle::grid
