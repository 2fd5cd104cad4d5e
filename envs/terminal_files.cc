#include "envs/terminal_files.h"

#include <utility>

namespace turnhalle::terminal {
namespace {

bool is_below(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.size() > 1;
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

}  // namespace

std::int64_t Entry::size() const {
  if (directory) return 4096;
  std::size_t bytes = content.size();
  for (const auto& [name, text] : members) bytes += name.size() + text.size();
  return static_cast<std::int64_t>(bytes);
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

const Entry* FileSystem::find(std::string_view path) const {
  const auto place = entries_.find(path);
  return place == entries_.end() ? nullptr : &place->second;
}

Entry* FileSystem::find(std::string_view path) {
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

void FileSystem::make_directories(std::string_view path, const std::string& owner) {
  if (path == "/" || find(path) != nullptr) return;
  make_directories(parent_of(path), owner);
  Entry entry;
  entry.directory = true;
  entry.mode = 0755;
  entry.owner = owner;
  entries_[std::string(path)] = std::move(entry);
}

void FileSystem::put(const std::string& path, Entry entry) { entries_[path] = std::move(entry); }

void FileSystem::remove(std::string_view path) {
  std::erase_if(entries_, [path](const auto& item) {
    return item.first != "/" && (item.first == path || is_below(item.first, path));
  });
}

std::vector<std::string> FileSystem::names_in(std::string_view directory) const {
  std::vector<std::string> names;
  for (const auto& [path, entry] : entries_) {
    if (path != "/" && parent_of(path) == directory) names.push_back(name_of(path));
  }
  return names;
}

std::map<std::string, Entry> FileSystem::tree(std::string_view path) const {
  std::map<std::string, Entry> tree;
  for (const auto& [key, entry] : entries_) {
    if (key == path) tree[""] = entry;
    if (is_below(key, path)) tree[key.substr(path == "/" ? 1 : path.size() + 1)] = entry;
  }
  return tree;
}

void FileSystem::put_tree(const std::string& path, const std::map<std::string, Entry>& tree) {
  for (const auto& [relative, entry] : tree) {
    put(relative.empty() ? path : joined(path, relative), entry);
  }
}

}  // namespace turnhalle::terminal
