// tar, zip, unzip, gzip and gunzip of the simulated shell.
#include <algorithm>
#include <utility>

#include "core/text.h"
#include "envs/terminal_commands.h"

namespace turnhalle::terminal {
namespace {

std::string archive_kind(std::string_view path) {
  if (path.ends_with(".tar.gz") || path.ends_with(".tgz")) return "tar.gz";
  if (path.ends_with(".tar")) return "tar";
  return path.ends_with(".zip") ? "zip" : "";
}

}  // namespace

Output Commands::write_archive(const std::string& path, const std::string& kind,
                               const Words& inputs) {
  if (inputs.empty()) return {false, "there is nothing to pack\n"};
  if (!machine_.files.is_directory(parent_of(path)) || machine_.files.is_directory(path)) {
    return {false, "the archive cannot be written there\n"};
  }
  Entry archive;
  archive.owner = machine_.user;
  archive.archive = kind;
  for (const std::string& input : inputs) {
    const std::string from = at(input);
    if (machine_.files.find(from) == nullptr) {
      return {false, in_quotes(input) + ": no such file or directory\n"};
    }
    for (const auto& [relative, entry] : machine_.files.tree(from)) {
      if (entry.directory || (relative.empty() ? from : joined(from, relative)) == path) continue;
      archive.members[name_of(from) + (relative.empty() ? "" : "/" + relative)] = entry.content;
    }
  }
  machine_.files.put(path, std::move(archive));
  return {};
}

Output Commands::extract(const Entry& archive, const std::string& directory) {
  if (machine_.files.count() + archive.members.size() > kEntriesMax) {
    return {false, "the disk is full\n"};
  }
  std::string text;
  for (const auto& [name, content] : archive.members) {
    const std::string path = joined(directory, name);
    if (machine_.files.is_directory(path) || machine_.files.is_file(parent_of(path))) {
      return {false, in_quotes(name) + ": a file and a directory cannot replace each other\n"};
    }
    machine_.files.make_directories(parent_of(path), machine_.user);
    Entry entry;
    entry.content = content;
    entry.owner = machine_.user;
    machine_.files.put(path, std::move(entry));
    text += name + "\n";
  }
  return {true, text};
}

Output Commands::tar(const Words& words) {
  Words rest(words.begin() + 1, words.end());
  if (std::find(rest.begin(), rest.end(), "-C") != rest.end()) {
    return failed("tar", "-C is not supported; archives are extracted in the current directory");
  }
  std::string flags;
  Words operands;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i].starts_with('-') || i == 0) {  // "tar xzf" needs no dash
      flags += rest[i];
    } else {
      operands.push_back(rest[i]);
    }
  }
  const auto has = [&flags](char flag) { return flags.find(flag) != std::string::npos; };
  if (!has('f') || operands.empty())
    return failed("tar", "write tar -czf ARCHIVE FILES or -xzf ARCHIVE");
  const std::string path = at(operands[0]);
  if (has('c')) {
    const Output written = write_archive(path, has('z') ? "tar.gz" : "tar",
                                         Words(operands.begin() + 1, operands.end()));
    return written.ok ? written : Output{false, "tar: " + written.text};
  }
  const Entry* archive = machine_.files.find(path);
  if (archive == nullptr) return missing("tar", operands[0]);
  if (!archive->archive.starts_with("tar")) return failed("tar", "this is not a tar archive");
  if (has('t')) {
    std::string text;
    for (const auto& [name, content] : archive->members) text += name + "\n";
    return {true, text};
  }
  if (!has('x')) return failed("tar", "one of -c, -x and -t is needed");
  const Output extracted = extract(Entry(*archive), machine_.cwd);
  return extracted.ok ? Output{true, has('v') ? extracted.text : ""}
                      : Output{false, "tar: " + extracted.text};
}

Output Commands::zip(const Words& words) {
  const Arguments arguments = arguments_of(words);
  if (arguments.operands.size() < 2) return failed("zip", "write zip -r ARCHIVE FILES");
  std::string path = at(arguments.operands[0]);
  if (archive_kind(path).empty()) path += ".zip";
  const Words inputs(arguments.operands.begin() + 1, arguments.operands.end());
  for (const std::string& input : inputs) {
    if (machine_.files.is_directory(at(input)) && !arguments.has('r')) {
      return failed("zip", in_quotes(input) + " is a directory (use -r)");
    }
  }
  const Output written = write_archive(path, "zip", inputs);
  return written.ok ? written : Output{false, "zip: " + written.text};
}

Output Commands::unzip(const Words& words) {
  std::string archive_word;
  std::string directory = machine_.cwd;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "-d" && i + 1 < words.size()) {
      directory = at(words[++i]);
    } else if (!words[i].starts_with('-')) {
      archive_word = words[i];
    }
  }
  const Entry* archive = machine_.files.find(at(archive_word));
  if (archive_word.empty() || archive == nullptr) return missing("unzip", archive_word);
  if (archive->archive != "zip") return failed("unzip", "this is not a zip archive");
  if (machine_.files.is_file(directory)) return failed("unzip", "the target is a file");
  const Entry copy = *archive;
  machine_.files.make_directories(directory, machine_.user);
  const Output extracted = extract(copy, directory);
  return extracted.ok ? extracted : Output{false, "unzip: " + extracted.text};
}

Output Commands::gzip(const Words& words) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string path = at(words[i]);
    const Entry* entry = machine_.files.find(path);
    if (entry == nullptr) return missing("gzip", words[i]);
    if (entry->directory || !entry->archive.empty()) return failed("gzip", "only plain files");
    Entry packed = *entry;
    packed.archive = "gz";
    packed.members = {{name_of(path), entry->content}};
    packed.content.clear();
    machine_.files.remove(path);
    machine_.files.put(path + ".gz", std::move(packed));
  }
  return words.size() > 1 ? Output{} : failed("gzip", "a file is missing");
}

Output Commands::gunzip(const Words& words) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string path = at(words[i]);
    const Entry* entry = machine_.files.find(path);
    if (entry == nullptr) return missing("gunzip", words[i]);
    if (entry->archive != "gz" || !path.ends_with(".gz")) return failed("gunzip", "not a gz file");
    Entry plain = *entry;
    plain.content = plain.members.empty() ? "" : plain.members.begin()->second;
    plain.archive.clear();
    plain.members.clear();
    machine_.files.remove(path);
    machine_.files.put(path.substr(0, path.size() - 3), std::move(plain));
  }
  return words.size() > 1 ? Output{} : failed("gunzip", "a file is missing");
}

}  // namespace turnhalle::terminal
