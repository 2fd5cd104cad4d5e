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
constexpr std::string_view kRootStays = "the root stays where it is";

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

Arguments arguments_of(const Words& words, bool windows, std::string_view valued) {
  Arguments arguments;
  arguments.name = words[0];
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool slash = windows && word.size() == 2 && word[0] == '/';
    if (word.starts_with("--")) {
      arguments.flags += word == "--recursive" ? "r" : "";
    } else if (slash || (word.size() > 1 && word[0] == '-')) {
      arguments.flags += word.substr(1);
      if (word.size() == 2 && valued.find(word[1]) != std::string_view::npos) ++i;
    } else {
      arguments.operands.push_back(word);
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
  return !machine_.is_windows() ||
         std::find(kNotOnWindows.begin(), kNotOnWindows.end(), name) == kNotOnWindows.end();
}

Output Commands::run(const Words& words) {
  const Function function = function_named(words[0]);
  if (function == nullptr || !available(words[0])) {
    return {false, in_quotes(words[0]) + ": command not found\n"};
  }
  Output output = (this->*function)(words);
  output.text = shortened(output.text, kOutputBytesMax);
  return output;
}

std::string Commands::listed(const std::string& name, const Entry& entry, bool details) const {
  std::string text;
  if (details) {
    text = mode_text(entry) + " " + entry.owner + " " + std::to_string(entry.size()) + " ";
  }
  return text + name + (entry.directory ? "/" : "") + "\n";
}

Output Commands::list_directory(const std::string& path, const Arguments& arguments) const {
  Words names = machine_.files.names_in(path);
  if (!arguments.has('a')) {
    std::erase_if(names, [](const std::string& name) { return name.starts_with('.'); });
  }
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kListedMax); ++i) {
    text += listed(names[i], *machine_.files.find(joined(path, names[i])), arguments.has('l'));
  }
  if (names.size() > kListedMax) {
    text += "... and " + std::to_string(names.size() - kListedMax) + " more\n";
  }
  return {true, text};
}

// What is missing first, then files, then directories with their names above where there is more
// than one operand.
Output Commands::list(const Words& words) {
  Arguments arguments = arguments_of(words, machine_.is_windows());
  if (arguments.operands.empty()) arguments.operands.emplace_back(".");
  Output output;
  std::string files;
  std::string directories;
  for (const std::string& operand : arguments.operands) {
    const std::string path = at(operand);
    const Entry* entry = machine_.files.find(path);
    if (entry == nullptr) {
      output.text += missing(words[0], operand).text;
      output.ok = false;
    } else if (!entry->directory || arguments.has('d')) {
      files += listed(operand, *entry, arguments.has('l'));
    } else {
      if (arguments.operands.size() > 1) directories += operand + ":\n";
      directories += list_directory(path, arguments).text;
    }
    if (output.text.size() + files.size() + directories.size() > kOutputBytesMax) break;
  }
  output.text += files + directories;
  return output;
}

Output Commands::change_directory(const Words& words) {
  const Arguments arguments = arguments_of(words, machine_.is_windows());
  if (arguments.operands.empty() && machine_.is_windows()) return print_directory(words);
  const std::string operand = arguments.operands.empty() ? "~" : arguments.operands[0];
  const std::string path = at(operand);
  if (machine_.files.is_file(path)) return failed("cd", in_quotes(operand) + " is a file");
  if (!machine_.files.is_directory(path)) return missing("cd", operand);
  machine_.cwd = path;
  return {};
}

Output Commands::print_directory(const Words&) {
  return {true, machine_.shown(machine_.cwd) + "\n"};
}

Output Commands::print_file(const Words& words) {
  const Arguments arguments = arguments_of(words);
  if (arguments.operands.empty()) return failed(words[0], "a file is missing");
  std::string text;
  for (const std::string& operand : arguments.operands) {
    const Entry* entry = machine_.files.find(at(operand));
    if (entry == nullptr) return missing(words[0], operand);
    if (entry->directory) return failed(words[0], in_quotes(operand) + " is a directory");
    text += (entry->archive.empty() ? entry->content : "(binary data)") + "\n";
  }
  return {true, text};
}

Output Commands::make_directory(const Words& words) {
  const Arguments arguments = arguments_of(words);
  if (arguments.operands.empty()) return failed("mkdir", "a directory is missing");
  const bool parents = machine_.is_windows() || arguments.has('p');
  for (const std::string& operand : arguments.operands) {
    const std::string path = at(operand);
    const Entry* entry = machine_.files.find(path);
    if (entry != nullptr && !(entry->directory && arguments.has('p'))) {
      return failed("mkdir", in_quotes(operand) + " exists already");
    }
    if (entry == nullptr && !parents && !machine_.files.is_directory(parent_of(path))) {
      return missing("mkdir", operand);
    }
    const std::string_view refused = machine_.files.make_directories(path, machine_.user);
    if (!refused.empty()) {
      return failed("mkdir", in_quotes(operand) + ": " + std::string(refused));
    }
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
    for (const auto& [relative, entry] : machine_.files.tree(path)) {
      if (!relative.empty() && !recursive) break;
      std::int64_t mode = entry.mode;
      if (!parse_octal(operands[0], mode) && !apply_symbolic(operands[0], mode)) {
        return failed("chmod", "mode " + in_quotes(operands[0]) + " is not understood");
      }
      machine_.files.set_mode(relative.empty() ? path : joined(path, relative), mode);
    }
  }
  return {};
}

Output Commands::copy_one(const Arguments& arguments, const Place& from, const Place& to) {
  const std::string& name = arguments.name;
  const Entry* entry = from.machine.files.find(from.path);
  if (entry == nullptr) return missing(name, from.written);
  if (from.path == "/") return failed(name, std::string(kRootStays));
  if (entry->directory && !arguments.recursive()) {
    return failed(name, in_quotes(from.written) + " is a directory (use -r)");
  }
  const bool into = to.is_directory();
  if (!into && !entry->directory && names_directory(to.machine, to.written)) {
    return failed(name, in_quotes(to.written) + ": no such directory");
  }
  const std::string path = into ? joined(to.path, name_of(from.path)) : to.path;
  const bool same = &from.machine == &to.machine;
  if (same && (path == from.path || is_below(path, from.path))) {
    return failed(name, "source and target are one");
  }
  const std::string_view refused =
      to.machine.files.put_tree(path, from.machine.files.tree(from.path), to.machine.user);
  if (refused.empty()) return {};
  return failed(name, in_quotes(to.written) + ": " + std::string(refused));
}

Output Commands::copy(const Words& words) {
  const Arguments arguments = arguments_of(words, machine_.is_windows());
  if (arguments.operands.size() < 2) return failed(words[0], "a source and a target are needed");
  const Place to = place(arguments.operands.back());
  if (arguments.operands.size() > 2 && !to.is_directory()) {
    return failed(words[0], in_quotes(to.written) + " is not a directory");
  }
  for (std::size_t i = 0; i + 1 < arguments.operands.size(); ++i) {
    const Output copied = copy_one(arguments, place(arguments.operands[i]), to);
    if (!copied.ok) return copied;
  }
  return {};
}

Output Commands::move_one(const std::string& name, const Place& from, const Place& to) {
  FileSystem& files = machine_.files;
  const Entry* entry = files.find(from.path);
  if (entry == nullptr) return missing(name, from.written);
  if (from.path == "/") return failed(name, std::string(kRootStays));
  if (in_use(from.path)) return failed(name, in_quotes(from.written) + " is in use");
  const bool into = to.is_directory();
  if (!into && !entry->directory && names_directory(machine_, to.written)) {
    return failed(name, in_quotes(to.written) + ": no such directory");
  }
  const std::string path = into ? joined(to.path, name_of(from.path)) : to.path;
  if (path == from.path || is_below(path, from.path)) {
    return failed(name, "source and target are one");
  }
  if (files.is_directory(path)) return failed(name, in_quotes(to.written) + " exists already");
  const std::string_view refused = files.put_tree(path, files.tree(from.path), "");
  if (!refused.empty()) {
    return failed(name, in_quotes(to.written) + ": " + std::string(refused));
  }
  files.remove(from.path);
  return {};
}

Output Commands::move(const Words& words) {
  const Arguments arguments = arguments_of(words, machine_.is_windows());
  if (arguments.operands.size() < 2) return failed(words[0], "a source and a target are needed");
  Place to = place(arguments.operands.back());
  // ren takes a bare name beside the file.
  if (words[0].starts_with("ren") && to.written.find_first_of("/\\") == std::string::npos) {
    to.path = normal(joined(parent_of(at(arguments.operands[0])), to.written));
  }
  if (arguments.operands.size() > 2 && !to.is_directory()) {
    return failed(words[0], in_quotes(to.written) + " is not a directory");
  }
  for (std::size_t i = 0; i + 1 < arguments.operands.size(); ++i) {
    const Output moved = move_one(words[0], place(arguments.operands[i]), to);
    if (!moved.ok) return moved;
  }
  return {};
}

Output Commands::remove(const Words& words) {
  const Arguments arguments = arguments_of(words, machine_.is_windows());
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
    if (path == "/") return failed(words[0], std::string(kRootStays));
    if (in_use(path)) return failed(words[0], in_quotes(operand) + " is in use");
    machine_.files.remove(path);
  }
  return {};
}

Output Commands::touch(const Words& words) {
  const Arguments arguments = arguments_of(words);
  if (arguments.operands.empty()) return failed("touch", "a file is missing");
  for (const std::string& operand : arguments.operands) {
    const std::string path = at(operand);
    if (machine_.files.find(path) != nullptr) continue;
    const std::string_view refused = machine_.files.put(path, file_of("", machine_.user));
    if (!refused.empty()) {
      return failed("touch", in_quotes(operand) + ": " + std::string(refused));
    }
  }
  return {};
}

Output Commands::echo(const Words& words) {
  return {true, join(std::span(words).subspan(1), " ") + "\n"};
}

Output Commands::who(const Words&) { return {true, machine_.user + "\n"}; }

}  // namespace turnhalle::terminal
