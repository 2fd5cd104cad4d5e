#include "envs/terminal_files.h"

#include <algorithm>
#include <utility>

#include "core/check.h"

namespace turnhalle::terminal {

std::int64_t Entry::size() const {
  if (directory) return 4096;
  auto bytes = static_cast<std::int64_t>(content.size());
  if (members != nullptr) {
    for (const auto& [name, member] : *members) {
      bytes += static_cast<std::int64_t>(name.size()) + (member.directory ? 0 : member.size());
    }
  }
  return bytes;
}

std::int64_t Entry::weight() const {
  std::int64_t weight = 1;
  if (members != nullptr) {
    for (const auto& [name, member] : *members) weight += member.weight();
  }
  return weight;
}

Entry file_of(std::string content, const std::string& owner) {
  Entry entry;
  entry.content = std::move(content);
  entry.owner = owner;
  return entry;
}

Entry directory_of(const std::string& owner) {
  Entry entry;
  entry.directory = true;
  entry.mode = 0755;
  entry.owner = owner;
  return entry;
}

Entry archive_of(const std::string& kind, Tree members, const std::string& owner) {
  Entry entry;
  entry.archive = kind;
  entry.members = std::make_shared<const Tree>(std::move(members));
  entry.owner = owner;
  return entry;
}

std::string name_of(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

std::string parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string_view::npos ? "/" : std::string(path.substr(0, slash));
}

std::string joined(std::string_view parent, std::string_view name) {
  return std::string(parent) + (parent == "/" ? "" : "/") + std::string(name);
}

std::string normal(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  std::string result;
  for (const std::string_view part : parts) result += "/" + std::string(part);
  return result.empty() ? "/" : result;
}

bool is_below(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.size() > 1;
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

const Entry* FileSystem::find(std::string_view path) const {
  const auto place = entries_.find(path);
  return place == entries_.end() ? nullptr : &place->second;
}

bool FileSystem::is_directory(std::string_view path) const {
  const Entry* entry = find(path);
  return entry != nullptr && entry->directory;
}

bool FileSystem::is_file(std::string_view path) const {
  const Entry* entry = find(path);
  return entry != nullptr && !entry->directory;
}

std::string_view FileSystem::put(const std::string& path, Entry entry) {
  const Entry* old = find(path);
  if (old != nullptr && old->directory != entry.directory) {
    return "a file and a directory cannot replace each other";
  }
  if (old != nullptr && old->directory) return "";
  if (!is_directory(parent_of(path))) return "no such directory";
  if (path.size() > kPathBytesMax) return "the name is too long";
  const std::int64_t more = entry.weight() - (old == nullptr ? 0 : old->weight());
  if (weight_ + more > kWeightMax) return "the disk is full";
  weight_ += more;
  entries_[path] = std::move(entry);
  return "";
}

std::string_view FileSystem::make_directories(std::string_view path, const std::string& owner) {
  for (std::size_t slash = 0; slash < path.size();) {
    slash = std::min(path.find('/', slash + 1), path.size());
    const std::string upper(path.substr(0, slash));
    if (upper == "/") continue;
    if (const std::string_view refused = put(upper, directory_of(owner)); !refused.empty()) {
      return refused;
    }
  }
  return "";
}

std::string_view FileSystem::put_tree(const std::string& path, const Tree& tree,
                                      const std::string& owner) {
  for (const auto& [relative, entry] : tree) {
    Entry copy = entry;
    if (!owner.empty()) copy.owner = owner;
    const std::string_view refused =
        put(relative.empty() ? path : joined(path, relative), std::move(copy));
    if (!refused.empty()) return refused;
  }
  return "";
}

void FileSystem::set_mode(std::string_view path, std::int64_t mode) {
  const auto place = entries_.find(path);
  check(place != entries_.end(), "what gets a mode is there", path);
  place->second.mode = mode;
}

void FileSystem::remove(std::string_view path) {
  const auto place = entries_.find(path);
  if (path == "/" || place == entries_.end()) return;
  const auto [begin, end] = below(path);
  for (auto item = begin; item != end; ++item) weight_ -= item->second.weight();
  weight_ -= place->second.weight();
  entries_.erase(begin, end);
  entries_.erase(place);
}

// Descendants of "/a" stand between "/a/" and "/a0", as '0' follows '/'.
std::pair<FileSystem::Entries::const_iterator, FileSystem::Entries::const_iterator>
FileSystem::below(std::string_view path) const {
  if (path == "/") return {std::next(entries_.begin()), entries_.end()};
  return {entries_.lower_bound(std::string(path) + "/"),
          entries_.lower_bound(std::string(path) + "0")};
}

std::vector<std::string> FileSystem::names_in(std::string_view directory) const {
  std::vector<std::string> names;
  const std::size_t begin = directory == "/" ? 1 : directory.size() + 1;
  const auto [first, last] = below(directory);
  for (auto item = first; item != last; ++item) {
    if (item->first.find('/', begin) == std::string::npos) names.push_back(name_of(item->first));
  }
  return names;
}

Tree FileSystem::tree(std::string_view path) const {
  Tree tree;
  if (const Entry* entry = find(path); entry != nullptr) tree[""] = *entry;
  const std::size_t begin = path == "/" ? 1 : path.size() + 1;
  const auto [first, last] = below(path);
  for (auto item = first; item != last; ++item) tree[item->first.substr(begin)] = item->second;
  return tree;
}

bool FileSystem::is_sound() const {
  std::int64_t weight = 0;
  for (const auto& [path, entry] : entries_) {
    weight += entry.weight();
    if (path != normal(path) || path.size() > kPathBytesMax || !is_directory(parent_of(path)) ||
        (entry.members != nullptr) == entry.archive.empty()) {
      return false;
    }
  }
  return weight == weight_ && weight <= kWeightMax;
}

}  // namespace turnhalle::terminal
