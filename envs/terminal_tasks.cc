#include "envs/terminal_tasks.h"

#include <algorithm>
#include <span>
#include <utility>

#include "core/check.h"
#include "core/text.h"

namespace turnhalle::terminal {
namespace {

constexpr std::array<std::string_view, kKinds> kKindNames = {"upload",
                                                             "download",
                                                             "rename",
                                                             "move",
                                                             "chmod",
                                                             "delete",
                                                             "copy",
                                                             "pack",
                                                             "mkdir",
                                                             "pack_upload",
                                                             "download_extract",
                                                             "mkdir_upload",
                                                             "upload_chmod",
                                                             "upload_delete_source",
                                                             "pack_upload_extract",
                                                             "download_rename",
                                                             "backup_replace"};
constexpr std::array<std::string_view, 7> kUsers = {"anna", "ben",   "chris", "dora",
                                                    "emil", "farah", "greta"};
constexpr std::array<std::string_view, 25> kFiles = {
    "report.txt",  "notes.md",    "data.csv",    "config.yaml", "settings.json",
    "index.html",  "style.css",   "main.py",     "app.js",      "readme.md",
    "todo.txt",    "invoice.txt", "summary.txt", "users.csv",   "server.conf",
    "deploy.sh",   "build.sh",    "schema.sql",  "results.csv", "draft.txt",
    "minutes.txt", "budget.csv",  "license.txt", "changes.log", "plan.md"};
constexpr std::array<std::string_view, 20> kDirectories = {
    "projects", "documents", "backup", "archive", "website", "scripts", "reports",
    "data",     "logs",      "images", "public",  "work",    "notes",   "exports",
    "uploads",  "config",    "tools",  "drafts",  "shared",  "release"};
constexpr std::array<std::int64_t, 8> kModes = {0600, 0640, 0644, 0664, 0700, 0750, 0755, 0775};
constexpr std::array<std::string_view, 3> kFormats = {"tar", "tar.gz", "zip"};
constexpr std::size_t kPackedFiles = 3;
constexpr std::size_t kDistractors = 3;

std::string octal(std::int64_t mode) {
  std::string text;
  for (int shift = 6; shift >= 0; shift -= 3)
    text += static_cast<char>('0' + ((mode >> shift) & 7));
  return text;
}

// Builds one task; names do not repeat within it.
class TaskBuilder {
 public:
  TaskBuilder(TaskKind kind, System system, RandomKey key)
      : random_(key.split("names")), seed_(key.low) {
    task_.kind = kind;
    files_.assign(kFiles.begin(), kFiles.end());
    directories_.assign(kDirectories.begin(), kDirectories.end());
    random_.shuffle(std::span<std::string_view>(files_));
    random_.shuffle(std::span<std::string_view>(directories_));
    set_up(task_.local, system);
    set_up(task_.remote, System::linux);
    task_.remote.host = "192.168.1." + std::to_string(random_.between(10, 99));
    address_ = task_.remote.user + "@" + task_.remote.host;
  }

  TerminalTask build() {
    switch (task_.kind) {
      case TaskKind::upload:
      case TaskKind::upload_chmod:
      case TaskKind::upload_remove_source:
      case TaskKind::mkdir_upload:
        upload();
        break;
      case TaskKind::download:
      case TaskKind::download_rename:
        download();
        break;
      case TaskKind::rename:
      case TaskKind::move:
      case TaskKind::copy:
        relocate();
        break;
      case TaskKind::chmod:
      case TaskKind::remove:
      case TaskKind::mkdir:
        change_one();
        break;
      case TaskKind::pack:
      case TaskKind::pack_upload:
      case TaskKind::pack_upload_extract:
        pack();
        break;
      case TaskKind::download_extract:
        download_extract();
        break;
      case TaskKind::backup_replace:
        backup_replace();
        break;
    }
    return std::move(task_);
  }

 private:
  void set_up(Machine& machine, System system) {
    machine.system = system;
    machine.user = std::string(kUsers[random_.below(kUsers.size())]);
    machine.host = "localhost";
    machine.home = (system == System::linux ? "/home/" : "/Users/") + machine.user;
    machine.cwd = machine.home;
    make_directory(machine, machine.home, machine.user);
    if (&machine == &task_.remote) {
      make_directory(machine, "/var/www/html", "www-data");
      make_directory(machine, "/opt", "root");
    }
  }

  std::string next_file() {
    check(!files_.empty(), "a task uses at most all file names");
    const std::string name(files_.back());
    files_.pop_back();
    return name;
  }

  std::string next_directory() {
    check(!directories_.empty(), "a task uses at most all directory names");
    const std::string name(directories_.back());
    directories_.pop_back();
    return name;
  }

  std::string content_of(const std::string& name) const {
    return "content of " + name + " #" + std::to_string(seed_ % 1'000'000);
  }

  static void make_directory(Machine& machine, const std::string& path, const std::string& owner) {
    const std::string_view refused = machine.files.make_directories(path, owner);
    check(refused.empty(), "a task's directories can be made", path, refused);
  }

  static void put(Machine& machine, const std::string& path, Entry entry) {
    const std::string_view refused = machine.files.put(path, std::move(entry));
    check(refused.empty(), "a task's files can be put", path, refused);
  }

  static void put(Machine& machine, const std::string& path, const std::string& content) {
    put(machine, path, file_of(content, machine.user));
  }

  std::string make_home_directory(Machine& machine) {
    const std::string path = joined(machine.home, next_directory());
    make_directory(machine, path, machine.user);
    return path;
  }

  // Home, a directory in it, the web server's, or one in /opt.
  std::string remote_directory() {
    Machine& remote = task_.remote;
    switch (random_.below(4)) {
      case 0:
        return remote.home;
      case 1:
        return "/var/www/html";
      case 2: {
        const std::string path = joined("/opt", next_directory());
        make_directory(remote, path, "root");
        return path;
      }
      default:
        return make_home_directory(remote);
    }
  }

  void add_distractors(Machine& machine, const std::string& directory) {
    for (std::size_t i = 0; i < kDistractors; ++i) {
      const std::string name = next_file();
      put(machine, joined(directory, name), content_of(name));
    }
  }

  void expect_content(bool remote, const std::string& path, const std::string& content) {
    Check check;
    check.kind = Check::Kind::content;
    check.remote = remote;
    check.path = path;
    check.content = content;
    task_.checks.push_back(std::move(check));
  }

  void expect(Check::Kind kind, bool remote, const std::string& path) {
    Check check;
    check.kind = kind;
    check.remote = remote;
    check.path = path;
    task_.checks.push_back(std::move(check));
  }

  std::string far(const std::string& path) const { return address_ + ":" + path; }
  std::string local(const std::string& path) const { return task_.local.shown(path); }
  std::string at_remote(const std::string& path) const {
    return path + " on the remote machine " + address_;
  }
  void add(const std::string& line) { task_.way.push_back(line); }
  void add_remotely(const std::string& line) {
    add("ssh " + address_);
    add(line);
    add("exit");
  }

  void upload() {
    const std::string name = next_file();
    const std::string from = joined(make_home_directory(task_.local), name);
    put(task_.local, from, content_of(name));
    add_distractors(task_.local, parent_of(from));
    std::string directory = remote_directory();
    const bool makes = task_.kind == TaskKind::mkdir_upload;
    if (makes) {
      directory = joined(directory, next_directory());
      add_remotely("mkdir -p " + directory);
      task_.sentence = "Create the directory " + at_remote(directory) + " and upload the file " +
                       local(from) + " into it.";
      expect(Check::Kind::directory, true, directory);
    } else {
      task_.sentence =
          "Upload the file " + local(from) + " into the directory " + at_remote(directory) + ".";
    }
    const std::string to = joined(directory, name);
    add("scp " + local(from) + " " + far(directory + "/"));
    expect_content(true, to, content_of(name));
    if (task_.kind == TaskKind::upload_chmod) {
      const std::int64_t mode = other_mode();
      task_.sentence += " Then set the permissions of the uploaded file to " + octal(mode) + ".";
      add_remotely("chmod " + octal(mode) + " " + to);
      expect(Check::Kind::mode, true, to);
      task_.checks.back().mode = mode;
    } else if (task_.kind == TaskKind::upload_remove_source) {
      task_.sentence += " Then delete the local file.";
      add("rm " + local(from));
      expect(Check::Kind::absent, false, from);
    }
  }

  // Any but that of new files.
  std::int64_t other_mode() {
    std::int64_t mode = 0644;
    while (mode == 0644) mode = kModes[random_.below(kModes.size())];
    return mode;
  }

  void download() {
    const std::string name = next_file();
    const std::string from = joined(remote_directory(), name);
    put(task_.remote, from, content_of(name));
    add_distractors(task_.remote, parent_of(from));
    const std::string directory = make_home_directory(task_.local);
    std::string to = joined(directory, name);
    task_.sentence =
        "Download the file " + at_remote(from) + " into the local directory " + local(directory);
    if (task_.kind == TaskKind::download_rename) {
      to = joined(directory, next_file());
      task_.sentence += " and name it " + name_of(to);
      expect(Check::Kind::absent, false, joined(directory, name));
    }
    task_.sentence += ".";
    add("scp " + far(from) + " " + local(to));
    expect_content(false, to, content_of(name));
  }

  void relocate() {
    const bool remote = random_.chance(1, 2);
    Machine& machine = remote ? task_.remote : task_.local;
    const std::string name = next_file();
    const std::string from = joined(make_home_directory(machine), name);
    put(machine, from, content_of(name));
    add_distractors(machine, parent_of(from));
    const bool renames = task_.kind == TaskKind::rename;
    const std::string directory = renames ? parent_of(from) : make_home_directory(machine);
    const std::string to = joined(directory, renames ? next_file() : name);
    const std::string where = remote ? at_remote(from) : "local file " + local(from);
    if (renames) {
      task_.sentence = "Rename the file " + where + " to " + name_of(to) + ".";
    } else {
      task_.sentence = std::string(task_.kind == TaskKind::move ? "Move" : "Copy") + " the file " +
                       where + " into the directory " + machine.shown(directory) + ".";
    }
    const std::string verb = task_.kind == TaskKind::copy ? "cp " : "mv ";
    add_on(remote, verb + machine.shown(from) + " " + machine.shown(to));
    expect_content(remote, to, content_of(name));
    if (task_.kind == TaskKind::copy) {
      expect_content(remote, from, content_of(name));
    } else {
      expect(Check::Kind::absent, remote, from);
    }
  }

  void add_on(bool remote, const std::string& line) {
    if (remote) {
      add_remotely(line);
      task_.way.pop_back();  // the work is done before leaving
    } else {
      add(line);
    }
  }

  void change_one() {
    const bool windows = task_.local.system == System::windows;
    const bool must = task_.kind == TaskKind::chmod && windows;
    const bool remote = random_.chance(1, 2) || must;
    Machine& machine = remote ? task_.remote : task_.local;
    const std::string directory = make_home_directory(machine);
    add_distractors(machine, directory);
    const auto where = [&](const std::string& path) {
      return remote ? at_remote(path) : local(path) + " on the local machine";
    };
    if (task_.kind == TaskKind::mkdir) {
      const std::string path = joined(directory, next_directory());
      task_.sentence = "Create the directory " + where(path) + ".";
      add_on(remote, "mkdir " + machine.shown(path));
      expect(Check::Kind::directory, remote, path);
      return;
    }
    const std::string name = next_file();
    const std::string path = joined(directory, name);
    put(machine, path, content_of(name));
    if (task_.kind == TaskKind::remove) {
      task_.sentence = "Delete the file " + where(path) + ".";
      add_on(remote, "rm " + machine.shown(path));
      expect(Check::Kind::absent, remote, path);
      return;
    }
    const std::int64_t mode = other_mode();
    task_.sentence = "Set the permissions of the file " + where(path) + " to " + octal(mode) + ".";
    add_on(remote, "chmod " + octal(mode) + " " + machine.shown(path));
    expect(Check::Kind::mode, remote, path);
    task_.checks.back().mode = mode;
  }

  std::string draw_format() {
    if (task_.local.system == System::windows) return "zip";
    return std::string(kFormats[random_.below(kFormats.size())]);
  }

  // Files that are packed together.
  std::map<std::string, std::string> draw_members() {
    std::map<std::string, std::string> members;
    for (std::size_t i = 0; i < kPackedFiles; ++i) {
      const std::string name = next_file();
      members[name] = content_of(name);
    }
    return members;
  }

  static std::string pack_command(const std::string& format, const std::string& archive,
                                  const std::map<std::string, std::string>& members) {
    std::string line = format == "zip" ? "zip " : format == "tar" ? "tar -cf " : "tar -czf ";
    line += archive;
    for (const auto& [name, content] : members) line += " " + name;
    return line;
  }

  static std::string extract_command(const std::string& format, const std::string& archive) {
    return (format == "zip" ? "unzip " : format == "tar" ? "tar -xf " : "tar -xzf ") + archive;
  }

  void pack() {
    const bool alone = task_.kind == TaskKind::pack;
    const bool remote = alone && random_.chance(1, 2);
    Machine& machine = remote ? task_.remote : task_.local;
    const std::string directory = make_home_directory(machine);
    const std::map<std::string, std::string> members = draw_members();
    for (const auto& [name, content] : members) put(machine, joined(directory, name), content);
    const std::string format = draw_format();
    const std::string archive = next_directory() + "_files." + format;
    std::string names;
    for (const auto& [name, content] : members) names += (names.empty() ? "" : ", ") + name;
    task_.sentence = "Pack the files " + names + " of the directory " +
                     (remote ? at_remote(directory) : local(directory)) + " into the " + format +
                     " archive " + archive + (alone ? " in the same directory" : "");
    const std::string line =
        "cd " + machine.shown(directory) + " && " + pack_command(format, archive, members);
    add_on(remote, line);
    if (alone) {
      task_.sentence += ".";
      expect_archive(remote, joined(directory, archive), members);
      return;
    }
    const std::string target = remote_directory();
    add("scp " + archive + " " + far(target + "/"));
    task_.sentence += " and upload it into the directory " + at_remote(target);
    if (task_.kind == TaskKind::pack_upload) {
      task_.sentence += ".";
      expect_archive(true, joined(target, archive), members);
      return;
    }
    task_.sentence += ", and extract it there.";
    add("ssh " + address_);
    add("cd " + target + " && " + extract_command(format, archive));
    for (const auto& [name, content] : members) expect_content(true, joined(target, name), content);
  }

  void expect_archive(bool remote, const std::string& path,
                      const std::map<std::string, std::string>& members) {
    expect(Check::Kind::archive, remote, path);
    task_.checks.back().members = members;
  }

  void download_extract() {
    const std::map<std::string, std::string> members = draw_members();
    const std::string format = draw_format();
    const std::string from = joined(remote_directory(), next_directory() + "_files." + format);
    Tree tree;
    for (const auto& [name, content] : members) tree[name] = file_of(content, task_.remote.user);
    put(task_.remote, from, archive_of(format, std::move(tree), task_.remote.user));
    const std::string directory = make_home_directory(task_.local);
    task_.sentence = "Download the archive " + at_remote(from) + " and extract it in the local " +
                     "directory " + local(directory) + ".";
    add("cd " + local(directory));
    add("scp " + far(from) + " .");
    add(extract_command(format, name_of(from)));
    for (const auto& [name, content] : members) {
      expect_content(false, joined(directory, name), content);
    }
  }

  void backup_replace() {
    const std::string name = next_file();
    const std::string from = joined(make_home_directory(task_.local), name);
    put(task_.local, from, content_of(name) + " (new)");
    const std::string to = joined(remote_directory(), name);
    put(task_.remote, to, content_of(name) + " (old)");
    task_.sentence = "Back up the file " + at_remote(to) + " as " + name + ".bak beside it, then " +
                     "replace it by the local file " + local(from) + ".";
    add_remotely("cp " + to + " " + to + ".bak");
    add("scp " + local(from) + " " + far(to));
    expect_content(true, to + ".bak", content_of(name) + " (old)");
    expect_content(true, to, content_of(name) + " (new)");
  }

  Random random_;
  std::uint64_t seed_;
  TerminalTask task_;
  std::vector<std::string_view> files_;
  std::vector<std::string_view> directories_;
  std::string address_;
};

}  // namespace

std::string_view name_of(TaskKind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

bool holds(const Check& check, const Shell& shell) {
  const FileSystem& files = (check.remote ? shell.remote() : shell.local()).files;
  const Entry* entry = files.find(check.path);
  switch (check.kind) {
    case Check::Kind::absent:
      return entry == nullptr;
    case Check::Kind::directory:
      return entry != nullptr && entry->directory;
    case Check::Kind::mode:
      return entry != nullptr && entry->mode == check.mode;
    case Check::Kind::content:
      return entry != nullptr && entry->is_text(check.content);
    case Check::Kind::archive:
      break;
  }
  if (entry == nullptr || entry->members == nullptr) return false;
  const Tree& members = *entry->members;
  return std::all_of(check.members.begin(), check.members.end(), [&members](const auto& wanted) {
    return std::any_of(members.begin(), members.end(), [&wanted](const auto& member) {
      return name_of(member.first) == wanted.first && member.second.is_text(wanted.second);
    });
  });
}

TerminalTask draw_terminal_task(const TaskOptions& options, RandomKey key) {
  Random random(key.split("kind"));
  const auto system = static_cast<System>(random.below(3));
  const bool composite = random.uniform() < options.composite_share;
  const std::uint64_t number =
      composite ? kSingleKinds + random.below(kKinds - kSingleKinds) : random.below(kSingleKinds);
  return draw_terminal_task(static_cast<TaskKind>(number), system, key);
}

TerminalTask draw_terminal_task(TaskKind kind, System system, RandomKey key) {
  return TaskBuilder(kind, system, key).build();
}

}  // namespace turnhalle::terminal
