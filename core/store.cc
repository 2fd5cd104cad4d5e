#include "core/store.h"

#include <sys/stat.h>

#include <mutex>
#include <utility>

#include "core/check.h"
#include "core/store_migration.h"
#include "core/store_writer.h"

namespace turnhalle {
namespace {

// Puts what happens in one lifecycle into its outbox, encoded.
class StoreRecorder final : public Recorder {
 public:
  StoreRecorder(StoreWriter& writer, LifecycleStartRow row)
      : writer_(writer), outbox_(std::make_shared<Outbox>(row.lifecycle)), row_(row) {}

  void episode_started(std::int64_t episode, const EpisodeStart& start) override {
    put([&](ChunkParts& parts) {
      begin(parts);
      ++episodes_;
      facts_.kind = start.kind;
      facts_.position = start.position;
      facts_.context = start.context;
      facts_.turns = 0;
      parts.texts.add_opening(episode, start);
    });
  }
  void turn_played(const TurnRecord& turn) override {
    put([&](ChunkParts& parts) {
      ++turns_;
      ++facts_.turns;
      parts.add_turn(turn);
    });
  }
  void episode_ended(std::int64_t episode, const EpisodeEnd& end) override {
    put([&](ChunkParts& parts) { parts.texts.add_ending(episode, facts_, end); });
  }
  void lifecycle_ended() override {
    put([&](ChunkParts& parts) {
      begin(parts);
      parts.end = {row_.lifecycle, episodes_, turns_};
    });
  }

 private:
  void begin(ChunkParts& parts) {
    if (!std::exchange(begun_, true)) parts.start = row_;
  }
  template <class Write>
  void put(const Write& write) {
    if (writer_.failed()) return;
    Outbox::News news;
    {
      const std::lock_guard guard(outbox_->mutex);
      if (outbox_->parts == nullptr) outbox_->parts = writer_.empty_parts();
      write(*outbox_->parts);
      news = outbox_->news();
    }
    if (news.is_first || news.bytes > 0) writer_.announce(outbox_, news);
  }

  StoreWriter& writer_;
  std::shared_ptr<Outbox> outbox_;
  LifecycleStartRow row_;
  bool begun_ = false;
  std::int64_t episodes_ = 0;
  std::int64_t turns_ = 0;
  EpisodeFacts facts_;  ///< of the episode that is played
};

Result<FileLock> lock_store(const std::string& path) {
  auto lock = FileLock::take(path + ".lock");
  if (!lock) {
    const bool held = lock.error().message == "somebody holds this lock";
    return Error{path, held ? "another process is writing this store"
                            : "the file or its folder cannot be written (" +
                                  lock.error().message + ")"};
  }
  return lock;
}

// Brings a store of an earlier version up to date; the caller holds its lock.
Status migrate_locked(const std::string& path) {
  const Result<bool> old = needs_migration(path);
  if (!old) {
    return old.error();
  }
  return *old ? migrate_store_file(path) : ok_status();
}

// The runs of a store with the lifecycles that are complete.
Result<std::vector<StoreWriter::RunPlace>> read_run_places(SqliteDatabase& database) {
  std::vector<StoreWriter::RunPlace> runs;
  auto rows = database.prepare("SELECT first_lifecycle, lifecycles FROM runs ORDER BY id");
  if (!rows) {
    return rows.error();
  }
  while (rows->step() == SqliteStatement::Step::row) {
    const std::int64_t planned = rows->integer(1);
    runs.push_back({rows->integer(0), planned > 0 ? planned : kOpenRunLifecycles, {}});
  }
  auto lifecycles = database.prepare("SELECT run, number FROM lifecycles ORDER BY id");
  if (!lifecycles) {
    return lifecycles.error();
  }
  SqliteStatement::Step step = lifecycles->step();
  for (; step == SqliteStatement::Step::row; step = lifecycles->step()) {
    const auto run = static_cast<std::size_t>(lifecycles->integer(0));
    if (run >= runs.size()) {
      return Error{database.path(), "table lifecycles is damaged: it names an unknown run"};
    }
    runs[run].complete.push_back({lifecycles->integer(1)});
  }
  if (step == SqliteStatement::Step::error) {
    return database.error();
  }
  return runs;
}

}  // namespace

Store::Store(std::unique_ptr<StoreWriter> writer) : writer_(std::move(writer)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::create(const std::string& path, const RunInfo& run,
                                             StoreOptions options) {
  auto lock = lock_store(path);
  if (!lock) {
    return lock.error();
  }
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0) {
    return Error{path, "expected no file of this name; found one, which is not overwritten"};
  }
  std::unique_ptr<Store> store;
  auto database = SqliteDatabase::open(path, SqliteDatabase::Mode::create);
  auto tables = database ? StoreTables::create(std::move(*database))
                         : Result<StoreTables>(database.error());
  Status result = tables ? ok_status() : Status(tables.error());
  if (tables) {
    store.reset(new Store(std::make_unique<StoreWriter>(
        StoreWriter::Parts{std::move(*lock), std::move(*tables), {}, options})));
    const auto added = store->add_run(run);
    result = added ? ok_status() : Status(added.error());
  }
  if (!result) {
    store.reset();
    SqliteDatabase::remove(path);
    return result.error();
  }
  return store;
}

Result<std::unique_ptr<Store>> Store::open_for_append(const std::string& path,
                                                      StoreOptions options) {
  auto lock = lock_store(path);
  if (!lock) {
    return lock.error();
  }
  if (Status migrated = migrate_locked(path); !migrated) {
    return migrated.error();
  }
  auto database = SqliteDatabase::open(path, SqliteDatabase::Mode::write);
  if (!database) {
    return database.error();
  }
  auto tables = StoreTables::open(std::move(*database));
  if (!tables) {
    return tables.error();
  }
  auto runs = read_run_places(tables->database());
  if (!runs) {
    return runs.error();
  }
  return std::unique_ptr<Store>(new Store(std::make_unique<StoreWriter>(
      StoreWriter::Parts{std::move(*lock), std::move(*tables), std::move(*runs), options})));
}

Result<bool> Store::migrate(const std::string& path) {
  auto lock = lock_store(path);
  if (!lock) {
    return lock.error();
  }
  const Result<bool> old = needs_migration(path);
  if (!old || !*old) {
    return old;
  }
  const Status migrated = migrate_store_file(path);
  return migrated ? Result<bool>(true) : Result<bool>(migrated.error());
}

Result<RunNumber> Store::add_run(const RunInfo& run) { return writer_->add_run(run); }
RunNumber Store::run() const { return writer_->last_run(); }

std::unique_ptr<Recorder> Store::recorder(RunNumber run, LifecycleIndex index) {
  return std::make_unique<StoreRecorder>(*writer_,
                                         LifecycleStartRow{number(run, index), run, index});
}

std::int64_t Store::number(RunNumber run, LifecycleIndex index) const {
  const std::int64_t first = writer_->run_place(run).first_lifecycle;
  return first + index.value;
}

std::vector<LifecycleIndex> Store::complete(RunNumber run) const {
  return writer_->run_place(run).complete;
}

void Store::metric(std::int64_t step, const std::string& name, double value) {
  std::string body;
  encode_metric(body, step, name, value);
  writer_->append_body(body);
}
void Store::advantage(const AdvantageRow& row) {
  std::string body;
  encode_advantage(body, row);
  writer_->append_body(body);
}
void Store::checkpoint(const CheckpointRow& row) {
  std::string body;
  encode_checkpoint(body, row);
  writer_->append_body(body);
}
void Store::fork(const ForkRow& row) {
  std::string body;
  encode_fork(body, row);
  writer_->append_body(body);
}

Status Store::flush() { return writer_->flush(); }
Status Store::status() const { return writer_->status(); }
std::int64_t Store::turns_committed() const { return writer_->turns_committed(); }
Status Store::close() { return writer_->close(); }

}  // namespace turnhalle
