// tar, zip, unzip, gzip and gunzip of the simulated shell.
#include <algorithm>
#include <utility>

#include "core/text.h"
#include "envs/terminal_commands.h"

namespace turnhalle::terminal {
namespace {

// The name of an input in an archive: as it is written, without a root, a drive or a way up.
std::string member_name(const Machine& machine, std::string_view written) {
  std::string text(written);
  if (text == "~" || text.starts_with("~/")) text = machine.home + text.substr(1);
  if (machine.is_windows()) {
    std::replace(text.begin(), text.end(), '\\', '/');
    if (text.size() >= 2 && text[1] == ':') text.erase(0, 2);
  }
  return normal("/" + text).substr(1);
}

// Whether an archive's member is one of those that were asked for (none: all).
bool is_wanted(std::string_view member, const Words& names) {
  if (names.empty()) return true;
  const std::string path = "/" + std::string(member);
  return std::any_of(names.begin(), names.end(), [&path](const std::string& name) {
    const std::string wanted = normal("/" + name);
    return path == wanted || is_below(path, wanted);
  });
}

std::string listing(const Tree& members, const Words& names) {
  std::string text;
  for (const auto& [name, entry] : members) {
    if (is_wanted(name, names)) text += name + (entry.directory ? "/" : "") + "\n";
  }
  return text;
}

struct TarRequest {
  std::string flags;
  std::string archive;
  Words names;

  bool has(char flag) const { return flags.find(flag) != std::string::npos; }
};

// "xzf A", "-xzf A" and "-x -z -f A"; f takes the next word.
TarRequest read_tar(const Words& words) {
  TarRequest request;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i].starts_with("--")) continue;
    const bool flags = i == 1 || (words[i].size() > 1 && words[i][0] == '-');
    if (!flags) {
      request.names.push_back(words[i]);
      continue;
    }
    request.flags += words[i];
    if (words[i].find('f') != std::string::npos && i + 1 < words.size()) {
      request.archive = words[++i];
    }
  }
  return request;
}

}  // namespace

Output Commands::write_archive(const std::string& path, const std::string& kind,
                               const Words& inputs, bool bare_names) {
  Tree members;
  const Entry* old = machine_.files.find(path);
  if (kind == "zip" && old != nullptr && old->archive == kind) members = *old->members;
  const std::size_t before = members.size();
  bool found = false;
  for (const std::string& input : inputs) {
    const std::string from = at(input);
    if (machine_.files.find(from) == nullptr) {
      return {false, in_quotes(input) + ": no such file or directory\n"};
    }
    const std::string prefix = bare_names ? name_of(from) : member_name(machine_, input);
    for (const auto& [relative, entry] : machine_.files.tree(from)) {
      const bool itself = (relative.empty() ? from : joined(from, relative)) == path;
      std::string name = relative.empty() ? prefix : prefix + "/" + relative;
      if (prefix.empty()) name = relative;
      if (name.empty() || itself || (bare_names && entry.directory)) continue;
      members[bare_names ? name_of(name) : name] = entry;
      found = true;
    }
  }
  if (!found && members.size() == before) return {false, "there is nothing to pack\n"};
  const std::string_view refused =
      machine_.files.put(path, archive_of(kind, std::move(members), machine_.user));
  return refused.empty() ? Output{} : Output{false, std::string(refused) + "\n"};
}

Output Commands::extract(const Tree& members, const Words& names, const std::string& directory) {
  std::string text;
  for (const auto& [name, member] : members) {
    if (!is_wanted(name, names)) continue;
    const std::string path = joined(directory, name);
    std::string_view refused = machine_.files.make_directories(parent_of(path), machine_.user);
    if (refused.empty()) {
      Entry entry = member;
      entry.owner = machine_.user;
      refused = machine_.files.put(path, std::move(entry));
    }
    if (!refused.empty()) return {false, in_quotes(name) + ": " + std::string(refused) + "\n"};
    text += name + (member.directory ? "/" : "") + "\n";
  }
  if (text.empty()) return {false, "nothing of that name is in the archive\n"};
  return {true, text};
}

Output Commands::tar(const Words& words) {
  if (std::any_of(words.begin() + 1, words.end(),
                  [](const std::string& word) { return word.starts_with("-C"); })) {
    return failed("tar", "-C is not supported; archives are extracted in the current directory");
  }
  const TarRequest request = read_tar(words);
  if (request.archive.empty()) {
    return failed("tar", "write tar -czf ARCHIVE FILES or tar -xzf ARCHIVE");
  }
  const std::string path = at(request.archive);
  if (request.has('c')) {
    const Output written =
        write_archive(path, request.has('z') ? "tar.gz" : "tar", request.names, false);
    return written.ok ? written : Output{false, "tar: " + written.text};
  }
  const Entry* archive = machine_.files.find(path);
  if (archive == nullptr) return missing("tar", request.archive);
  if (!archive->archive.starts_with("tar")) return failed("tar", "this is not a tar archive");
  if (request.has('z') && archive->archive == "tar") {
    return failed("tar", "this is not in gzip format (leave out z)");
  }
  const std::shared_ptr<const Tree> members = archive->members;
  if (request.has('t')) return {true, listing(*members, request.names)};
  if (!request.has('x')) return failed("tar", "one of -c, -x and -t is needed");
  const Output extracted = extract(*members, request.names, machine_.cwd);
  return extracted.ok ? Output{true, request.has('v') ? extracted.text : ""}
                      : Output{false, "tar: " + extracted.text};
}

Output Commands::zip(const Words& words) {
  const Arguments arguments = arguments_of(words);
  if (arguments.operands.size() < 2) return failed("zip", "write zip -r ARCHIVE FILES");
  std::string path = at(arguments.operands[0]);
  if (name_of(path).find('.') == std::string::npos) path += ".zip";
  const Words inputs(arguments.operands.begin() + 1, arguments.operands.end());
  for (const std::string& input : inputs) {
    if (machine_.files.is_directory(at(input)) && !arguments.has('r')) {
      return failed("zip", in_quotes(input) + " is a directory (use -r)");
    }
  }
  const Output written = write_archive(path, "zip", inputs, arguments.has('j'));
  return written.ok ? written : Output{false, "zip: " + written.text};
}

Output Commands::unzip(const Words& words) {
  std::string directory = machine_.cwd;
  Words rest = words;
  for (std::size_t i = 1; i + 1 < rest.size(); ++i) {
    if (rest[i] != "-d") continue;
    directory = at(rest[i + 1]);
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i),
               rest.begin() + static_cast<std::ptrdiff_t>(i) + 2);
    break;
  }
  const Arguments arguments = arguments_of(rest);
  if (arguments.operands.empty()) return failed("unzip", "an archive is missing");
  const Entry* archive = machine_.files.find(at(arguments.operands[0]));
  if (archive == nullptr) return missing("unzip", arguments.operands[0]);
  if (archive->archive != "zip") return failed("unzip", "this is not a zip archive");
  const std::shared_ptr<const Tree> members = archive->members;
  const Words names(arguments.operands.begin() + 1, arguments.operands.end());
  if (arguments.has('l')) return {true, listing(*members, names)};
  const std::string_view refused = machine_.files.make_directories(directory, machine_.user);
  if (!refused.empty()) return failed("unzip", std::string(refused));
  const Output extracted = extract(*members, names, directory);
  return extracted.ok ? extracted : Output{false, "unzip: " + extracted.text};
}

// A tar archive becomes a tar.gz one, any other file a gz one.
Output Commands::gzip(const Words& words) {
  const Arguments arguments = arguments_of(words);
  if (arguments.has('d')) return gunzip(words);
  if (arguments.operands.empty()) return failed("gzip", "a file is missing");
  for (const std::string& operand : arguments.operands) {
    const std::string path = at(operand);
    const Entry* entry = machine_.files.find(path);
    if (entry == nullptr) return missing("gzip", operand);
    if (entry->directory) return failed("gzip", in_quotes(operand) + " is a directory");
    if (path.ends_with(".gz")) return failed("gzip", in_quotes(operand) + " ends in .gz already");
    Entry packed = *entry;
    packed.archive = entry->archive == "tar" ? "tar.gz" : "gz";
    if (packed.archive == "gz") {
      packed.content.clear();
      packed.members = std::make_shared<const Tree>(Tree{{name_of(path), *entry}});
    }
    const std::string_view refused = machine_.files.put(path + ".gz", std::move(packed));
    if (!refused.empty()) return failed("gzip", std::string(refused));
    if (!arguments.has('k')) machine_.files.remove(path);
  }
  return {};
}

Output Commands::gunzip(const Words& words) {
  const Arguments arguments = arguments_of(words);
  if (arguments.operands.empty()) return failed(words[0], "a file is missing");
  for (const std::string& operand : arguments.operands) {
    const std::string path = at(operand);
    const Entry* entry = machine_.files.find(path);
    if (entry == nullptr) return missing(words[0], operand);
    const bool tar = entry->archive == "tar.gz";
    const std::string ending = path.ends_with(".tgz") && tar ? ".tgz" : ".gz";
    if ((entry->archive != "gz" && !tar) || !path.ends_with(ending)) {
      return failed(words[0], in_quotes(operand) + " is not a gz file");
    }
    Entry plain = tar ? *entry : entry->members->begin()->second;
    if (tar) plain.archive = "tar";
    const std::string target =
        path.substr(0, path.size() - ending.size()) + (ending == ".tgz" ? ".tar" : "");
    if (name_of(target).empty()) return failed(words[0], "a name is missing");
    const std::string_view refused = machine_.files.put(target, std::move(plain));
    if (!refused.empty()) return failed(words[0], std::string(refused));
    if (!arguments.has('k')) machine_.files.remove(path);
  }
  return {};
}

}  // namespace turnhalle::terminal
