// The file system of one simulated machine: a map from absolute paths to entries.
//
// Paths are normal: they begin with "/", have no "." or ".." and no slash at the end; the root is
// "/". On Windows the drive C: is the root.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace turnhalle::terminal {

struct Entry {
  bool directory = false;
  std::string content;       ///< of a file that is no archive
  std::int64_t mode = 0644;  ///< permissions, octal
  std::string owner;
  std::string archive;                         ///< "", "tar", "tar.gz", "zip" or "gz"
  std::map<std::string, std::string> members;  ///< of an archive: name → content

  std::int64_t size() const;
  bool operator==(const Entry&) const = default;
};

/// The last part of a path, and what stands before it ("/" for the first level).
std::string name_of(std::string_view path);
std::string parent_of(std::string_view path);
/// parent + "/" + name.
std::string joined(std::string_view parent, std::string_view name);
/// Resolves "." and ".." and doubled slashes of an absolute path.
std::string normal(std::string_view path);

class FileSystem {
 public:
  FileSystem() { entries_["/"].directory = true; }

  const Entry* find(std::string_view path) const;
  Entry* find(std::string_view path);
  bool is_directory(std::string_view path) const;
  bool is_file(std::string_view path) const;
  /// Creates a directory with all its parents.
  void make_directories(std::string_view path, const std::string& owner);
  /// Creates or replaces a file; its parent must be a directory.
  void put(const std::string& path, Entry entry);
  /// Removes a file, or a directory with all that is in it.
  void remove(std::string_view path);
  /// Names in a directory, sorted.
  std::vector<std::string> names_in(std::string_view directory) const;
  /// A file or directory with all below it, by the path relative to it ("" is itself).
  std::map<std::string, Entry> tree(std::string_view path) const;
  /// Puts such a tree at a path.
  void put_tree(const std::string& path, const std::map<std::string, Entry>& tree);

  std::size_t count() const { return entries_.size(); }

 private:
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace turnhalle::terminal
