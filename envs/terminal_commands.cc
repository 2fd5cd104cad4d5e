#include "envs/terminal_commands.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "core/text.h"

namespace turnhalle::terminal {
namespace {

constexpr std::size_t kListedMax = 50;
constexpr std::size_t kOutputBytesMax = 4000;  // of one command

std::string mode_text(const Entry& entry) {
  std::string text = entry.directory ? "d" : "-";
  for (int shift = 6; shift >= 0; shift -= 3) {
    const std::int64_t bits = entry.mode >> shift;
    text += (bits & 4) != 0 ? 'r' : '-';
    text += (bits & 2) != 0 ? 'w' : '-';
    text += (bits & 1) != 0 ? 'x' : '-';
  }
  return text;
}

bool parse_octal(std::string_view text, std::int64_t& mode) {
  if (text.size() < 3 || text.size() > 4) return false;
  std::int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return false;
    value = value * 8 + (c - '0');
  }
  mode = value;
  return value <= 0777;
}

// "u+x", "go-w", "a=r", "+x", several with commas.
bool apply_symbolic(std::string_view text, std::int64_t& mode) {
  while (!text.empty()) {
    std::string_view clause = text.substr(0, text.find(','));
    text.remove_prefix(std::min(clause.size() + 1, text.size()));
    const std::size_t sign = clause.find_first_of("+-=");
    if (sign == std::string_view::npos) return false;
    std::int64_t who = 0;
    for (const char c : clause.substr(0, sign)) {
      const std::size_t place = std::string_view("ogua").find(c);
      if (place == std::string_view::npos) return false;
      who |= place == 3 ? 0777 : std::int64_t{7} << (3 * static_cast<std::int64_t>(place));
    }
    if (sign == 0) who = 0777;
    std::int64_t bits = 0;
    for (const char c : clause.substr(sign + 1)) {
      const std::size_t place = std::string_view("xwr").find(c);
      if (place == std::string_view::npos) return false;
      bits |= std::int64_t{0111} << static_cast<std::int64_t>(place);
    }
    if (clause[sign] == '+') mode |= who & bits;
    if (clause[sign] == '-') mode &= ~(who & bits);
    if (clause[sign] == '=') mode = (mode & ~who) | (who & bits);
  }
  return true;
}

}  // namespace

Arguments arguments_of(const Words& words, bool windows) {
  Arguments arguments;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool option = word.size() > 1 && (word[0] == '-' || (windows && word[0] == '/'));
    if (!option || (windows && word[0] == '/' && word.size() > 2)) {
      arguments.operands.push_back(word);
    } else if (word.starts_with("--")) {
      arguments.flags += word == "--recursive" ? "r" : "";
    } else {
      arguments.flags += word.substr(1);
    }
  }
  return arguments;
}

Output failed(const std::string& name, const std::string& what) {
  return {false, name + ": " + what + "\n"};
}

Output missing(const std::string& name, const std::string& path) {
  return failed(name, in_quotes(path) + ": no such file or directory");
}

Commands::Function Commands::function_named(std::string_view name) {
  static const std::map<std::string, Function, std::less<>> kFunctions = {
      {"cat", &Commands::print_file},
      {"cd", &Commands::change_directory},
      {"chmod", &Commands::change_mode},
      {"copy", &Commands::copy},
      {"cp", &Commands::copy},
      {"del", &Commands::remove},
      {"dir", &Commands::list},
      {"echo", &Commands::echo},
      {"exit", &Commands::leave},
      {"gunzip", &Commands::gunzip},
      {"gzip", &Commands::gzip},
      {"ls", &Commands::list},
      {"mkdir", &Commands::make_directory},
      {"move", &Commands::move},
      {"mv", &Commands::move},
      {"pwd", &Commands::print_directory},
      {"ren", &Commands::move},
      {"rename", &Commands::move},
      {"rm", &Commands::remove},
      {"rsync", &Commands::transfer},
      {"scp", &Commands::transfer},
      {"ssh", &Commands::connect},
      {"tar", &Commands::tar},
      {"touch", &Commands::touch},
      {"type", &Commands::print_file},
      {"unzip", &Commands::unzip},
      {"whoami", &Commands::who},
      {"zip", &Commands::zip}};
  const auto place = kFunctions.find(name);
  return place == kFunctions.end() ? nullptr : place->second;
}

bool Commands::available(std::string_view name) const {
  static constexpr std::array<std::string_view, 6> kNotOnWindows = {"chmod", "touch", "rsync",
                                                                    "tar",   "gzip",  "gunzip"};
  return machine_.system != System::windows ||
         std::find(kNotOnWindows.begin(), kNotOnWindows.end(), name) == kNotOnWindows.end();
}

Output Commands::run(const Words& words) {
  const Function function = function_named(words[0]);
  if (function == nullptr || !available(words[0])) {
    return {false, in_quotes(words[0]) + ": command not found\n"};
  }
  if (machine_.files.count() > kEntriesMax) return failed(words[0], "the disk is full");
  Output output = (this->*function)(words);
  output.text = shortened(output.text, kOutputBytesMax);
  return output;
}

Output Commands::list(const Words& words) {
  const Arguments arguments = arguments_of(words, machine_.system == System::windows);
  const std::string path = at(arguments.operands.empty() ? "." : arguments.operands[0]);
  const Entry* entry = machine_.files.find(path);
  if (entry == nullptr) return missing(words[0], arguments.operands[0]);
  Words names = entry->directory ? machine_.files.names_in(path) : Words{name_of(path)};
  const std::string folder = entry->directory ? path : parent_of(path);
  if (!arguments.has('a')) {
    std::erase_if(names, [](const std::string& name) { return name.starts_with('.'); });
  }
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kListedMax); ++i) {
    const Entry& listed = *machine_.files.find(joined(folder, names[i]));
    if (arguments.has('l')) {
      text += mode_text(listed) + " " + listed.owner + " " + std::to_string(listed.size()) + " ";
    }
    text += names[i] + (listed.directory ? "/" : "") + "\n";
  }
  if (names.size() > kListedMax) {
    text += "... and " + std::to_string(names.size() - kListedMax) + " more\n";
  }
  return {true, text};
}

Output Commands::change_directory(const Words& words) {
  const std::string path = words.size() > 1 ? at(words[1]) : machine_.home;
  if (!machine_.files.is_directory(path)) return missing("cd", words.size() > 1 ? words[1] : "~");
  machine_.cwd = path;
  return {};
}

Output Commands::print_directory(const Words&) {
  return {true, machine_.shown(machine_.cwd) + "\n"};
}

Output Commands::print_file(const Words& words) {
  if (words.size() < 2) return failed(words[0], "a file is missing");
  std::string text;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const Entry* entry = machine_.files.find(at(words[i]));
    if (entry == nullptr) return missing(words[0], words[i]);
    if (entry->directory) return failed(words[0], in_quotes(words[i]) + " is a directory");
    text += (entry->archive.empty() ? entry->content : "(binary data)") + "\n";
  }
  return {true, text};
}

Output Commands::make_directory(const Words& words) {
  const bool windows = machine_.system == System::windows;
  const Arguments arguments = arguments_of(words);
  if (arguments.operands.empty()) return failed("mkdir", "a directory is missing");
  for (const std::string& operand : arguments.operands) {
    const std::string path = at(operand);
    const bool parents = windows || arguments.has('p');
    if (machine_.files.find(path) != nullptr) {
      if (arguments.has('p') && machine_.files.is_directory(path)) continue;
      return failed("mkdir", in_quotes(operand) + " exists already");
    }
    if (!parents && !machine_.files.is_directory(parent_of(path))) return missing("mkdir", operand);
    for (std::string up = parent_of(path); up != "/"; up = parent_of(up)) {
      if (machine_.files.is_file(up)) return failed("mkdir", in_quotes(operand) + " is in a file");
    }
    machine_.files.make_directories(path, machine_.user);
  }
  return {};
}

Output Commands::change_mode(const Words& words) {
  // A mode such as -w looks like an option; only -R is one.
  Words operands(words.begin() + 1, words.end());
  const bool recursive = std::erase(operands, "-R") > 0;
  if (operands.size() < 2) return failed("chmod", "a mode and a file are needed");
  for (std::size_t i = 1; i < operands.size(); ++i) {
    const std::string path = at(operands[i]);
    if (machine_.files.find(path) == nullptr) return missing("chmod", operands[i]);
    for (const auto& [relative, unused] : machine_.files.tree(path)) {
      if (!relative.empty() && !recursive) continue;
      Entry& entry = *machine_.files.find(relative.empty() ? path : joined(path, relative));
      if (!parse_octal(operands[0], entry.mode) && !apply_symbolic(operands[0], entry.mode)) {
        return failed("chmod", "mode " + in_quotes(operands[0]) + " is not understood");
      }
    }
  }
  return {};
}

Output Commands::place(const std::map<std::string, Entry>& tree, const std::string& name,
                       Machine& machine, const std::string& to, const std::string& shown) {
  std::string target = to;
  if (machine.files.is_directory(to)) target = joined(to, name);
  if (!machine.files.is_directory(parent_of(target))) {
    return {false, in_quotes(shown) + ": no such directory\n"};
  }
  const bool directory = tree.at("").directory;
  if (directory ? machine.files.is_file(target) : machine.files.is_directory(target)) {
    return {false, in_quotes(shown) + ": a file and a directory cannot replace each other\n"};
  }
  if (machine.files.count() + tree.size() > kEntriesMax) return {false, "the disk is full\n"};
  std::map<std::string, Entry> owned = tree;
  for (auto& [relative, entry] : owned) entry.owner = machine.user;
  machine.files.put_tree(target, owned);
  return {};
}

Output Commands::copy(const Words& words) {
  const Arguments arguments = arguments_of(words, machine_.system == System::windows);
  if (arguments.operands.size() < 2) return failed(words[0], "a source and a target are needed");
  const std::string to = at(arguments.operands.back());
  if (arguments.operands.size() > 2 && !machine_.files.is_directory(to)) {
    return failed(words[0], in_quotes(arguments.operands.back()) + " is not a directory");
  }
  for (std::size_t i = 0; i + 1 < arguments.operands.size(); ++i) {
    const std::string from = at(arguments.operands[i]);
    if (machine_.files.find(from) == nullptr) return missing(words[0], arguments.operands[i]);
    const bool recursive = arguments.has('r') || arguments.has('R') || arguments.has('a');
    if (machine_.files.is_directory(from) && !recursive) {
      return failed(words[0], in_quotes(arguments.operands[i]) + " is a directory (use -r)");
    }
    if (to == from || to.starts_with(from + "/"))
      return failed(words[0], "source and target are one");
    const Output placed =
        place(machine_.files.tree(from), name_of(from), machine_, to, arguments.operands.back());
    if (!placed.ok) return {false, words[0] + ": " + placed.text};
  }
  return {};
}

Output Commands::move(const Words& words) {
  const Arguments arguments = arguments_of(words, machine_.system == System::windows);
  if (arguments.operands.size() < 2) return failed(words[0], "a source and a target are needed");
  std::string to = at(arguments.operands.back());
  const std::string& last = arguments.operands.back();
  // Windows' ren takes a bare name beside the file.
  if (words[0].starts_with("ren") && last.find_first_of("/\\") == std::string::npos) {
    to = joined(parent_of(at(arguments.operands[0])), last);
  }
  for (std::size_t i = 0; i + 1 < arguments.operands.size(); ++i) {
    const std::string from = at(arguments.operands[i]);
    if (from == "/" || machine_.files.find(from) == nullptr) {
      return missing(words[0], arguments.operands[i]);
    }
    if (to == from || to.starts_with(from + "/"))
      return failed(words[0], "source and target are one");
    if (arguments.operands.size() > 2 && !machine_.files.is_directory(to)) {
      return failed(words[0], in_quotes(last) + " is not a directory");
    }
    if (parent_of(from) == to) return failed(words[0], "source and target are one");
    const Output placed = place(machine_.files.tree(from), name_of(from), machine_, to, last);
    if (!placed.ok) return {false, words[0] + ": " + placed.text};
    machine_.files.remove(from);
  }
  return {};
}

Output Commands::remove(const Words& words) {
  const Arguments arguments = arguments_of(words, machine_.system == System::windows);
  if (arguments.operands.empty()) return failed(words[0], "a file is missing");
  for (const std::string& operand : arguments.operands) {
    const std::string path = at(operand);
    if (machine_.files.find(path) == nullptr) {
      if (arguments.has('f')) continue;
      return missing(words[0], operand);
    }
    if (machine_.files.is_directory(path) && !arguments.has('r') && !arguments.has('R')) {
      return failed(words[0], in_quotes(operand) + " is a directory (use -r)");
    }
    if (path == "/" || machine_.cwd == path || machine_.cwd.starts_with(path + "/")) {
      return failed(words[0], in_quotes(operand) + " is in use");
    }
    machine_.files.remove(path);
  }
  return {};
}

Output Commands::touch(const Words& words) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string path = at(words[i]);
    if (machine_.files.find(path) != nullptr) continue;
    if (!machine_.files.is_directory(parent_of(path))) return missing("touch", words[i]);
    Entry entry;
    entry.owner = machine_.user;
    machine_.files.put(path, std::move(entry));
  }
  return words.size() > 1 ? Output{} : failed("touch", "a file is missing");
}

Output Commands::echo(const Words& words) {
  return {true, join(std::span(words).subspan(1), " ") + "\n"};
}

Output Commands::who(const Words&) { return {true, machine_.user + "\n"}; }

Output Commands::connect(const Words& words) {
  if (shell_.connected_) return failed("ssh", "you are connected already");
  if (words.size() != 2) return failed("ssh", "write ssh user@host and give commands afterwards");
  const std::size_t sign = words[1].find('@');
  const std::string user = words[1].substr(0, sign == std::string::npos ? 0 : sign);
  const std::string host = sign == std::string::npos ? words[1] : words[1].substr(sign + 1);
  if (host != shell_.remote_.host) {
    return failed("ssh", "connect to host " + in_quotes(host) + ": connection refused");
  }
  if (user != shell_.remote_.user) return failed("ssh", "permission denied (publickey)");
  shell_.connected_ = true;
  shell_.remote_.cwd = shell_.remote_.home;
  return {true, "Connected to " + host + ".\n"};
}

Output Commands::leave(const Words&) {
  if (!shell_.connected_) return failed("exit", "you are not connected");
  shell_.connected_ = false;
  return {true, "Connection to " + shell_.remote_.host + " closed.\n"};
}

Output Commands::transfer(const Words& words) {
  const std::string& name = words[0];
  if (shell_.connected_) return failed(name, "leave the remote machine first (exit)");
  const Arguments arguments = arguments_of(words);
  if (arguments.operands.size() < 2) return failed(name, "a source and a target are needed");
  // A remote operand is user@host:path; a drive letter is no host.
  const auto is_remote = [](const std::string& operand) {
    return operand.find('@') != std::string::npos && operand.find(':') != std::string::npos;
  };
  const bool upload = is_remote(arguments.operands.back());
  for (std::size_t i = 0; i + 1 < arguments.operands.size(); ++i) {
    const std::string& source = arguments.operands[i];
    if (is_remote(source) == upload) return failed(name, "one side must be user@host:path");
    const std::string& far = upload ? arguments.operands.back() : source;
    const std::size_t sign = far.find('@');
    const std::size_t colon = far.find(':', sign);
    if (far.substr(sign + 1, colon - sign - 1) != shell_.remote_.host) {
      return failed(name, "connect to host: connection refused");
    }
    if (far.substr(0, sign) != shell_.remote_.user) return failed(name, "permission denied");
    Machine home = shell_.remote_;  // paths without a slash begin at the remote home
    home.cwd = home.home;
    const std::string remote = resolved(home, far.substr(colon + 1));
    Machine& from = upload ? machine_ : shell_.remote_;
    Machine& to = upload ? shell_.remote_ : machine_;
    const std::string source_path = upload ? at(source) : remote;
    const std::string target = upload ? remote : at(arguments.operands.back());
    if (from.files.find(source_path) == nullptr) return missing(name, source);
    const bool recursive = arguments.has('r') || arguments.has('a');
    if (from.files.is_directory(source_path) && !recursive) {
      return failed(name, in_quotes(source) + " is a directory (use -r)");
    }
    const Output placed = place(from.files.tree(source_path), name_of(source_path), to, target,
                                arguments.operands.back());
    if (!placed.ok) return {false, name + ": " + placed.text};
  }
  return {};
}

}  // namespace turnhalle::terminal
