// The simulated shell, all kinds of tasks, and the rules of terminal_sim.
#include "envs/terminal_sim.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/event_queue.h"
#include "envs/terminal_players.h"
#include "tests/envs/player_scores.h"

namespace turnhalle::terminal {
namespace {

RandomKey key_of(std::uint64_t number) { return RandomKey::from_seed(7).split(number); }

Machine machine_of(System system, const std::string& user) {
  Machine machine;
  machine.system = system;
  machine.user = user;
  machine.host = "192.168.1.20";
  machine.home = (system == System::linux ? "/home/" : "/Users/") + user;
  machine.cwd = machine.home;
  machine.files.make_directories(machine.home, user);
  Entry entry;
  entry.content = "hello";
  entry.owner = user;
  machine.files.put(machine.home + "/a.txt", entry);
  return machine;
}

Shell shell_on(System system) {
  return {machine_of(system, "ann"), machine_of(System::linux, "bob")};
}

struct Session {
  std::string line;
  std::string said;
};

class Sessions : public testing::TestWithParam<std::pair<System, std::vector<Session>>> {};

TEST_P(Sessions, SayWhatIsExpected) {
  Shell shell = shell_on(GetParam().first);
  for (const Session& session : GetParam().second) {
    EXPECT_EQ(shell.run(session.line), session.said) << session.line;
  }
}

const std::vector<Session> kPaths = {
    {"pwd", "/home/ann\n"},
    {"mkdir -p x/y && cd x/y && pwd", "/home/ann/x/y\n"},
    {"cd ../.. ; cat $HOME/a.txt", "hello\n"},
    {"cat ~/a.txt 'a.txt'", "hello\nhello\n"},
    {"cp a.txt 'b c.txt'; ls", "a.txt\nb c.txt\nx/\n"},
    {"rm *.txt && ls", "x/\n"},
    {"echo \"$USER is\" '$USER'", "ann is $USER\n"},
    {"cat a.txt && echo no", "cat: \"a.txt\": no such file or directory\n"},
    {"cat a.txt ; echo yes", "cat: \"a.txt\": no such file or directory\nyes\n"},
    {"ls | cat", "shell: pipes and redirections are not supported\n"},
    {"echo x > y", "shell: pipes and redirections are not supported\n"},
    {"sleep 1", "\"sleep\": command not found\n"},
    {"touch f && chmod 640 f && ls -l f", "-rw-r----- ann 0 f\n"},
    {"chmod u+x,o=r f && ls -l f", "-rwxr--r-- ann 0 f\n"},
    {"chmod 9 f", "chmod: mode \"9\" is not understood\n"},
    {"rm x", "rm: \"x\" is a directory (use -r)\n"},
    {"rm -r x; ls", "f\n"}};

const std::vector<Session> kArchives = {
    {"touch b.txt && tar -czf all.tar.gz a.txt b.txt && tar -tf all.tar.gz", "a.txt\nb.txt\n"},
    {"mkdir d && cd d && tar xzf ../all.tar.gz && ls", "a.txt\nb.txt\n"},
    {"tar -xzf ../all.tar.gz -C ..",
     "tar: -C is not supported; archives are extracted in the current directory\n"},
    {"cd .. && zip all.zip d", "zip: \"d\" is a directory (use -r)\n"},
    {"zip -r all.zip d && unzip all.zip -d e", "d/a.txt\nd/b.txt\n"},
    {"cat e/d/a.txt", "hello\n"},
    {"tar -xf all.zip", "tar: this is not a tar archive\n"},
    {"gzip a.txt && ls a*", "a.txt.gz\nall.tar.gz\nall.zip\n"},
    {"gunzip a.txt.gz && cat a.txt", "hello\n"}};

const std::vector<Session> kRemote = {
    {"ssh bob@192.168.1.21", "ssh: connect to host \"192.168.1.21\": connection refused\n"},
    {"ssh ann@192.168.1.20", "ssh: permission denied (publickey)\n"},
    {"scp a.txt bob@192.168.1.20:up.txt", ""},
    {"scp -r bob@192.168.1.20:/home/bob here && ls here", "a.txt\nup.txt\n"},
    {"ssh bob@192.168.1.20 && ls", "Connected to 192.168.1.20.\na.txt\nup.txt\n"},
    {"whoami ; ssh bob@192.168.1.20", "bob\nssh: you are connected already\n"},
    {"scp a.txt bob@192.168.1.20:x", "scp: leave the remote machine first (exit)\n"},
    {"exit", "Connection to 192.168.1.20 closed.\n"},
    {"exit", "exit: you are not connected\n"},
    {"rsync -av a.txt bob@192.168.1.20:/nowhere/x",
     "rsync: \"bob@192.168.1.20:/nowhere/x\": no such directory\n"}};

const std::vector<Session> kWindows = {
    {"cd", ""},
    {"pwd", "C:\\Users\\ann\n"},
    {"mkdir x\\y && copy a.txt x\\y && dir x\\y", "a.txt\n"},
    {"type C:\\Users\\ann\\x\\y\\a.txt", "hello\n"},
    {"type %USERPROFILE%\\a.txt", "hello\n"},
    {"ren a.txt b.txt && dir", "b.txt\nx/\n"},
    {"tar -czf a.tar.gz b.txt", "\"tar\": command not found\n"},
    {"chmod 600 b.txt", "\"chmod\": command not found\n"},
    {"zip z.zip b.txt && del b.txt && unzip z.zip", "b.txt\n"},
    {"scp C:\\Users\\ann\\b.txt bob@192.168.1.20:/home/bob/ && ssh bob@192.168.1.20 && ls",
     "Connected to 192.168.1.20.\na.txt\nb.txt\n"}};

INSTANTIATE_TEST_SUITE_P(Shell, Sessions,
                         testing::Values(std::pair(System::linux, kPaths),
                                         std::pair(System::linux, kArchives),
                                         std::pair(System::linux, kRemote),
                                         std::pair(System::windows, kWindows)));

TEST(Prompt, HasTheFormOfTheSystem) {
  EXPECT_EQ(shell_on(System::linux).prompt(), "ann@laptop:~$");
  EXPECT_EQ(shell_on(System::macos).prompt(), "ann@MacBook ~ %");
  EXPECT_EQ(shell_on(System::windows).prompt(), "C:\\Users\\ann>");
  Shell shell = shell_on(System::macos);
  shell.run("ssh bob@192.168.1.20 && cd ..");
  EXPECT_EQ(shell.prompt(), "bob@server:/home$");
}

TEST(ShellListing, StopsAfterFiftyEntries) {
  Shell shell = shell_on(System::linux);
  std::string line = "touch";
  for (int i = 10; i < 70; ++i) line += " f" + std::to_string(i);
  shell.run(line);
  const std::string said = shell.run("ls");
  EXPECT_NE(said.find("... and 11 more"), std::string::npos);
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 51);
}

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

TEST(Terminal, EndsWithSuccessStepsOrAnUnreadableAnswer) {
  const auto document = parse_json("{\"steps\":3}", "options.json");
  JsonReader reader(*document);
  const auto family = entry().read(reader.object(), PromptStyle::paper);
  const auto game = family->make();
  EventQueue queue;
  const auto say = [&](const std::string& text) {
    AgentReply reply;
    reply.text = text;
    return game->step(kAgentSeat, reply, queue);
  };
  game->reset({key_of(1), key_of(2), 0, 0});
  EXPECT_EQ(say("ls").outcome, Outcome::agent_error);
  game->reset({key_of(1), key_of(2), 0, 0});
  EXPECT_EQ(say("<answer> </answer>").outcome, Outcome::agent_error);
  game->reset({key_of(1), key_of(2), 0, 0});
  EXPECT_EQ(say("<answer>pwd</answer>").outcome, Outcome::running);
  EXPECT_NE(say("<answer>nothing</answer>").observation.find("command not found"),
            std::string::npos);
  EXPECT_EQ(say("<answer>ls</answer>").outcome, Outcome::truncated);
}

TEST(TerminalPlayers, TheExpertDoesAllTasksAndAimlessLinesNone) {
  const PositionScores expert = score_player(scenario_named("terminal_sim"), "expert", 60);
  for (const double success : expert.success) EXPECT_EQ(success, 1.0);
  const PositionScores random = score_player(scenario_named("terminal_sim"), "random", 60);
  for (const double success : random.success) EXPECT_LT(success, 0.02);
}

}  // namespace
}  // namespace turnhalle::terminal
