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
using Kind = SqliteStatement::Kind;

constexpr std::size_t kColumns = 6;  // of a chunk: its arrays and its marks
constexpr int kFirstColumn = 2;      // after the keys

/// Reads the rows of one lifecycle in order and follows the chain.
class LifecycleLoader {
 public:
  LifecycleLoader(ReadConnection& connection, StoredLifecycle& out)
      : connection_(connection), out_(out) {}

  Status load();

 private:
  // A row of tokens: what was hashed of it, and whether a turn has claimed it.
  struct TokensRow {
    RowKey key;
    std::string body;
    std::string fault;  ///< what could not be read
    std::shared_ptr<const ReplyTokens> tokens;
    bool taken = false;
  };

  Status each_row(const StoreTable& table, std::string_view extra,
                  void (LifecycleLoader::*read)(const SqliteStatement& row));
  void read_tokens(const SqliteStatement& row);
  void read_chunk(const SqliteStatement& row);
  std::vector<const TokensRow*> take_tokens(std::vector<TurnText>& turns);
  void follow(const SqliteStatement& row, const ReadChunk& chunk,
              const std::vector<const TokensRow*>& tokens);
  void locate(const ReadChunk& chunk, const std::vector<const TokensRow*>& tokens,
              std::string_view marks);
  void place(ReadChunk chunk);
  void place_turn(TurnText turn);
  void place_ending(EndingText ending);
  void check_leftovers();
  void check_end(const SqliteStatement& row);
  StoredEpisode* episode(std::int64_t number);
  void damage(const RowKey& key, std::string what);

  ReadConnection& connection_;
  StoredLifecycle& out_;
  HashChain chain_;
  std::vector<TokensRow> tokens_;
  std::int64_t chunks_ = 0;
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

// The rows of tokens that a chunk's turns claim; they come in order.
std::vector<const LifecycleLoader::TokensRow*> LifecycleLoader::take_tokens(
    std::vector<TurnText>& turns) {
  std::vector<const TokensRow*> taken;
  const auto key = [](const TokensRow& row) { return std::pair(row.key.episode, row.key.turn); };
  for (TurnText& turn : turns) {
    if (!turn.has_tokens) continue;
    const std::pair wanted(turn.episode, turn.turn);
    const auto found = std::lower_bound(
        tokens_.begin(), tokens_.end(), wanted,
        [&](const TokensRow& row, const auto& value) { return key(row) < value; });
    if (found == tokens_.end() || key(*found) != wanted || found->taken) {
      damage({out_.number, turn.episode, turn.turn}, "its tokens are missing");
      continue;
    }
    found->taken = true;
    turn.content.reply.tokens = found->tokens;
    taken.push_back(&*found);
  }
  return taken;
}

// Columns: 1 the number, 2 to 7 of kChunks, 8 chain.
void LifecycleLoader::read_chunk(const SqliteStatement& row) {
  ReadChunk chunk = turnhalle::read_chunk(
      {row.bytes(2), row.bytes(3), row.bytes(4), row.bytes(5), row.bytes(6)});
  if (row.integer(1) != chunks_) {
    damage({out_.number},
           "a chunk of turns before chunk " + std::to_string(row.integer(1)) + " is missing");
  }
  chunks_ = row.integer(1) + 1;
  const std::size_t before = out_.damage.size();
  const std::vector<const TokensRow*> tokens = take_tokens(chunk.turns);
  follow(row, chunk, tokens);
  for (const TokensRow* part : tokens) {
    if (!part->fault.empty() && out_.damage.size() == before) damage(part->key, part->fault);
  }
  place(std::move(chunk));
}

// Compares the link of the chunk with the stored one, and goes on from the stored one, so that
// what comes later is judged by itself.
void LifecycleLoader::follow(const SqliteStatement& row, const ReadChunk& chunk,
                             const std::vector<const TokensRow*>& tokens) {
  std::array<std::string_view, kColumns> columns;
  bool typed = chunk.whole;
  for (std::size_t i = 0; i < kColumns; ++i) {
    const int column = kFirstColumn + static_cast<int>(i);
    columns[i] = row.bytes(column);
    typed = typed && row.kind(column) == (i + 1 < kColumns ? Kind::text : Kind::blob);
  }
  std::string head;
  encode_chunk_head(head, {out_.number}, row.integer(1), columns);
  std::vector<std::string_view> hashed{head};
  hashed.insert(hashed.end(), columns.begin(), columns.end());
  for (const TokensRow* part : tokens) hashed.push_back(part->body);
  chain_.add(hashed);
  const std::string_view link = row.bytes(kFirstColumn + static_cast<int>(kColumns));
  if (typed && chain_.link() == link) {
    return;
  }
  locate(chunk, tokens, columns.back());
  chain_ = HashChain(link);
}

// Which pieces of a chunk are not as they were marked; the chunk itself when none is. Behind what
// cannot be read it is not known which marks belong to what.
void LifecycleLoader::locate(const ReadChunk& chunk, const std::vector<const TokensRow*>& tokens,
                             std::string_view marks) {
  const std::size_t before = out_.damage.size();
  std::size_t at = 0;
  const auto compare = [&](std::string_view bytes, const RowKey& key) {
    std::string mark;
    append_mark(mark, bytes);
    if (at + kMarkBytes > marks.size() || marks.substr(at, kMarkBytes) != mark) {
      damage(key, "its bytes do not fit its hash");
    }
    at += kMarkBytes;
  };
  for (std::size_t i = 0; i < chunk.readable; ++i) {
    const ChunkPiece& piece = chunk.pieces[i];
    compare(piece.bytes, {out_.number, piece.episode, piece.turn});
  }
  if (chunk.whole && out_.damage.size() == before) {
    for (const TokensRow* part : tokens) compare(part->body, part->key);
  }
  if (out_.damage.size() == before) {
    const ChunkPiece last =
        chunk.readable == 0 ? ChunkPiece{} : chunk.pieces[chunk.readable - 1];
    damage({out_.number, last.episode, last.turn},
           "the chunk of turns that ends here does not fit its hash");
  }
}

// The episode of that number; null when it has not begun.
StoredEpisode* LifecycleLoader::episode(std::int64_t number) {
  const bool begun = number >= 0 && number < std::ssize(out_.episodes);
  return begun ? &out_.episodes[static_cast<std::size_t>(number)] : nullptr;
}

void LifecycleLoader::place(ReadChunk chunk) {
  for (OpeningText& opening : chunk.openings) {
    if (opening.episode != std::ssize(out_.episodes)) {
      damage({out_.number, opening.episode}, "an episode before it is missing");
    }
    out_.episodes.emplace_back().start = std::move(opening.start);
  }
  for (TurnText& turn : chunk.turns) place_turn(std::move(turn));
  for (EndingText& ending : chunk.endings) place_ending(std::move(ending));
}

void LifecycleLoader::place_turn(TurnText turn) {
  StoredEpisode* const its = episode(turn.episode);
  if (its == nullptr || turn.turn != std::ssize(its->turns)) {
    damage({out_.number, turn.episode, turn.turn},
           its == nullptr ? "its episode is missing" : "a turn before it is missing");
  }
  if (its != nullptr) its->turns.push_back(std::move(turn.content));
}

void LifecycleLoader::place_ending(EndingText ending) {
  StoredEpisode* const its = episode(ending.episode);
  if (its == nullptr || its->end || ending.turns != std::ssize(its->turns)) {
    damage({out_.number, ending.episode},
           its == nullptr ? "its opening is missing" : "its end does not fit its turns");
  }
  if (its != nullptr) its->end = std::move(ending.end);
}

void LifecycleLoader::check_leftovers() {
  for (const TokensRow& tokens : tokens_) {
    if (!tokens.taken) damage(tokens.key, "rows of tokens belong to no turn");
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
  Status status = each_row(kTokens, "", &LifecycleLoader::read_tokens);
  if (status) status = each_row(kChunks, "chain", &LifecycleLoader::read_chunk);
  if (!status) {
    return status;
  }
  check_leftovers();
  if (out_.complete) {
    check_end(*row);
  }
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
