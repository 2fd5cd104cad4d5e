// All kinds of tasks, the rules of terminal_sim, and its players.
#include "envs/terminal_sim.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "envs/terminal_players.h"
#include "tests/envs/family_case.h"
#include "tests/envs/player_scores.h"

namespace turnhalle::terminal {
namespace {

// Every kind on every system: nothing holds at first, everything after the last line and not
// before it, within the budget.
TEST(TerminalTasks, OfAllKindsAreDoneByTheirWayAndNotBefore) {
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    for (const System system : {System::linux, System::macos, System::windows}) {
      for (std::uint64_t i = 0; i < 20; ++i) {
        const TerminalTask task =
            draw_terminal_task(static_cast<TaskKind>(kind), system, key_of(i));
        Shell shell(task.local, task.remote);
        const auto done = [&] {
          return std::all_of(task.checks.begin(), task.checks.end(),
                             [&shell](const Check& check) { return holds(check, shell); });
        };
        EXPECT_FALSE(task.checks.empty());
        EXPECT_LE(task.way.size(), 8u);
        for (const std::string& line : task.way) {
          if (done()) {
            EXPECT_EQ(line, "exit") << task.sentence;
            continue;
          }
          const std::string said = shell.run(line);
          EXPECT_EQ(said.find("no such"), std::string::npos) << task.sentence << "\n" << said;
        }
        EXPECT_TRUE(done()) << name_of(task.kind) << " " << name_of(system) << ": "
                            << task.sentence;
      }
    }
  }
}

TEST(TerminalTasks, AreHalfCompositeAndUniformWithin) {
  std::map<TaskKind, int> kinds;
  std::map<System, int> systems;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const TerminalTask task = draw_terminal_task(TaskOptions{}, key_of(i));
    ++kinds[task.kind];
    ++systems[task.local.system];
    EXPECT_TRUE(task.kind != TaskKind::chmod || task.local.system != System::windows ||
                task.checks.front().remote);
  }
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    const double expected = kind < kSingleKinds ? 2000.0 / 9.0 : 250.0;
    EXPECT_NEAR(kinds[static_cast<TaskKind>(kind)], expected, 75.0) << kind;
  }
  for (const auto& [system, count] : systems) EXPECT_NEAR(count, 1333, 150);
}

Task task_of(std::uint64_t number) { return {key_of(1), key_of(number), 0, 0}; }

TEST(Terminal, EndsWithSuccessStepsOrAnUnreadableAnswer) {
  const auto game = family_of(entry(), "{\"steps\":3}")->make();
  for (const std::string& unreadable : {std::string("ls"), std::string("<answer> </answer>"),
                                        std::string("<answer>ls</answer><answer>ls</answer>"),
                                        "<answer>" + std::string(2001, 'x') + "</answer>"}) {
    game->reset(task_of(2));
    const StepResult result = say(*game, unreadable);
    EXPECT_EQ(result.outcome, Outcome::agent_error);
    EXPECT_EQ(result.reward, 0.0);
  }
  game->reset(task_of(2));
  EXPECT_EQ(say(*game, "<answer>pwd</answer>").outcome, Outcome::running);
  EXPECT_NE(say(*game, "<answer>nothing</answer>").observation.find("command not found"),
            std::string::npos);
  EXPECT_EQ(say(*game, "<answer>ls</answer>").outcome, Outcome::truncated);
}

// What a line would undo after it has reached the goal is not done any more.
TEST(Terminal, LooksAtTheGoalAfterEveryCommandOfALine) {
  const auto game = family_of(entry(), "{\"composite_share\":0}")->make();
  const auto& seen = dynamic_cast<const Observable&>(*game);
  int undone = 0;
  for (std::uint64_t i = 0; i < 100; ++i) {
    game->reset(task_of(i));
    if (seen.task().kind != TaskKind::mkdir) continue;
    const Check goal = seen.task().checks[0];
    std::string line;
    for (const std::string& command : seen.task().way) line += command + " && ";
    line += "rm -r " + goal.path;
    const StepResult result = say(*game, "<answer>" + line + "</answer>");
    EXPECT_EQ(result.outcome, Outcome::done) << line;
    EXPECT_EQ(result.reward, 1.0);
    EXPECT_TRUE(holds(goal, seen.shell()));
    ++undone;
  }
  EXPECT_GT(undone, 3);
}

TEST(Terminal, RunsTheFirstCommandOfALineThatArrivesInPart) {
  const auto family = family_of(entry());
  const auto game = family->make();
  const auto& seen = dynamic_cast<const Observable&>(*game);
  EventQueue queue;
  const auto say_in_part = [&](const std::string& line) {
    AgentReply reply;
    reply.text = "<answer>" + line + "</answer>";
    return game->step_in_part(kAgentSeat, reply, queue).outcome;
  };
  game->reset(task_of(3));
  EXPECT_EQ(say_in_part("; mkdir \"new && old\" && mkdir other ; mkdir third"), Outcome::running);
  EXPECT_EQ(say_in_part("mkdir fourth | mkdir fifth"), Outcome::running);
  EXPECT_EQ(say_in_part("mkdir sixth"), Outcome::running);
  EXPECT_EQ(seen.lines(), (std::vector<std::string>{"; mkdir \"new && old\"",
                                                    "mkdir fourth | mkdir fifth", "mkdir sixth"}));
  const Machine& local = seen.shell().local();
  const auto made = [&local](const char* name) {
    return local.files.is_directory(joined(local.home, name));
  };
  EXPECT_TRUE(made("new && old") && made("sixth"));
  EXPECT_FALSE(made("other") || made("third") || made("fourth") || made("fifth"));
  std::string saved;
  ByteWriter out(saved);
  game->snapshot(out);
  const auto other = family->make();
  ByteReader in(saved);
  EXPECT_TRUE(other->restore(in));
}

TEST(Terminal, RestoresWhatItSavedAndRefusesWhatNoGameHas) {
  const auto game = family_of(entry(), "{\"steps\":3}")->make();
  const auto saved = [&game] {
    std::string bytes;
    ByteWriter out(bytes);
    game->snapshot(out);
    return bytes;
  };
  const auto restores = [](const std::string& bytes) {
    const auto other = family_of(entry(), "{\"steps\":3}")->make();
    ByteReader in(bytes);
    return other->restore(in) && in.finished();
  };
  const std::string nothing = saved();
  EXPECT_TRUE(restores(nothing));
  EXPECT_FALSE(restores('\0' + nothing.substr(1))) << "running without a task";
  game->reset(task_of(3));
  say(*game, "<answer>mkdir a</answer>");
  const std::string running = saved();
  EXPECT_TRUE(restores(running));
  const auto with_outcome = [&running](Outcome outcome) {
    return static_cast<char>(outcome) + running.substr(1);
  };
  EXPECT_TRUE(restores(with_outcome(Outcome::agent_error)));
  for (const Outcome outcome : {Outcome::done, Outcome::truncated, Outcome::timeout}) {
    EXPECT_FALSE(restores(with_outcome(outcome))) << name_of(outcome);
  }
  say(*game, "<answer>cd a</answer>");
  say(*game, "<answer>pwd</answer>");
  const std::string used_up = saved();
  EXPECT_TRUE(restores(used_up));
  EXPECT_FALSE(restores('\0' + used_up.substr(1))) << "running without steps";
}

TEST(TerminalOptions, AreReadWithTheirBounds) {
  const auto refused = [](const std::string& options) {
    const auto family = read_options(entry(), options, PromptStyle::paper);
    return family ? std::string("accepted") : family.error().text();
  };
  EXPECT_EQ(refused("{\"steps\":64,\"composite_share\":1}"), "accepted");
  EXPECT_NE(refused("{\"steps\":65}").find("/steps"), std::string::npos);
  EXPECT_NE(refused("{\"composite_share\":1.5}").find("/composite_share"), std::string::npos);
  EXPECT_NE(refused("{\"step\":3}").find("\"steps\""), std::string::npos);
}

// The first line is lost twice, as a fault does: the expert goes on from what was run.
TEST(TerminalPlayers, TheExpertGivesALineUntilItHasArrived) {
  const auto family = family_of(entry(), "{\"composite_share\":1}");
  const auto game = family->make();
  const auto player = family->make_player("expert");
  const auto& seen = dynamic_cast<const Observable&>(*game);
  game->reset(task_of(5));
  std::string first;
  for (std::int64_t turn = 0; turn < 12; ++turn) {
    const std::string reply = player->play({*game, {}, EpisodeKind::solve, 0, turn}, key_of(9));
    if (turn < 3) {
      EXPECT_EQ(reply, "<answer>" + seen.task().way[0] + "</answer>");
    }
    if (turn < 2) continue;
    if (say(*game, reply).outcome != Outcome::running) break;
  }
  EXPECT_EQ(say(*game, "").outcome, Outcome::done);
}

TEST(TerminalPlayers, TheExpertDoesAllTasksAndAimlessLinesNone) {
  const PositionScores expert = score_player(scenario_named("terminal_sim"), "expert", 60);
  for (const double success : expert.success) EXPECT_EQ(success, 1.0);
  const PositionScores random = score_player(scenario_named("terminal_sim"), "random", 60);
  for (const double success : random.success) EXPECT_LT(success, 0.02);
}

}  // namespace
}  // namespace turnhalle::terminal
