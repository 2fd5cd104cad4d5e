#include "core/store_migration.h"

#include <fcntl.h>
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

void remove_files(const std::string& path) {
  for (const char* ending : {"", "-wal", "-shm"}) unlink((path + ending).c_str());
}

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
    const std::vector<std::string> bodies = bodies_of(*read, end);
    const std::vector<std::string_view> views(bodies.begin(), bodies.end());
    return target_.insert(end.lifecycle, views) ? ok_status() : Status(target_.error());
  }

  static std::vector<std::string> bodies_of(const StoredLifecycle& lifecycle,
                                            const LifecycleEndRow& end) {
    const std::int64_t number = lifecycle.number;
    std::vector<std::string> bodies;
    encode_lifecycle_start(bodies.emplace_back(), {number, lifecycle.run, lifecycle.index});
    for (std::int64_t e = 0; e < std::ssize(lifecycle.episodes); ++e) {
      const StoredEpisode& episode = lifecycle.episodes[static_cast<std::size_t>(e)];
      encode_episode_start(bodies.emplace_back(), {number, e}, episode.start);
      for (std::int64_t t = 0; t < std::ssize(episode.turns); ++t) {
        const StoredTurn& turn = episode.turns[static_cast<std::size_t>(t)];
        encode_turn(bodies.emplace_back(), number, turn.record(e, t));
        if (turn.reply.tokens != nullptr) {
          encode_tokens(bodies.emplace_back(), {number, e, t}, *turn.reply.tokens);
        }
      }
      if (episode.end) {
        encode_episode_end(bodies.emplace_back(), {number, e}, *episode.end,
                           std::ssize(episode.turns));
      }
    }
    if (lifecycle.complete) {
      encode_lifecycle_end(bodies.emplace_back(), end);
    }
    return bodies;
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
  return database ? database->checkpoint(/*truncate=*/true) : Status(database.error());
}

Status replace(const std::string& path, const std::string& target) {
  const std::string old = path + ".v" + std::to_string(kOldVersion);
  for (const char* ending : {"-wal", "-shm"}) unlink((path + ending).c_str());
  if (link(path.c_str(), old.c_str()) != 0 && errno != EEXIST) {
    return system_error(old);
  }
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
  remove_files(target);
  Status status = close_log(path);
  if (status) status = write_new(path, target);
  if (status) status = replace(path, target);
  if (!status) remove_files(target);
  return status;
}

}  // namespace turnhalle
