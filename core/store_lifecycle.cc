// Reading one lifecycle out of a store, and checking its chain on the way.
#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "core/read_connection.h"
#include "core/store_text.h"

namespace turnhalle {
namespace {

using Step = SqliteStatement::Step;

/// Reads the rows of one lifecycle in order and follows the chain.
class LifecycleLoader {
 public:
  LifecycleLoader(ReadConnection& connection, StoredLifecycle& out)
      : connection_(connection), out_(out) {}

  Status load();

 private:
  // A row that belongs to some chunk: the body that was hashed with it.
  struct Row {
    RowKey key;
    std::string body;
    std::string fault;  ///< what could not be read
  };
  struct EpisodeRow {
    Row start;
    Row end;  ///< without a body when the episode has not ended
    StoredEpisode content;
  };
  struct TokensRow : Row {
    std::shared_ptr<const ReplyTokens> tokens;
  };
  // What a chunk is said to hold, in the order of its marks.
  struct Piece {
    RowKey key;
    std::string_view bytes;
  };

  Status each_row(const StoreTable& table, std::string_view extra,
                  void (LifecycleLoader::*read)(const SqliteStatement& row));
  void read_episode(const SqliteStatement& row);
  void read_tokens(const SqliteStatement& row);
  void read_chunk(const SqliteStatement& row);
  std::vector<Row*> rows_between(std::int64_t& from, std::int64_t to, Row EpisodeRow::*row);
  std::vector<Row*> tokens_of(std::vector<TurnText>& turns);
  void place_turns(std::vector<TurnText>& turns);
  void follow(const SqliteStatement& row, std::span<Row* const> starts,
              const std::vector<TurnText>& turns, std::span<Row* const> ends,
              std::span<Row* const> tokens);
  void locate(std::span<const Piece> pieces, std::string_view marks, const RowKey& chunk);
  void check_leftovers();
  void check_end(const SqliteStatement& row);
  void damage(const RowKey& key, std::string what);

  ReadConnection& connection_;
  StoredLifecycle& out_;
  HashChain chain_;
  std::vector<EpisodeRow> episodes_;
  std::vector<TokensRow> tokens_;
  std::size_t tokens_taken_ = 0;
  std::int64_t chunks_ = 0;
  std::int64_t started_ = 0;
  std::int64_t ended_ = 0;
};

void LifecycleLoader::damage(const RowKey& key, std::string what) {
  out_.damage.push_back({key.lifecycle, key.episode, key.turn, std::move(what)});
}

Status LifecycleLoader::each_row(const StoreTable& table, std::string_view extra,
                                 void (LifecycleLoader::*read)(const SqliteStatement& row)) {
  auto rows = connection_.rows_of(table, extra);
  if (!rows) {
    return rows.error();
  }
  SqliteStatement& row = **rows;
  row.bind(0, out_.number);
  Step step = row.step();
  for (; step == Step::row; step = row.step()) {
    (this->*read)(row);
  }
  row.reset();
  return step == Step::error ? Status(connection_.database.error()) : ok_status();
}

// Columns: 2 to 8 of kEpisodes, 9 to 14 of kEpisodeEnds.
void LifecycleLoader::read_episode(const SqliteStatement& row) {
  EpisodeRow& episode = episodes_.emplace_back();
  const RowKey key{out_.number, row.integer(1)};
  episode.start.key = episode.end.key = key;
  if (key.episode != std::ssize(episodes_) - 1) {
    episode.start.fault = "an episode before it is missing";
  }
  ByteWriter start_bytes(episode.start.body);
  write_key(start_bytes, RowGroup::episode_start, key);
  EpisodeStart& start = episode.content.start;
  const auto kind = episode_kind_of(row.bytes(2));
  start.kind = kind.value_or(EpisodeKind::solve);
  start.position = row.integer(3);
  start.continues = row.integer(4) != 0;
  start.turns_max = row.integer(5);
  start.context = row.bytes(6);
  if (!append_columns(episode.start.body, row, 2, kEpisodes.types) || !kind ||
      !read_messages_text(row.bytes(7), row.bytes(8), start.messages)) {
    episode.start.fault = "a column of the start of an episode cannot be read";
  }
  const bool has_end = row.kind(14) != SqliteStatement::Kind::null;
  if (!has_end) {
    if (row.kind(9) != SqliteStatement::Kind::null) damage(key, "its end is not whole");
    return;
  }
  ByteWriter end_bytes(episode.end.body);
  write_key(end_bytes, RowGroup::episode_end, key);
  EpisodeEnd end;
  const auto outcome = outcome_of(row.bytes(9));
  end.outcome = outcome.value_or(Outcome::environment_error);
  if (row.kind(10) != SqliteStatement::Kind::null) end.reward = row.real(10);
  end.success = row.integer(11) != 0;
  end.feedback = row.bytes(13);
  if (!append_columns(episode.end.body, row, 9, kEpisodeEnds.types) || !outcome ||
      !read_rewards_text(row.bytes(14), end.parts)) {
    episode.end.fault = "a column of the end of an episode cannot be read";
  }
  episode.content.end = std::move(end);
}

void LifecycleLoader::read_tokens(const SqliteStatement& row) {
  TokensRow& tokens = tokens_.emplace_back();
  tokens.key = {out_.number, row.integer(1), row.integer(2)};
  ByteWriter bytes(tokens.body);
  write_key(bytes, RowGroup::tokens, tokens.key);
  const bool typed = append_columns(tokens.body, row, 3, kTokens.types);
  auto unpacked = unpack_tokens(row.bytes(6));
  const bool fits = typed && unpacked &&
                    std::ssize(unpacked->observed) == row.integer(3) &&
                    std::ssize(unpacked->sampled) == row.integer(4) &&
                    unpacked->weight_version == row.integer(5);
  if (!fits) {
    tokens.fault = "the tokens cannot be unpacked";
    return;
  }
  tokens.tokens = std::make_shared<const ReplyTokens>(std::move(*unpacked));
}

// The rows of episodes that a chunk counts: from those before it to those by its end.
std::vector<LifecycleLoader::Row*> LifecycleLoader::rows_between(std::int64_t& from,
                                                                 std::int64_t to,
                                                                 Row EpisodeRow::*row) {
  std::vector<Row*> rows;
  for (; from < std::min<std::int64_t>(to, std::ssize(episodes_)); ++from) {
    rows.push_back(&(episodes_[static_cast<std::size_t>(from)].*row));
  }
  return rows;
}

// Takes the rows of tokens that belong to these turns; both come in order.
std::vector<LifecycleLoader::Row*> LifecycleLoader::tokens_of(std::vector<TurnText>& turns) {
  std::vector<Row*> rows;
  for (TurnText& turn : turns) {
    if (tokens_taken_ == tokens_.size()) break;
    TokensRow& next = tokens_[tokens_taken_];
    if (next.key.episode != turn.episode || next.key.turn != turn.turn) continue;
    turn.content.reply.tokens = next.tokens;
    rows.push_back(&next);
    ++tokens_taken_;
  }
  return rows;
}

// Turns go to their episodes, each as the next one of the last episode that has begun.
void LifecycleLoader::place_turns(std::vector<TurnText>& turns) {
  for (TurnText& turn : turns) {
    const bool begun = turn.episode >= 0 && turn.episode < started_;
    auto* const placed =
        begun ? &episodes_[static_cast<std::size_t>(turn.episode)].content.turns : nullptr;
    if (placed == nullptr || turn.turn != std::ssize(*placed)) {
      damage({out_.number, turn.episode, turn.turn},
             placed == nullptr ? "its episode is missing" : "a turn before it is missing");
    }
    if (placed != nullptr) placed->push_back(std::move(turn.content));
  }
}

// Columns: 1 the number, 2 to 5 of kChunks, 6 chain.
void LifecycleLoader::read_chunk(const SqliteStatement& row) {
  std::vector<TurnText> turns;
  const bool readable = read_turns_text(row.bytes(4), turns);
  const std::vector<Row*> starts = rows_between(started_, row.integer(2), &EpisodeRow::start);
  const std::vector<Row*> ends = rows_between(ended_, row.integer(3), &EpisodeRow::end);
  const std::vector<Row*> tokens = tokens_of(turns);
  const std::size_t before = out_.damage.size();
  if (row.integer(1) != chunks_) {
    damage({out_.number}, "a chunk of turns before chunk " + std::to_string(row.integer(1)) +
                              " is missing");
  }
  chunks_ = row.integer(1) + 1;
  if (started_ != row.integer(2) || ended_ != row.integer(3)) {
    damage({out_.number, row.integer(2) - 1}, "an episode of a chunk of turns is missing");
  }
  follow(row, starts, turns, ends, tokens);
  if (!readable) {
    const bool any = !turns.empty();
    damage({out_.number, any ? turns.back().episode : -1, any ? turns.back().turn : -1},
           "the text of its turn cannot be read");
  }
  for (const auto* rows : {&starts, &ends, &tokens}) {
    for (const Row* part : *rows) {
      if (!part->fault.empty() && out_.damage.size() == before) damage(part->key, part->fault);
    }
  }
  place_turns(turns);
}

// Compares the link of the chunk with the stored one, and goes on from the stored one, so that
// what comes later is judged by itself.
void LifecycleLoader::follow(const SqliteStatement& row, std::span<Row* const> starts,
                             const std::vector<TurnText>& turns, std::span<Row* const> ends,
                             std::span<Row* const> tokens) {
  std::string body;
  const ChunkRow chunk{out_.number,    row.integer(1), row.integer(2),
                       row.integer(3), row.bytes(4),   row.bytes(5)};
  encode_chunk(body, chunk);
  std::vector<std::string_view> hashed{body};
  std::vector<Piece> pieces;
  for (const Row* part : starts) pieces.push_back({part->key, part->body});
  for (const TurnText& turn : turns) {
    pieces.push_back({{out_.number, turn.episode, turn.turn}, turn.text});
  }
  for (const auto& rows : {ends, tokens}) {
    for (const Row* part : rows) pieces.push_back({part->key, part->body});
  }
  for (const auto& rows : {starts, ends, tokens}) {
    for (const Row* part : rows) hashed.push_back(part->body);
  }
  chain_.add(hashed);
  const bool typed = row.kind(4) == SqliteStatement::Kind::text &&
                     row.kind(5) == SqliteStatement::Kind::blob;
  if (typed && chain_.link() == row.bytes(6)) {
    return;
  }
  const bool has_turn = !turns.empty();
  locate(pieces, chunk.marks,
         {out_.number, has_turn ? turns.front().episode : std::max<std::int64_t>(started_ - 1, 0),
          has_turn ? turns.front().turn : -1});
  chain_ = HashChain(row.bytes(6));
}

// Which pieces of a chunk are not as they were marked; the chunk itself when none is.
void LifecycleLoader::locate(std::span<const Piece> pieces, std::string_view marks,
                             const RowKey& chunk) {
  const std::size_t before = out_.damage.size();
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    std::string mark;
    append_mark(mark, pieces[i].bytes);
    const std::size_t at = i * kMarkBytes;
    if (at + kMarkBytes > marks.size() || marks.substr(at, kMarkBytes) != mark) {
      damage(pieces[i].key, "its bytes do not fit its hash");
    }
  }
  if (out_.damage.size() == before) {
    damage(chunk, "the chunk of turns that begins here does not fit its hash");
  }
}

void LifecycleLoader::check_leftovers() {
  for (std::int64_t i = started_; i < std::ssize(episodes_); ++i) {
    damage(episodes_[static_cast<std::size_t>(i)].start.key, "it belongs to no chunk of turns");
  }
  for (std::int64_t i = ended_; i < std::ssize(episodes_); ++i) {
    const EpisodeRow& episode = episodes_[static_cast<std::size_t>(i)];
    const bool has_end = !episode.end.body.empty();
    if (has_end) damage(episode.end.key, "its end belongs to no chunk of turns");
  }
  for (std::int64_t i = 0; i < ended_; ++i) {
    const EpisodeRow& episode = episodes_[static_cast<std::size_t>(i)];
    if (episode.end.body.empty()) damage(episode.start.key, "its end is missing");
  }
  for (; tokens_taken_ < tokens_.size(); ++tokens_taken_) {
    damage(tokens_[tokens_taken_].key, "rows of tokens belong to no turn");
  }
}

// The end of a complete lifecycle: columns 2 episodes, 3 turns, 4 chain.
void LifecycleLoader::check_end(const SqliteStatement& row) {
  std::string body;
  encode_lifecycle_end(body, {out_.number, row.integer(2), row.integer(3)});
  chain_.add(body);
  if (chain_.link() != row.bytes(4)) {
    damage({out_.number}, "its bytes do not fit its hash");
  }
}

Status LifecycleLoader::load() {
  auto row = connection_.database.prepare(
      "SELECT run, number, episodes, turns, chain FROM lifecycles WHERE id = ?");
  if (!row) {
    return row.error();
  }
  row->bind(0, out_.number);
  const Step step = row->step();
  if (step == Step::error) {
    return connection_.database.error();
  }
  if (step == Step::done) {
    return Error{connection_.database.path(),
                 "there is no lifecycle " + std::to_string(out_.number)};
  }
  out_.run = {row->integer(0)};
  out_.index = {row->integer(1)};
  out_.complete = row->kind(4) != SqliteStatement::Kind::null;
  std::string body;
  encode_lifecycle_start(body, {out_.number, out_.run, out_.index});
  chain_.add(body);
  Status status = each_row(kEpisodes, kEpisodeEnds.columns, &LifecycleLoader::read_episode);
  if (status) status = each_row(kTokens, "", &LifecycleLoader::read_tokens);
  if (status) status = each_row(kChunks, "chain", &LifecycleLoader::read_chunk);
  if (!status) {
    return status;
  }
  check_leftovers();
  if (out_.complete) {
    check_end(*row);
  }
  for (EpisodeRow& episode : episodes_) out_.episodes.push_back(std::move(episode.content));
  return ok_status();
}

}  // namespace

Result<StoredLifecycle> ReadConnection::read_lifecycle(std::int64_t number) {
  StoredLifecycle lifecycle;
  lifecycle.number = number;
  const Status status = LifecycleLoader(*this, lifecycle).load();
  if (!status) {
    return status.error();
  }
  return lifecycle;
}

Result<StoredLifecycle> ReadConnection::lifecycle(std::int64_t number) {
  const ReadTransaction transaction(database);
  if (!transaction.status()) {
    return transaction.status().error();
  }
  return read_lifecycle(number);
}

}  // namespace turnhalle
