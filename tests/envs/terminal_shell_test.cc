// The simulated shell: how lines are read, what commands do, and the file system below.
#include "envs/terminal_shell.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "envs/terminal_line.h"

namespace turnhalle::terminal {
namespace {

Machine machine_of(System system, const std::string& user) {
  Machine machine;
  machine.system = system;
  machine.user = user;
  machine.host = "192.168.1.20";
  machine.home = (system == System::linux ? "/home/" : "/Users/") + user;
  machine.cwd = machine.home;
  EXPECT_EQ(machine.files.make_directories(machine.home, user), "");
  EXPECT_EQ(machine.files.put(machine.home + "/a.txt", file_of("hello", user)), "");
  return machine;
}

Shell shell_on(System system) {
  return {machine_of(system, "ann"), machine_of(System::linux, "bob")};
}

struct Session {
  std::string line;
  std::string said;
};

struct Talk {
  const char* name;
  System system;
  std::vector<Session> sessions;
};
void PrintTo(const Talk& talk, std::ostream* out) { *out << talk.name; }

class Sessions : public testing::TestWithParam<Talk> {};

TEST_P(Sessions, SayWhatIsExpected) {
  Shell shell = shell_on(GetParam().system);
  for (const Session& session : GetParam().sessions) {
    EXPECT_EQ(shell.run(session.line), session.said) << session.line;
    EXPECT_TRUE(shell.local().files.is_sound() && shell.remote().files.is_sound());
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

const std::vector<Session> kLines = {
    {"cat no && echo 1 ; echo 2 && echo 3", "cat: \"no\": no such file or directory\n2\n3\n"},
    {"mkdir n && cd n && touch b c && echo *", "b c\n"},  // filled in when it is echo's turn
    {"cd .. && echo $PWD ${HOME} \"a\\\"b\" a\\ b '*' \\*", "/home/ann /home/ann a\"b a b * *\n"},
    {"ssh bob@192.168.1.20 && echo $USER $PWD a*",
     "Connected to 192.168.1.20.\nbob /home/bob a.txt\n"},
    {"exit && echo $USER ; echo $NOTHING x", "Connection to 192.168.1.20 closed.\nann\nx\n"},
    {"echo 1 ; ls | cat", "shell: pipes and redirections are not supported\n"},
    {"echo 'a", "shell: a quote is not closed\n"},
    {"echo a &", "shell: commands in the background are not supported\n"},
    {"echo a\necho b", "shell: only one line is read\n"},
    {" ; && ;", ""},
    {"echo *n*t *.md", "*n*t *.md\n"}};

const std::vector<Session> kListings = {{"mkdir d && touch d/x .hidden && ls d a.txt no",
                                         "ls: \"no\": no such file or directory\na.txt\nd:\nx\n"},
                                        {"ls -a", ".hidden\na.txt\nd/\n"},
                                        {"ls -ld d", "drwxr-xr-x ann 4096 d/\n"},
                                        {"cd a.txt", "cd: \"a.txt\" is a file\n"},
                                        {"cd none", "cd: \"none\": no such file or directory\n"},
                                        {"cat d", "cat: \"d\" is a directory\n"}};

const std::vector<Session> kMoves = {
    {"mkdir d e && cp a.txt d/ && mv d e && ls e", "d/\n"},
    {"cp -r e/d . && mv d e", "mv: \"e\" exists already\n"},
    {"cp -r e e/d/f", "cp: source and target are one\n"},
    {"mv e e", "mv: source and target are one\n"},
    {"cp a.txt .", "cp: source and target are one\n"},
    {"cd d && mv ../d ../g", "mv: \"../d\" is in use\n"},
    {"cd .. && cp a.txt none/", "cp: \"none/\": no such directory\n"},
    {"cp e/d/a.txt a.txt/b", "cp: \"a.txt/b\": no such directory\n"},
    {"mkdir a.txt/b", "mkdir: \"a.txt/b\": no such file or directory\n"},
    {"mkdir -p a.txt/b/c",
     "mkdir: \"a.txt/b/c\": a file and a directory cannot replace each other\n"},
    {"touch a.txt/b", "touch: \"a.txt/b\": no such directory\n"},
    {"mkdir -p t/a.txt && cp a.txt t",
     "cp: \"t\": a file and a directory cannot replace each other\n"},
    {"cp a.txt d t", "cp: \"t\": a file and a directory cannot replace each other\n"},
    {"cp a.txt b.txt c.txt", "cp: \"c.txt\" is not a directory\n"},
    {"cp -r / t", "cp: the root stays where it is\n"},
    {"rm -rf /", "rm: the root stays where it is\n"},
    {"rm -r ~", "rm: \"~\" is in use\n"},
    {"rename a.txt z.txt && cat z.txt", "hello\n"}};

const std::vector<Session> kArchives = {
    {"touch b.txt && tar -czf all.tar.gz a.txt b.txt && tar -tf all.tar.gz", "a.txt\nb.txt\n"},
    {"mkdir d && cd d && tar xzf ../all.tar.gz && ls", "a.txt\nb.txt\n"},
    {"tar -xzf ../all.tar.gz -C ..",
     "tar: -C is not supported; archives are extracted in the current directory\n"},
    {"cd .. && zip all.zip d", "zip: \"d\" is a directory (use -r)\n"},
    {"zip -r all.zip d && unzip all.zip -d e", "d/\nd/a.txt\nd/b.txt\n"},
    {"cat e/d/a.txt", "hello\n"},
    {"tar -xf all.zip", "tar: this is not a tar archive\n"},
    {"gzip a.txt && ls a*", "a.txt.gz\nall.tar.gz\nall.zip\n"},
    {"gunzip a.txt.gz && cat a.txt", "hello\n"},
    {"chmod 600 a.txt && mkdir o && tar -cf in.tar a.txt o && gzip in.tar && ls in*",
     "in.tar.gz\n"},
    {"tar -czf out.tgz in.tar.gz ./d/../a.txt ~/b.txt && tar -tf out.tgz",
     "a.txt\nhome/ann/b.txt\nin.tar.gz\n"},
    {"mkdir n && cd n && tar -x -v -f ../out.tgz in.tar.gz && tar -xzf in.tar.gz && ls -l",
     "in.tar.gz\n-rw------- ann 5 a.txt\n-rw-r--r-- ann 11 in.tar.gz\ndrwxr-xr-x ann 4096 o/\n"},
    {"gunzip -k in.tar.gz && tar -xzf in.tar", "tar: this is not in gzip format (leave out z)\n"},
    {"tar -xf in.tar none", "tar: nothing of that name is in the archive\n"},
    {"tar -cf empty.tar empty.tar", "tar: \"empty.tar\": no such file or directory\n"},
    {"cd .. && zip -j flat d/a.txt && zip flat b.txt && unzip -l flat.zip", "a.txt\nb.txt\n"},
    {"unzip all.zip d/a.txt -d a.txt", "unzip: a file and a directory cannot replace each other\n"},
    {"unzip all.zip none", "unzip: nothing of that name is in the archive\n"},
    {"mkdir -p b.txt.gz && gzip b.txt",
     "gzip: a file and a directory cannot replace each other\n"}};

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
    {"rsync -av a.txt bob@192.168.1.20:/nowhere/x", "rsync: \"/nowhere/x\": no such directory\n"},
    {"mkdir w && cp a.txt w/1.md && rsync -av w/ bob@192.168.1.20:in/", ""},
    {"scp -P 22 '192.168.1.20:up.txt' .", "scp: permission denied (publickey)\n"},
    {"scp bob@192.168.1.20:in/*.md bob@192.168.1.20:*.txt w && ls w", "1.md\na.txt\nup.txt\n"},
    {"scp a.txt w", "scp: one side must be user@host:path\n"},
    {"scp bob@192.168.1.20:in .", "scp: \"in\" is a directory (use -r)\n"},
    {"scp bob@192.168.1.20:none .", "scp: \"none\": no such file or directory\n"},
    {"ssh -p 22 bob@192.168.1.20 && rm -r /home/bob",
     "Connected to 192.168.1.20.\nrm: \"/home/bob\" is in use\n"},
    {"cd / && rm -r /home && exit ; ssh bob@192.168.1.20 && pwd",
     "Connection to 192.168.1.20 closed.\nConnected to 192.168.1.20.\n/\n"}};

const std::vector<Session> kWindows = {
    {"cd", "C:\\Users\\ann\n"},
    {"cd /d C:\\ && cd", "C:\\\n"},
    {"cd %USERPROFILE% && echo %CD% %USERNAME% 50% %NONE% it's",
     "C:\\Users\\ann ann 50% %NONE% it's\n"},
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
                         testing::Values(Talk{"paths", System::linux, kPaths},
                                         Talk{"lines", System::linux, kLines},
                                         Talk{"listings", System::linux, kListings},
                                         Talk{"moves", System::linux, kMoves},
                                         Talk{"archives", System::linux, kArchives},
                                         Talk{"remote", System::linux, kRemote},
                                         Talk{"windows", System::windows, kWindows}),
                         [](const auto& item) { return item.param.name; });

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

TEST(ShellLine, StopsWhenThereIsNothingMoreToDo) {
  Shell shell = shell_on(System::linux);
  const auto done = [&shell] { return shell.local().files.is_file("/home/ann/b"); };
  EXPECT_EQ(shell.run("echo 1 && touch b && echo 2 ; rm b", done), "1\n");
  EXPECT_TRUE(done());
}

TEST(FileSystem, IsBoundedWhateverIsDone) {
  Shell shell = shell_on(System::linux);
  std::string said;
  for (int i = 0; i < 14; ++i) {
    said = shell.run("cp -r /home/ann /tmp; mkdir -p d; mv d e; cp -r e f; tar -cf f/" +
                     std::to_string(i) + ".tar a.txt f e && cp -r f e");
  }
  EXPECT_NE(said.find("the disk is full"), std::string::npos) << said;
  EXPECT_TRUE(shell.local().files.is_sound());
  EXPECT_EQ(shell.run("rm -r d e f && touch b && ls"), "a.txt\nb\n");
  const std::string deep = "mkdir -p " + std::string(400, 'x') + "/" + std::string(700, 'y');
  EXPECT_NE(shell.run(deep).find("the name is too long"), std::string::npos);
  EXPECT_TRUE(shell.local().files.is_sound());
}

TEST(FileSystem, KeepsWhatItsArchivesWeigh) {
  FileSystem files;
  const Entry inner =
      archive_of("zip", {{"a", file_of("a", "ann")}, {"b", file_of("", "ann")}}, "");
  const Entry outer = archive_of("tar", {{"inner.zip", inner}}, "");
  EXPECT_EQ(inner.weight(), 3);
  EXPECT_EQ(outer.weight(), 4);
  EXPECT_EQ(files.put("/x", outer), "");
  EXPECT_EQ(files.put("/x/y", inner), "no such directory");
  EXPECT_TRUE(files.is_sound());
  files.remove("/x");
  EXPECT_TRUE(files.is_sound());
}

}  // namespace
}  // namespace turnhalle::terminal
