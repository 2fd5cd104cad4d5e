// The file system of one simulated machine: a map from absolute paths to entries.
//
// Paths are normal: they begin with "/", have no "." or ".." and no slash at the end; the root is
// "/". On Windows the drive C: is the root. Permissions and owners are recorded, not enforced.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace turnhalle::terminal {

struct Entry;
/// Entries by a path relative to something: a directory with what is in it, or an archive.
using Tree = std::map<std::string, Entry>;

struct Entry {
  bool directory = false;
  std::string content;       ///< of a file that is no archive
  std::int64_t mode = 0644;  ///< permissions, octal
  std::string owner;
  std::string archive;                  ///< "", "tar", "tar.gz", "zip" or "gz"
  std::shared_ptr<const Tree> members;  ///< of an archive; never changes, so copies share it

  /// In bytes, as it is listed.
  std::int64_t size() const;
  /// How many entries it is, with those in an archive.
  std::int64_t weight() const;
  /// Whether it is a file with this content.
  bool is_text(std::string_view text) const {
    return !directory && archive.empty() && content == text;
  }
};

Entry file_of(std::string content, const std::string& owner);
Entry directory_of(const std::string& owner);
Entry archive_of(const std::string& kind, Tree members, const std::string& owner);

/// The last part of a path, and what stands before it ("/" for the first level).
std::string name_of(std::string_view path);
std::string parent_of(std::string_view path);
/// parent + "/" + name.
std::string joined(std::string_view parent, std::string_view name);
/// Resolves "." and ".." and doubled slashes of an absolute path.
std::string normal(std::string_view path);
/// Whether a path leads into a directory (and not to itself).
bool is_below(std::string_view path, std::string_view directory);

/// Every entry but the root stands in a directory; weight and length of paths are bounded.
class FileSystem {
 public:
  static constexpr std::int64_t kWeightMax = 2000;
  static constexpr std::size_t kPathBytesMax = 1024;

  FileSystem() { entries_["/"] = directory_of("root"); }

  const Entry* find(std::string_view path) const;
  bool is_directory(std::string_view path) const;
  bool is_file(std::string_view path) const;

  /// Creates or replaces a file, or creates a directory where there is none. Says why not, or ""
  /// when it is done.
  [[nodiscard]] std::string_view put(const std::string& path, Entry entry);
  /// Creates a directory with its parents, as far as there are none. Says why not, or "".
  [[nodiscard]] std::string_view make_directories(std::string_view path, const std::string& owner);
  /// Puts a file or merges a directory with all below it; stops at the first that is refused.
  /// `owner` becomes that of each, unless it is empty.
  [[nodiscard]] std::string_view put_tree(const std::string& path, const Tree& tree,
                                          const std::string& owner);
  /// Of something that is there.
  void set_mode(std::string_view path, std::int64_t mode);
  /// Removes a file, or a directory with all that is in it; the root stays.
  void remove(std::string_view path);

  /// Names in a directory, sorted.
  std::vector<std::string> names_in(std::string_view directory) const;
  /// A file or directory with all below it, by the path relative to it ("" is itself).
  Tree tree(std::string_view path) const;
  /// Whether what this class promises holds: for tests.
  bool is_sound() const;

 private:
  using Entries = std::map<std::string, Entry, std::less<>>;
  std::pair<Entries::const_iterator, Entries::const_iterator> below(std::string_view path) const;

  Entries entries_;
  std::int64_t weight_ = 1;
};

}  // namespace turnhalle::terminal
