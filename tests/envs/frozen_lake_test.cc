// Boards, rules, actions, words and options of frozen_lake_obscure.
#include "envs/frozen_lake_obscure.h"

#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/event_queue.h"
#include "core/text.h"
#include "envs/frozen_lake_board.h"
#include "envs/frozen_lake_text.h"
#include "tests/envs/family_case.h"

namespace turnhalle::frozen_lake {
namespace {

// A board as the paper's generator sees it: rows of characters and a plain search over them.
using Rows = std::vector<std::string>;

Rows rows_of(const Board& board) {
  Rows rows(board.side, std::string(board.side, '_'));
  for (int r = 0; r < board.side; ++r) {
    for (int c = 0; c < board.side; ++c) {
      if (board.is_hole(cell_at(r, c))) {
        rows[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)] = 'O';
      }
    }
  }
  return rows;
}

struct Entry {
  int row = 0;
  int column = 0;
  int depth = 0;
};

bool plain_search(const Board& board, int limit) {
  const Rows rows = rows_of(board);
  std::vector<Entry> stack = {{board.start.row(), board.start.column(), 0}};
  std::set<std::pair<int, int>> visited;
  while (!stack.empty()) {
    const Entry at = stack.back();
    stack.pop_back();
    if (at.depth > limit || !visited.insert({at.row, at.column}).second) continue;
    for (const auto& [down, right] : {std::pair{1, 0}, {0, 1}, {-1, 0}, {0, -1}}) {
      const int row = at.row + down;
      const int column = at.column + right;
      if (row < 0 || column < 0 || row >= board.side || column >= board.side) continue;
      if (row == board.goal.row() && column == board.goal.column()) return true;
      if (rows[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)] != 'O') {
        stack.push_back({row, column, at.depth + 1});
      }
    }
  }
  return false;
}

Board random_board(Random& random) {
  Board board;
  board.side = static_cast<std::uint8_t>(random.between(kSideMin, kSideMax));
  const auto cell = [&] {
    return cell_at(static_cast<int>(random.below(board.side)),
                   static_cast<int>(random.below(board.side)));
  };
  board.start = cell();
  do {
    board.goal = cell();
  } while (board.goal == board.start);
  for (int r = 0; r < board.side; ++r) {
    for (int c = 0; c < board.side; ++c) {
      if (random.chance(2, 5)) board.holes |= cell_at(r, c).bit();
    }
  }
  board.holes &= ~(board.start.bit() | board.goal.bit());
  return board;
}

TEST(FrozenLakeBoard, SearchAcceptsExactlyWhatThePlainSearchAccepts) {
  Random random(key_of(1));
  int accepted = 0;
  for (int i = 0; i < 4000; ++i) {
    const Board board = random_board(random);
    const int limit = static_cast<int>(random.between(1, 9));
    EXPECT_EQ(search_accepts(board, limit), plain_search(board, limit));
    accepted += search_accepts(board, limit) ? 1 : 0;
  }
  EXPECT_GT(accepted, 400);
  EXPECT_LT(accepted, 3600);
}

TEST(FrozenLakeBoard, DistancesAreThoseOfRelaxation) {
  Random random(key_of(2));
  for (int i = 0; i < 300; ++i) {
    const Board board = random_board(random);
    std::map<int, int> distance = {{board.goal.index, 0}};
    for (int round = 0; round < 49; ++round) {
      const std::map<int, int> before = distance;
      for (const auto& [index, steps] : before) {
        for (const Cardinal cardinal : kCardinals) {
          const Cell next = board.neighbour({static_cast<std::uint8_t>(index)}, cardinal);
          if (!board.is_hole(next)) distance.emplace(next.index, steps + 1);
        }
      }
    }
    const auto found = distances_to_goal(board);
    for (std::size_t cell = 0; cell < 64; ++cell) {
      const auto place = distance.find(static_cast<int>(cell));
      EXPECT_EQ(found[cell], place == distance.end() ? kUnreachable : place->second);
    }
  }
}

TEST(FrozenLakeBoard, DrawnBoardsHaveAPathOfAtMostDepthPlusOneAndStartOnIce) {
  std::map<int, int> lengths;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const Board board = draw_board({4, 0.65, 6}, key_of(i));
    const int length = distances_to_goal(board)[board.start.index];
    EXPECT_LE(length, 7);
    EXPECT_NE(board.start, board.goal);
    EXPECT_FALSE(board.is_hole(board.start));
    EXPECT_FALSE(board.is_hole(board.goal));
    EXPECT_EQ(board.holes & ~board.cells(), 0u);
    ++lengths[length];
  }
  EXPECT_GT(lengths[1], 0);
  EXPECT_GT(lengths[5], 0);
}

TEST(FrozenLakeBoard, StartIsUniformWhenEverythingIsIce) {
  std::map<int, int> starts;
  for (std::uint64_t i = 0; i < 8000; ++i) {
    const Board board = draw_board({4, 1.0, 48}, key_of(i));
    EXPECT_EQ(board.holes, 0u);
    ++starts[board.start.index];
  }
  ASSERT_EQ(starts.size(), 16u);
  for (const auto& [cell, count] : starts) {
    EXPECT_NEAR(count, 500, 110) << cell;  // five standard deviations
  }
}

TEST(FrozenLakeBoard, WithoutIceOnlyTouchingStartsAndGoalsAreLeft) {
  for (std::uint64_t i = 0; i < 200; ++i) {
    const Board board = draw_board({5, 0.0, 6}, key_of(i));
    EXPECT_EQ(distances_to_goal(board)[board.start.index], 1);
    EXPECT_EQ(std::popcount(board.holes), 23);
  }
}

std::shared_ptr<const EnvironmentFamily> compact_family(const std::string& options = "{}") {
  return family_of(entry(), options, PromptStyle::compact);
}

Task task_of(std::uint64_t hidden, std::uint64_t task) {
  return {key_of(hidden).split("hidden"), key_of(task).split("task"), 0};
}

std::string buttons_of(const EnvironmentFamily& family, const Task& task) {
  const auto lake = family.make();
  lake->reset(task);
  return canonical(lake->hidden_state()["buttons"]);
}

TEST(FrozenLakeButtons, AreUniformPermutationsOverLifecycles) {
  const auto family = compact_family();
  std::map<std::string, int> counts;
  for (std::uint64_t i = 0; i < 4800; ++i) {
    ++counts[buttons_of(*family, task_of(i, 0))];
  }
  ASSERT_EQ(counts.size(), 24u);
  for (const auto& [buttons, count] : counts) {
    EXPECT_NEAR(count, 200, 70) << buttons;  // five standard deviations
  }
}

TEST(FrozenLakeButtons, LastAsLongAsTheOptionSays) {
  const auto changes = [](const std::string& mapping, bool hidden) {
    const auto family = compact_family("{\"mapping\":\"" + mapping + "\"}");
    std::set<std::string> seen;
    for (std::uint64_t i = 0; i < 40; ++i) {
      seen.insert(buttons_of(*family, hidden ? task_of(i, 0) : task_of(0, i)));
    }
    return seen.size() > 1;
  };
  EXPECT_TRUE(changes("per_lifecycle", true));
  EXPECT_FALSE(changes("per_lifecycle", false));
  EXPECT_FALSE(changes("per_task", true));
  EXPECT_TRUE(changes("per_task", false));
  EXPECT_FALSE(changes("identity", true));
  EXPECT_FALSE(changes("identity", false));
  EXPECT_EQ(buttons_of(*compact_family("{\"mapping\":\"identity\"}"), task_of(3, 4)),
            R"(["Down","Right","Up","Left"])");
}

TEST(FrozenLakeSizes, SidesAreDrawnEvenlyPerTask) {
  const auto lake = compact_family("{\"side\":[4,7]}")->make();
  std::map<std::size_t, int> sides;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    lake->reset(task_of(0, i));
    ++sides[lake->hidden_state()["board"].size()];
  }
  ASSERT_EQ(sides.size(), 4u);
  for (const auto& [side, count] : sides) {
    EXPECT_NEAR(count, 500, 97) << side;
  }
}

StepResult press(Environment& lake, int direction) {
  EventQueue queue;
  AgentReply reply;
  reply.text = "<answer>Direction " + std::to_string(direction) + "</answer>";
  return lake.step(kAgentSeat, reply, queue);
}

// Plays many tasks with known buttons and compares every step with the rules.
TEST(FrozenLakeRules, EveryStepFollowsTheBoard) {
  const auto lake = compact_family("{\"mapping\":\"identity\",\"last_move_told\":true}")->make();
  const auto& observable = dynamic_cast<const Observable&>(*lake);
  std::map<Outcome, int> outcomes;
  int blocked = 0;
  for (std::uint64_t i = 0; i < 500; ++i) {
    lake->reset(task_of(0, i));
    Random random(key_of(i).split("play"));
    for (int turn = 1;; ++turn) {
      const Board board = observable.seen().board;
      const Cell from = observable.seen().position;
      const auto button = static_cast<int>(random.below(4));
      const Cell to = board.neighbour(from, kCardinals[static_cast<std::size_t>(button)]);
      blocked += to == from ? 1 : 0;
      const StepResult result = press(*lake, button + 1);
      EXPECT_EQ(observable.seen().position, to);
      const bool goal = to == board.goal;
      const Outcome expected = goal || board.is_hole(to) ? Outcome::done
                               : turn == 8               ? Outcome::truncated
                                                         : Outcome::running;
      ASSERT_EQ(result.outcome, expected);
      EXPECT_EQ(result.reward, goal ? 1.0 : 0.0);
      if (expected != Outcome::running) {
        ++outcomes[expected];
        break;
      }
    }
  }
  EXPECT_GT(outcomes[Outcome::done], 0);
  EXPECT_GT(outcomes[Outcome::truncated], 0);
  EXPECT_GT(blocked, 0);
}

TEST(FrozenLakeRules, UnreadableActionEndsTheEpisodeWithoutReward) {
  for (const PromptStyle style : {PromptStyle::paper, PromptStyle::compact}) {
    const auto lake = family_of(entry(), "{}", style)->make();
    lake->reset(task_of(0, 0));
    EventQueue queue;
    AgentReply reply;
    reply.text = "Direction 1";
    const StepResult result = lake->step(kAgentSeat, reply, queue);
    EXPECT_EQ(result.outcome, Outcome::agent_error);
    EXPECT_EQ(result.reward, 0.0);
    EXPECT_NE(result.observation, "");
  }
}

TEST(FrozenLakeRules, ForeignBytesAreNotRestored) {
  const auto lake = compact_family()->make();
  for (const std::string& bytes : {std::string(), std::string(40, '\0'), std::string(40, '\x7f')}) {
    ByteReader in(bytes);
    EXPECT_FALSE(lake->restore(in));
  }
}

struct ActionCase {
  std::string reply;
  int direction;
};

TEST(FrozenLakeAction, IsReadFromExactlyOnePairOfTags) {
  const std::vector<ActionCase> cases = {
      {"<answer>Direction 1</answer>", 1},
      {"<answer>direction 4</answer>", 4},
      {"I think so.\n<answer>\n  Direction   3 \n</answer> Done.", 3},
      {"<answer>Direction2</answer>", 2},
      {"<answer>DIRECTION 2</answer>", 0},
      {"<answer>Direction 0</answer>", 0},
      {"<answer>Direction 5</answer>", 0},
      {"<answer>Direction 12</answer>", 0},
      {"<answer>Direction 1.</answer>", 0},
      {"<answer>Direction -1</answer>", 0},
      {"<answer>Direction</answer>", 0},
      {"<answer>Left</answer>", 0},
      {"<answer></answer>", 0},
      {"<answer>Direction 1", 0},
      {"</answer>Direction 1<answer>", 0},
      {"<answer>Direction 1</answer><answer>Direction 1</answer>", 0},
      {"<answer><answer>Direction 1</answer>", 0},
      {"<Answer>Direction 1</Answer>", 0},
      {"Direction 1", 0},
      {"", 0},
  };
  for (const ActionCase& item : cases) {
    EXPECT_EQ(parse_direction(item.reply), item.direction) << item.reply;
  }
}

Seen example() {
  Seen seen;
  seen.board.side = 4;
  seen.board.start = cell_at(1, 2);
  seen.board.goal = cell_at(3, 0);
  for (const auto& [row, column] : {std::pair{0, 0}, {0, 3}, {3, 1}, {3, 2}}) {
    seen.board.holes |= cell_at(row, column).bit();
  }
  seen.position = seen.board.start;
  seen.budget = 8;
  return seen;
}

TEST(FrozenLakeWords, CompactStyleIsShort) {
  const auto words = make_wording(PromptStyle::compact, 8);
  Seen seen = example();
  EXPECT_EQ(words->system, "");
  EXPECT_EQ(words->first(seen),
            "Map 4x4 holes:(0,0)(0,3)(3,1)(3,2) goal(3,0) you are at(1,2). Step 0/8:");
  seen.moves.push_back({1, seen.position, cell_at(1, 1)});
  EXPECT_EQ(words->next(seen), "\nDirection 2 moved you from (1,2) to (1,1). Step 1/8:");
  seen.moves.push_back({2, cell_at(1, 1), cell_at(1, 1)});
  EXPECT_EQ(words->next(seen), "\nDirection 3 did not move you from (1,1). Step 2/8:");
  EXPECT_EQ(words->last(seen, Ending::goal), "\nGoal reached. ");
  EXPECT_EQ(words->last(seen, Ending::hole), "\nFell into a hole. ");
  EXPECT_EQ(words->last(seen, Ending::budget), "\nOut of steps. ");
  EXPECT_EQ(words->last(seen, Ending::unreadable), "\nUnreadable answer. ");
  seen.last_move_told = true;
  EXPECT_EQ(words->last(seen, Ending::budget),
            "\nDirection 3 did not move you from (1,1)\nOut of steps. ");
  EXPECT_EQ(words->last(seen, Ending::unreadable), "\nUnreadable answer. ");
}

std::string row_of(const Seen& seen, int row) {
  std::string text;
  append_board_row(text, seen, row);
  return text;
}

TEST(FrozenLakeWords, PaperStyleShowsTheMapEveryTurn) {
  const auto words = make_wording(PromptStyle::paper, 8);
  Seen seen = example();
  EXPECT_NE(words->system.find("You have 8 steps."), std::string::npos);
  EXPECT_EQ(words->first(seen),
            "Step 1/8\nYou are at (1,2), the goal is at (3,0). Map:\n"
            " O \t _ \t _ \t O \n _ \t _ \t P \t _ \n _ \t _ \t _ \t _ \n G \t O \t O \t _ \n"
            "Which direction do you choose?");
  seen.moves.push_back({1, seen.position, cell_at(1, 1)});
  seen.position = cell_at(1, 1);
  EXPECT_TRUE(words->next(seen).starts_with(
      "Step 2/8\nYour action Direction 2 moved you from (1,2) to (1,1).\nYou are at (1,1)"));
  seen.moves.push_back({1, seen.position, seen.position});
  EXPECT_NE(words->next(seen).find("did not change your position"), std::string::npos);
  EXPECT_EQ(words->last(seen, Ending::goal), "Success: you reached the goal.");
  EXPECT_NE(words->last(seen, Ending::budget).find("(2/8)"), std::string::npos);
  seen.position = seen.board.goal;
  EXPECT_EQ(row_of(seen, 3), " √ \t O \t O \t _ ");
  seen.position = cell_at(0, 3);
  EXPECT_EQ(row_of(seen, 0), " O \t _ \t _ \t X ");
}

TEST(FrozenLakeOptions, WrongOnesAreNamed) {
  const auto error = [](const std::string& options, PromptStyle style = PromptStyle::paper) {
    const auto family = read_options(entry(), options, style);
    return family ? std::string("accepted") : family.error().text();
  };
  EXPECT_NE(error("{\"side\":3}").find("/side"), std::string::npos);
  EXPECT_NE(error("{\"side\":[6,5]}").find("/side"), std::string::npos);
  EXPECT_NE(error("{\"frozen_share\":1.5}").find("/frozen_share"), std::string::npos);
  EXPECT_NE(error("{\"mapping\":\"per_pack\"}").find("per_lifecycle"), std::string::npos);
  EXPECT_NE(error("{\"budgt\":8}").find("budget"), std::string::npos);
  EXPECT_NE(error("{\"budget\":7}", PromptStyle::compact).find("8 or 10"), std::string::npos);
  EXPECT_EQ(error("{\"budget\":7}", PromptStyle::paper), "accepted");
  EXPECT_EQ(error("{\"side\":[4,7],\"budget\":10}", PromptStyle::compact), "accepted");
}

}  // namespace
}  // namespace turnhalle::frozen_lake
