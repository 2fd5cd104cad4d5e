#include "core/store_migration.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "core/store_tables.h"
#include "core/store_v1.h"

namespace turnhalle {
namespace {

using Step = SqliteStatement::Step;

constexpr std::int64_t kOldVersion = 1;
constexpr int kLifecyclesPerCommit = 256;

Error system_error(const std::string& path) { return {path, std::strerror(errno)}; }

/// Copies from one connection into new tables, and checks that every hash holds.
class Migration {
 public:
  Migration(ReadConnection& source, StoreTables& target) : source_(source), target_(target) {}

  Status run() {
    const auto seals = StoreSeals::read(source_.database);
    if (!seals) {
      return seals.error();
    }
    if (!target_.begin()) {
      return target_.error();
    }
    for (std::size_t table = 0; table < std::size(kChainedTables); ++table) {
      if (Status copied = copy_table(table); !copied) {
        return copied;
      }
    }
    if (Status copied = copy_lifecycles(); !copied) {
      return copied;
    }
    if (!target_.commit()) {
      return target_.error();
    }
    const StoreSeals& now = target_.seals();
    if (now.complete != seals->complete || now.tables != seals->tables) {
      return damaged("a row is missing");
    }
    return target_.checkpoint(/*last=*/true);
  }

 private:
  Error damaged(const std::string& what) const {
    return {source_.database.path(),
            "expected an intact store to bring up to date; found damage: " + what};
  }

  Status copy_table(std::size_t table) {
    const StoreTable& spec = *kChainedTables[table];
    auto rows = source_.database.prepare("SELECT id, " + std::string(spec.columns) +
                                         ", chain FROM " + std::string(spec.name) +
                                         " ORDER BY id");
    Step step = rows ? rows->step() : Step::error;
    for (; step == Step::row; step = rows->step()) {
      std::string body(1, static_cast<char>(static_cast<std::size_t>(RowGroup::run) + table));
      const bool typed = append_columns(body, *rows, 1, spec.types);
      if (!typed || !target_.insert_chained(body) ||
          target_.seals().tables[table].chain.link() !=
              rows->bytes(1 + static_cast<int>(spec.types.size()))) {
        return damaged("table " + std::string(spec.name));
      }
    }
    return step == Step::error ? Status(source_.database.error()) : ok_status();
  }

  Status copy_lifecycles() {
    auto rows =
        source_.database.prepare("SELECT id, episodes, turns FROM lifecycles ORDER BY id");
    Step step = rows ? rows->step() : Step::error;
    for (int count = 1; step == Step::row; step = rows->step(), ++count) {
      const LifecycleEndRow end{rows->integer(0), rows->integer(1), rows->integer(2)};
      if (Status copied = copy_lifecycle(end); !copied) {
        return copied;
      }
      if (count % kLifecyclesPerCommit == 0 && !(target_.commit() && target_.begin())) {
        return target_.error();
      }
    }
    return step == Step::error ? Status(source_.database.error()) : ok_status();
  }

  Status copy_lifecycle(const LifecycleEndRow& end) {
    const Result<StoredLifecycle> read = read_v1_lifecycle(source_, end.lifecycle);
    if (!read) {
      return read.error();
    }
    if (!read->damage.empty()) {
      return damaged("lifecycle " + std::to_string(end.lifecycle) + ", " +
                     read->damage.front().what);
    }
    ChunkParts parts = parts_of(*read, end);
    return target_.insert(end.lifecycle, parts) ? ok_status() : Status(target_.error());
  }

  static ChunkParts parts_of(const StoredLifecycle& lifecycle, const LifecycleEndRow& end) {
    ChunkParts parts;
    parts.start = {lifecycle.number, lifecycle.run, lifecycle.index};
    for (std::int64_t e = 0; e < std::ssize(lifecycle.episodes); ++e) {
      const StoredEpisode& episode = lifecycle.episodes[static_cast<std::size_t>(e)];
      const EpisodeStart& start = episode.start;
      const std::int64_t turns = std::ssize(episode.turns);
      parts.texts.add_opening(e, start);
      for (std::int64_t t = 0; t < turns; ++t) {
        parts.add_turn(episode.turns[static_cast<std::size_t>(t)].record(e, t));
      }
      if (!episode.end) continue;
      parts.texts.add_ending(e, {start.kind, start.position, start.context, turns}, *episode.end);
    }
    if (lifecycle.complete) parts.end = end;
    return parts;
  }

  ReadConnection& source_;
  StoreTables& target_;
};

Status write_new(const std::string& path, const std::string& target) {
  auto source = SqliteDatabase::open(path, SqliteDatabase::Mode::read);
  if (!source) {
    return source.error();
  }
  auto database = SqliteDatabase::open(target, SqliteDatabase::Mode::create);
  auto tables = database ? StoreTables::create(std::move(*database))
                         : Result<StoreTables>(database.error());
  if (!tables) {
    return tables.error();
  }
  ReadConnection connection(std::move(*source), {});
  return Migration(connection, *tables).run();
}

// Moves the log of the old store into its file, so that the file alone is the store.
Status close_log(const std::string& path) {
  auto database = SqliteDatabase::open(path, SqliteDatabase::Mode::write);
  const Status moved =
      database ? database->checkpoint(/*truncate=*/true) : Status(database.error());
  struct stat log {};
  if (moved && stat((path + "-wal").c_str(), &log) == 0 && log.st_size > 0) {
    return Error{path, "expected a store that nobody reads, to bring it up to date; found that "
                       "another process reads it"};
  }
  return moved;
}

bool same_file(const std::string& a, const std::string& b) {
  struct stat of_a {};
  struct stat of_b {};
  return stat(a.c_str(), &of_a) == 0 && stat(b.c_str(), &of_b) == 0 &&
         of_a.st_ino == of_b.st_ino && of_a.st_dev == of_b.st_dev;
}

Status replace(const std::string& path, const std::string& target) {
  const std::string old = path + ".v" + std::to_string(kOldVersion);
  if (link(path.c_str(), old.c_str()) != 0 && !(errno == EEXIST && same_file(path, old))) {
    return system_error(old);
  }
  for (const char* ending : {"-wal", "-shm"}) unlink((path + ending).c_str());
  if (rename(target.c_str(), path.c_str()) != 0) {
    return system_error(path);
  }
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int handle = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0 || fsync(handle) != 0) {
    return system_error(folder);
  }
  close(handle);
  return ok_status();
}

}  // namespace

Result<bool> needs_migration(const std::string& path) {
  auto database = SqliteDatabase::open(path, SqliteDatabase::Mode::read);
  if (!database) {
    return database.error();
  }
  const auto id = database->integer("PRAGMA application_id");
  const auto version = database->integer("PRAGMA user_version");
  if (!id || !version) {
    return id ? version.error() : id.error();
  }
  return *id == kStoreApplicationId && *version == kOldVersion;
}

Status migrate_store_file(const std::string& path) {
  const std::string target = path + ".migrating";
  SqliteDatabase::remove(target);
  Status status = close_log(path);
  if (status) status = write_new(path, target);
  if (status) status = replace(path, target);
  if (!status) SqliteDatabase::remove(target);
  return status;
}

}  // namespace turnhalle
