#include "core/store_v1.h"

#include <array>
#include <map>
#include <memory>
#include <utility>

namespace turnhalle {
namespace {

using Step = SqliteStatement::Step;

// The tables of version 1: a row for every turn, message, call, reward and event. Their bodies
// began with these bytes.
constexpr auto kLifecycleStart = static_cast<RowGroup>(1);
constexpr auto kEpisodeStart = static_cast<RowGroup>(2);
constexpr auto kTurn = static_cast<RowGroup>(3);
constexpr auto kEpisodeEnd = static_cast<RowGroup>(4);
constexpr auto kLifecycleEnd = static_cast<RowGroup>(5);

constexpr StoreTable kEpisodes{"episodes", "lifecycle, episode",
                               "kind, position, continues, turns_max, context", "tiiit"};
constexpr StoreTable kEpisodeEnds{"episodes", "lifecycle, episode",
                                  "outcome, reward, success, turns, feedback", "tRiit"};
constexpr StoreTable kTurns{"turns", "lifecycle, episode, turn",
                            "reply, failure, failure_text, latency_ns, observation, outcome, "
                            "reward, asked_ns, replied_ns, finished_ns",
                            "tttittriii"};
constexpr StoreTable kMessages{"messages", "lifecycle, episode, turn, number",
                               "role, content, tool_call_id", "ttt"};
constexpr StoreTable kToolCalls{"tool_calls", "lifecycle, episode, turn, number",
                                "message, id, name, arguments", "ittt"};
constexpr StoreTable kRewards{"rewards", "lifecycle, episode, turn, number", "name, value", "tr"};
constexpr StoreTable kEvents{"events", "lifecycle, episode, turn, number",
                             "time_ns, sequence, kind, payload", "iiib"};

// What a row group carries beside its main row, in the order in which it is hashed.
constexpr const StoreTable* kStartParts[] = {&kMessages, &kToolCalls};
constexpr const StoreTable* kTurnParts[] = {&kMessages, &kToolCalls, &kRewards, &kEvents,
                                            &kTokens};
constexpr const StoreTable* kEndParts[] = {&kRewards};

// Rows of one turn, or of the start and the end of an episode (turn −1), by table in the order of
// kTurnParts: as objects, and as the bytes that were hashed.
struct Parts {
  std::vector<Message> messages;
  std::vector<std::pair<std::int64_t, ToolCall>> calls;
  std::vector<RewardPart> rewards;
  std::vector<Event> events;
  std::shared_ptr<const ReplyTokens> tokens;
  std::array<std::string, std::size(kTurnParts)> bytes;
  std::array<std::uint64_t, std::size(kTurnParts)> rows{};
  std::string fault;  ///< what could not be read

  // The same order as kTurnParts.
  enum Table : std::size_t { kOfMessages, kOfCalls, kOfRewards, kOfEvents, kOfTokens };
};
using PartsByTurn = std::map<std::pair<std::int64_t, std::int64_t>, Parts>;

void read_message(const SqliteStatement& row, int column, Parts& parts) {
  const auto role = role_of(row.bytes(column));
  if (!role) {
    parts.fault = "a message has an unknown role";
  }
  parts.messages.push_back({role.value_or(Role::user), std::string(row.bytes(column + 1)), {},
                            std::string(row.bytes(column + 2))});
}

void read_call(const SqliteStatement& row, int column, Parts& parts) {
  auto arguments = parse_json(std::string(row.bytes(column + 3)));
  if (!arguments) {
    parts.fault = "the arguments of a tool call are not JSON";
  }
  parts.calls.push_back({row.integer(column),
                         {std::string(row.bytes(column + 1)), std::string(row.bytes(column + 2)),
                          arguments ? std::move(arguments->root) : Json()}});
}

void read_event(const SqliteStatement& row, int column, Parts& parts) {
  parts.events.push_back({{row.integer(column)},
                          static_cast<std::uint64_t>(row.integer(column + 1)),
                          static_cast<std::uint32_t>(row.integer(column + 2)),
                          std::string(row.bytes(column + 3))});
}

void read_tokens(const SqliteStatement& row, int column, Parts& parts) {
  auto tokens = unpack_tokens(row.bytes(column + 3));
  const bool fits = tokens &&
                    static_cast<std::int64_t>(tokens->observed.size()) == row.integer(column) &&
                    static_cast<std::int64_t>(tokens->sampled.size()) == row.integer(column + 1) &&
                    tokens->weight_version == row.integer(column + 2);
  if (!fits) {
    parts.fault = "the tokens cannot be unpacked";
    return;
  }
  parts.tokens = std::make_shared<const ReplyTokens>(std::move(*tokens));
}

void read_part(std::size_t table, const SqliteStatement& row, int column, Parts& parts) {
  switch (table) {
    case Parts::kOfMessages: read_message(row, column, parts); break;
    case Parts::kOfCalls: read_call(row, column, parts); break;
    case Parts::kOfRewards:
      parts.rewards.push_back({std::string(row.bytes(column)), row.real(column + 1)});
      break;
    case Parts::kOfEvents: read_event(row, column, parts); break;
    default: read_tokens(row, column, parts);
  }
}

/// Reads the rows of one lifecycle in order and follows the chain.
class V1Loader {
 public:
  V1Loader(ReadConnection& connection, StoredLifecycle& out)
      : connection_(connection), out_(out) {}

  Status load();

 private:
  template <class Read>
  Status each_row(const StoreTable& table, std::string_view extra, const Read& read);
  Status load_rows();
  void read_part_row(std::size_t place, const SqliteStatement& row);
  void read_episode(const SqliteStatement& row);
  void read_turn(const SqliteStatement& row);
  void read_turns(std::int64_t number, StoredEpisode& episode);
  void read_end(const SqliteStatement& row, StoredEpisode& episode, const RowKey& key);
  void check_leftovers();
  void write_numbers(RowGroup group, std::int64_t first, std::int64_t second);
  void append_parts(std::span<const StoreTable* const> tables, Parts& parts);
  void follow(const RowKey& key, std::string_view stored, const std::string& fault);
  void damage(const RowKey& key, std::string what);

  // A turn as it was read, until its episode is reached.
  struct TurnRow {
    std::int64_t turn = 0;
    StoredTurn content;
    std::string bytes;
    std::string chain;
    std::string fault;
  };

  ReadConnection& connection_;
  StoredLifecycle& out_;
  HashChain chain_;
  std::string body_;
  PartsByTurn parts_;
  std::map<std::int64_t, std::vector<TurnRow>> turns_;
};

void V1Loader::damage(const RowKey& key, std::string what) {
  out_.damage.push_back({key.lifecycle, key.episode, key.turn, std::move(what)});
}

// Compares the link of the body with the stored one, and goes on from the stored one, so that
// what comes later is judged by itself.
void V1Loader::follow(const RowKey& key, std::string_view stored, const std::string& fault) {
  chain_.add(body_);
  if (chain_.link() != stored) {
    damage(key, fault.empty() ? "its bytes do not fit its hash" : fault);
    chain_ = HashChain(stored);
  } else if (!fault.empty()) {
    damage(key, fault);
  }
}

void V1Loader::append_parts(std::span<const StoreTable* const> tables, Parts& parts) {
  ByteWriter out(body_);
  for (const StoreTable* table : tables) {
    std::size_t place = 0;
    while (kTurnParts[place] != table) {
      ++place;
    }
    out.u64(parts.rows[place]);
    body_ += parts.bytes[place];
    parts.rows[place] = 0;
  }
}

template <class Read>
Status V1Loader::each_row(const StoreTable& table, std::string_view extra, const Read& read) {
  auto rows = connection_.rows_of(table, extra);
  if (!rows) {
    return rows.error();
  }
  SqliteStatement& row = **rows;
  row.bind(0, out_.number);
  Step step = row.step();
  for (; step == Step::row; step = row.step()) {
    read(row);
  }
  row.reset();
  return step == Step::error ? Status(connection_.database.error()) : ok_status();
}

void V1Loader::read_part_row(std::size_t place, const SqliteStatement& row) {
  const StoreTable& table = *kTurnParts[place];
  const bool numbered = table.keys.ends_with("number");
  const int column = numbered ? 4 : 3;
  Parts& parts = parts_[{row.integer(1), row.integer(2)}];
  if (!append_columns(parts.bytes[place], row, column, table.types)) {
    parts.fault = "a column of " + std::string(table.name) + " has the wrong type";
  }
  if (numbered && row.integer(3) != static_cast<std::int64_t>(parts.rows[place])) {
    parts.fault = "a row of " + std::string(table.name) + " is missing";
  }
  ++parts.rows[place];
  read_part(place, row, column, parts);
}

Status V1Loader::load_rows() {
  Status status = ok_status();
  for (std::size_t place = 0; status && place < std::size(kTurnParts); ++place) {
    status = each_row(*kTurnParts[place], "",
                      [&](const SqliteStatement& row) { read_part_row(place, row); });
  }
  if (status) {
    status = each_row(kTurns, "chain", [&](const SqliteStatement& row) { read_turn(row); });
  }
  const std::string extra = "start_chain, " + std::string(kEpisodeEnds.columns) + ", chain";
  return status ? each_row(kEpisodes, extra,
                           [&](const SqliteStatement& row) { read_episode(row); })
                : status;
}

void V1Loader::read_turn(const SqliteStatement& row) {
  TurnRow turn;
  turn.turn = row.integer(2);
  if (!append_columns(turn.bytes, row, 3, kTurns.types)) {
    turn.fault = "a column of turns has the wrong type";
  }
  const auto failure = failure_of(row.bytes(4));
  const auto outcome = outcome_of(row.bytes(8));
  if (!failure || !outcome) {
    turn.fault = "a failure or an outcome has an unknown name";
  }
  turn.content.reply.text = row.bytes(3);
  turn.content.reply.failure = failure.value_or(ReplyFailure::none);
  turn.content.reply.failure_text = row.bytes(5);
  turn.content.reply.latency = {row.integer(6)};
  turn.content.result.observation = row.bytes(7);
  turn.content.result.outcome = outcome.value_or(Outcome::environment_error);
  turn.content.result.reward = row.real(9);
  turn.content.asked = {row.integer(10)};
  turn.content.replied = {row.integer(11)};
  turn.content.finished = {row.integer(12)};
  turn.chain = row.bytes(13);
  turns_[row.integer(1)].push_back(std::move(turn));
}

// Columns: 2 to 6 of kEpisodes, 7 start_chain, 8 to 12 of kEpisodeEnds, 13 chain.
void V1Loader::read_episode(const SqliteStatement& row) {
  const RowKey key{out_.number, row.integer(1)};
  const bool is_next = key.episode == static_cast<std::int64_t>(out_.episodes.size());
  Parts& parts = parts_[{key.episode, -1}];
  std::string fault = is_next ? parts.fault : "an episode before it is missing";
  body_.clear();
  ByteWriter bytes(body_);
  write_key(bytes, kEpisodeStart, key);
  if (!append_columns(body_, row, 2, kEpisodes.types)) {
    fault = "a column of episodes has the wrong type";
  }
  const auto kind = episode_kind_of(row.bytes(2));
  if (!kind) {
    fault = "the kind of an episode has an unknown name";
  }
  append_parts(kStartParts, parts);
  follow(key, row.bytes(7), fault);

  StoredEpisode episode;
  episode.start.kind = kind.value_or(EpisodeKind::solve);
  episode.start.position = row.integer(3);
  episode.start.continues = row.integer(4) != 0;
  episode.start.turns_max = row.integer(5);
  episode.start.context = row.bytes(6);
  episode.start.messages = std::move(parts.messages);
  for (auto& [message, call] : parts.calls) {
    if (message >= 0 && message < static_cast<std::int64_t>(episode.start.messages.size())) {
      episode.start.messages[static_cast<std::size_t>(message)].tool_calls.push_back(
          std::move(call));
    }
  }
  read_turns(key.episode, episode);
  turns_.erase(key.episode);
  read_end(row, episode, key);
  out_.episodes.push_back(std::move(episode));
}

void V1Loader::read_turns(std::int64_t number, StoredEpisode& episode) {
  ByteWriter bytes(body_);
  for (TurnRow& turn : turns_[number]) {
    const RowKey turn_key{out_.number, number, turn.turn};
    const bool turn_is_next = turn.turn == static_cast<std::int64_t>(episode.turns.size());
    Parts& of_turn = parts_[{number, turn.turn}];
    std::string turn_fault = turn.fault.empty() ? of_turn.fault : turn.fault;
    if (!turn_is_next) {
      turn_fault = "a turn before it is missing";
    }
    body_.clear();
    write_key(bytes, kTurn, turn_key);
    body_ += turn.bytes;
    append_parts(kTurnParts, of_turn);
    follow(turn_key, turn.chain, turn_fault);
    episode.turns.push_back(std::move(turn.content));
    StoredTurn& stored = episode.turns.back();
    stored.result.tool_results = std::move(of_turn.messages);
    stored.result.parts = std::move(of_turn.rewards);
    stored.reply.tokens = std::move(of_turn.tokens);
    stored.events = std::move(of_turn.events);
    for (auto& [message, call] : of_turn.calls) {
      auto& results = stored.result.tool_results;
      if (message < 0) {
        stored.reply.tool_calls.push_back(std::move(call));
      } else if (message < static_cast<std::int64_t>(results.size())) {
        results[static_cast<std::size_t>(message)].tool_calls.push_back(std::move(call));
      }
    }
  }
}

void V1Loader::read_end(const SqliteStatement& row, StoredEpisode& episode, const RowKey& key) {
  const bool has_end = row.kind(13) != SqliteStatement::Kind::null;
  if (!has_end) {
    if (row.kind(8) != SqliteStatement::Kind::null) {
      damage(key, "the hash of its end is missing");
    }
    return;
  }
  Parts& parts = parts_[{key.episode, -1}];
  std::string fault = parts.fault;
  body_.clear();
  ByteWriter bytes(body_);
  write_key(bytes, kEpisodeEnd, key);
  if (!append_columns(body_, row, 8, kEpisodeEnds.types)) {
    fault = "a column of episodes has the wrong type";
  }
  const auto outcome = outcome_of(row.bytes(8));
  if (!outcome) {
    fault = "the outcome of an episode has an unknown name";
  }
  append_parts(kEndParts, parts);
  follow(key, row.bytes(13), fault);
  EpisodeEnd end;
  end.outcome = outcome.value_or(Outcome::environment_error);
  if (row.kind(9) != SqliteStatement::Kind::null) {
    end.reward = row.real(9);
  }
  end.success = row.integer(10) != 0;
  end.feedback = row.bytes(12);
  end.parts = std::move(parts.rewards);
  episode.end = std::move(end);
}

// The body of the start or the end of the lifecycle.
void V1Loader::write_numbers(RowGroup group, std::int64_t first, std::int64_t second) {
  body_.clear();
  ByteWriter bytes(body_);
  write_key(bytes, group, {out_.number});
  bytes.i64(first);
  bytes.i64(second);
}

void V1Loader::check_leftovers() {
  for (const auto& [episode, turns] : turns_) {
    if (!turns.empty()) {
      damage({out_.number, episode, turns.front().turn}, "its episode is missing");
    }
  }
  for (const auto& [place, parts] : parts_) {
    for (std::size_t table = 0; table < parts.rows.size(); ++table) {
      if (parts.rows[table] != 0) {
        damage({out_.number, place.first, place.second},
               "rows of " + std::string(kTurnParts[table]->name) + " belong to no turn");
      }
    }
  }
}

Status V1Loader::load() {
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
  write_numbers(kLifecycleStart, out_.run.value, out_.index.value);
  chain_.add(body_);
  if (Status loaded = load_rows(); !loaded) {
    return loaded;
  }
  check_leftovers();
  if (out_.complete) {
    write_numbers(kLifecycleEnd, row->integer(2), row->integer(3));
    follow({out_.number}, row->bytes(4), "");
  }
  return ok_status();
}

}  // namespace

Result<StoredLifecycle> read_v1_lifecycle(ReadConnection& connection, std::int64_t number) {
  StoredLifecycle lifecycle;
  lifecycle.number = number;
  const Status status = V1Loader(connection, lifecycle).load();
  if (!status) {
    return status.error();
  }
  return lifecycle;
}

}  // namespace turnhalle
