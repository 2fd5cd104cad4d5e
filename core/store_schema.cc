#include "core/store_schema.h"

#include "core/check.h"
#include "core/event_queue.h"
#include "core/store_reader.h"

namespace turnhalle {
namespace {

constexpr std::string_view kTableNames[] = {
    "meta",     "runs",   "lifecycles", "chunks",  "tokens",     "openings",
    "episodes", "turns",  "messages",   "tool_calls", "events",  "faults",
    "rewards",  "advantages", "metrics", "checkpoints", "forks"};

// {c t.value $.r} stands for the text whose number t.value has at "$.r": its lines, taken from the
// chunk c, joined. Foreign keys are declared for people and for foreign_key_check; the writer does
// not pay for them row by row.
constexpr std::string_view kStatements = R"sql(
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  command TEXT NOT NULL,
  scenario_name TEXT NOT NULL,
  environment TEXT NOT NULL,
  scenario TEXT NOT NULL,
  seed INTEGER NOT NULL,
  split TEXT NOT NULL,
  trial INTEGER NOT NULL,
  agent TEXT NOT NULL,
  program TEXT NOT NULL,
  details TEXT NOT NULL,
  first_lifecycle INTEGER NOT NULL,
  lifecycles INTEGER NOT NULL,
  chain BLOB NOT NULL
) STRICT;

CREATE TABLE lifecycles (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs,
  number INTEGER NOT NULL,
  episodes INTEGER,
  turns INTEGER,
  chain BLOB
) STRICT;

CREATE TABLE chunks (
  lifecycle INTEGER NOT NULL REFERENCES lifecycles,
  chunk INTEGER NOT NULL,
  lines TEXT NOT NULL,
  texts TEXT NOT NULL,
  openings TEXT NOT NULL,
  turns TEXT NOT NULL,
  endings TEXT NOT NULL,
  marks BLOB NOT NULL,
  chain BLOB NOT NULL,
  PRIMARY KEY (lifecycle, chunk)
) STRICT;

CREATE TABLE tokens (
  lifecycle INTEGER NOT NULL REFERENCES lifecycles,
  episode INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  observed INTEGER NOT NULL,
  sampled INTEGER NOT NULL,
  weight_version INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (lifecycle, episode, turn)
) STRICT, WITHOUT ROWID;

CREATE TABLE advantages (
  id INTEGER PRIMARY KEY,
  step INTEGER NOT NULL,
  lifecycle INTEGER NOT NULL,
  episode INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  value REAL NOT NULL,
  chain BLOB NOT NULL
) STRICT;

CREATE TABLE metrics (
  id INTEGER PRIMARY KEY,
  step INTEGER NOT NULL,
  name TEXT NOT NULL,
  value REAL,
  chain BLOB NOT NULL
) STRICT;

CREATE TABLE checkpoints (
  id INTEGER PRIMARY KEY,
  step INTEGER NOT NULL,
  weight_version INTEGER NOT NULL,
  path TEXT NOT NULL,
  digest TEXT NOT NULL,
  chain BLOB NOT NULL
) STRICT;

CREATE TABLE forks (
  id INTEGER PRIMARY KEY,
  lifecycle INTEGER NOT NULL,
  parent_store TEXT NOT NULL,
  parent_lifecycle INTEGER NOT NULL,
  episode INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  chain BLOB NOT NULL
) STRICT;

CREATE VIEW openings AS
SELECT c.lifecycle,
       json_extract(o.value, '$.e') AS episode,
       coalesce(json_extract(o.value, '$.kind'), 'solve') AS kind,
       coalesce(json_extract(o.value, '$.position'), 0) AS position,
       coalesce(json_extract(o.value, '$.continues'), 0) AS continues,
       json_extract(o.value, '$.turns_max') AS turns_max,
       {c o.value $.context} AS context
FROM chunks c, json_each(c.openings) o;

CREATE VIEW episodes AS
SELECT c.lifecycle,
       json_extract(e.value, '$.e') AS episode,
       coalesce(json_extract(e.value, '$.kind'), 'solve') AS kind,
       coalesce(json_extract(e.value, '$.position'), 0) AS position,
       {c e.value $.context} AS context,
       json_extract(e.value, '$.turns') AS turns,
       coalesce(json_extract(e.value, '$.outcome'), 'done') AS outcome,
       json_extract(e.value, '$.reward') AS reward,
       coalesce(json_extract(e.value, '$.success'), 0) AS success,
       {c e.value $.feedback} AS feedback
FROM chunks c, json_each(c.endings) e;

CREATE VIEW turns AS
SELECT c.lifecycle,
       json_extract(t.value, '$.e') AS episode,
       json_extract(t.value, '$.t') AS turn,
       {c t.value $.r} AS reply,
       coalesce(json_extract(t.value, '$.failure'), 'none') AS failure,
       {c t.value $.failure_text} AS failure_text,
       coalesce(json_extract(t.value, '$.latency_ns'), 0) AS latency_ns,
       {c t.value $.o} AS observation,
       coalesce(json_extract(t.value, '$.outcome'), 'running') AS outcome,
       coalesce(json_extract(t.value, '$.reward'), 0.0) AS reward,
       coalesce(json_extract(t.value, '$.asked_ns'), 0) AS asked_ns,
       coalesce(json_extract(t.value, '$.replied_ns'), 0) AS replied_ns,
       coalesce(json_extract(t.value, '$.finished_ns'), 0) AS finished_ns
FROM chunks c, json_each(c.turns) t;

CREATE VIEW messages AS
SELECT c.lifecycle, json_extract(o.value, '$.e') AS episode, -1 AS turn, m.key AS number,
       json_extract(m.value, '$[0]') AS role, {c m.value $[1]} AS content,
       coalesce(json_extract(m.value, '$[2]'), '') AS tool_call_id
FROM chunks c, json_each(c.openings) o, json_each(o.value, '$.messages') m
UNION ALL
SELECT c.lifecycle, json_extract(t.value, '$.e'), json_extract(t.value, '$.t'), m.key,
       json_extract(m.value, '$[0]'), {c m.value $[1]},
       coalesce(json_extract(m.value, '$[2]'), '')
FROM chunks c, json_each(c.turns) t, json_each(t.value, '$.messages') m;

CREATE VIEW tool_calls AS
SELECT c.lifecycle, json_extract(o.value, '$.e') AS episode, -1 AS turn, m.key AS number,
       coalesce(json_extract(m.value, '$.message'), -1) AS message,
       json_extract(m.value, '$.id') AS id, json_extract(m.value, '$.name') AS name,
       {c m.value $.arguments} AS arguments
FROM chunks c, json_each(c.openings) o, json_each(o.value, '$.calls') m
UNION ALL
SELECT c.lifecycle, json_extract(t.value, '$.e'), json_extract(t.value, '$.t'), m.key,
       coalesce(json_extract(m.value, '$.message'), -1),
       json_extract(m.value, '$.id'), json_extract(m.value, '$.name'), {c m.value $.arguments}
FROM chunks c, json_each(c.turns) t, json_each(t.value, '$.calls') m;

CREATE VIEW events AS
SELECT c.lifecycle, json_extract(t.value, '$.e') AS episode,
       json_extract(t.value, '$.t') AS turn, m.key AS number,
       json_extract(m.value, '$.time_ns') AS time_ns,
       coalesce(json_extract(m.value, '$.sequence'), 0) AS sequence,
       json_extract(m.value, '$.kind') AS kind,
       coalesce(json_extract(m.value, '$.payload'), lower(hex({c m.value $.text}))) AS payload,
       CASE WHEN json_extract(m.value, '$.payload') IS NULL THEN {c m.value $.text} END AS text
FROM chunks c, json_each(c.turns) t, json_each(t.value, '$.events') m;

CREATE VIEW faults AS
SELECT f.lifecycle, f.episode, f.turn, f.number, f.time_ns, f.fault, f.rule, f.target, f.call,
       f.turn_outcome, e.outcome, e.reward, e.success
FROM (
  SELECT c.lifecycle, json_extract(t.value, '$.e') AS episode,
         json_extract(t.value, '$.t') AS turn, m.key AS number,
         json_extract(m.value, '$.time_ns') AS time_ns,
         json_extract({c m.value $.text}, '$.kind') AS fault,
         json_extract({c m.value $.text}, '$.rule') AS rule,
         json_extract({c m.value $.text}, '$.target') AS target,
         json_extract({c m.value $.text}, '$.call') AS call,
         coalesce(json_extract(t.value, '$.outcome'), 'running') AS turn_outcome
  FROM chunks c, json_each(c.turns) t, json_each(t.value, '$.events') m
  WHERE json_extract(m.value, '$.kind') = 4294901762
) f LEFT JOIN episodes e ON e.lifecycle = f.lifecycle AND e.episode = f.episode;

CREATE VIEW rewards AS
SELECT c.lifecycle, json_extract(e.value, '$.e') AS episode, -1 AS turn, m.key AS number,
       json_extract(m.value, '$[0]') AS name, json_extract(m.value, '$[1]') AS value
FROM chunks c, json_each(c.endings) e, json_each(e.value, '$.rewards') m
UNION ALL
SELECT c.lifecycle, json_extract(t.value, '$.e'), json_extract(t.value, '$.t'), m.key,
       json_extract(m.value, '$[0]'), json_extract(m.value, '$[1]')
FROM chunks c, json_each(c.turns) t, json_each(t.value, '$.rewards') m;

CREATE VIEW success_by_position AS
SELECT r.id AS run, r.agent, e.kind, e.position, count(*) AS episodes,
       count(e.reward) AS scored, avg(CASE WHEN e.reward IS NULL THEN NULL ELSE e.success END)
       AS success, avg(e.reward) AS reward
FROM episodes e JOIN lifecycles l ON l.id = e.lifecycle JOIN runs r ON r.id = l.run
GROUP BY r.id, e.kind, e.position;

CREATE VIEW outcomes AS
SELECT r.id AS run, r.agent, e.kind, e.outcome, count(*) AS episodes
FROM episodes e JOIN lifecycles l ON l.id = e.lifecycle JOIN runs r ON r.id = l.run
GROUP BY r.id, e.kind, e.outcome;

CREATE VIEW longest_episodes AS
SELECT lifecycle, episode, kind, position, turns, outcome, reward
FROM episodes ORDER BY turns DESC, lifecycle, episode;

CREATE VIEW contexts AS
SELECT lifecycle, position, episode, context, success, reward
FROM episodes WHERE kind = 'solve' ORDER BY lifecycle, position;

CREATE VIEW lifecycle_scores AS
SELECT l.id AS lifecycle, l.run, count(*) AS tasks, sum(e.success) AS solved,
       sum(e.reward) AS reward
FROM lifecycles l JOIN episodes e ON e.lifecycle = l.id
WHERE l.chain IS NOT NULL AND e.kind = 'solve'
GROUP BY l.id;

CREATE VIEW conversations AS
SELECT lifecycle, episode, turn, number, role, content FROM messages
UNION ALL
SELECT lifecycle, episode, turn, -1, 'assistant', reply FROM turns
UNION ALL
SELECT lifecycle, episode, turn, 1000000, 'user', observation FROM turns WHERE observation <> ''
ORDER BY lifecycle, episode, turn, number;

CREATE VIEW episode_times AS
SELECT lifecycle, episode, count(*) AS turns, min(asked_ns) AS begin_ns,
       max(finished_ns) AS end_ns, sum(latency_ns) AS agent_ns
FROM turns GROUP BY lifecycle, episode;

CREATE VIEW reward_parts AS
SELECT r.id AS run, r.agent, w.name, count(*) AS times, avg(w.value) AS mean,
       min(w.value) AS low, max(w.value) AS high
FROM rewards w JOIN lifecycles l ON l.id = w.lifecycle JOIN runs r ON r.id = l.run
GROUP BY r.id, w.name;

CREATE VIEW token_counts AS
SELECT r.id AS run, r.agent, t.weight_version, count(*) AS turns, sum(t.observed) AS observed,
       sum(t.sampled) AS sampled, avg(t.sampled) AS sampled_per_turn
FROM tokens t JOIN lifecycles l ON l.id = t.lifecycle JOIN runs r ON r.id = l.run
GROUP BY r.id, t.weight_version;

CREATE VIEW failures AS
SELECT lifecycle, episode, turn, failure, failure_text, outcome
FROM turns WHERE failure <> 'none' OR outcome IN
  ('agent_error', 'environment_error', 'infrastructure_error', 'timeout');
)sql";

static_assert(kFaultEvent == 4294901762, "the view faults names this kind");

// The text whose number stands at a path of an object. Nothing there gives "".
std::string text_sql(std::string_view chunk, std::string_view object, std::string_view path) {
  const std::string in(chunk);
  return "coalesce((SELECT group_concat(json_extract(" + in + ".lines, '$[' || x.value || ']'), " +
         "char(10)) FROM json_each(" + in + ".texts, '$[' || json_extract(" + std::string(object) +
         ", '" + std::string(path) + "') || ']') x), '')";
}

std::string expand(std::string_view sql) {
  std::string out;
  while (true) {
    const std::size_t begin = sql.find('{');
    out += sql.substr(0, begin);
    if (begin == std::string_view::npos) return out;
    const std::size_t end = sql.find('}');
    const std::string_view inside = sql.substr(begin + 1, end - begin - 1);
    const std::size_t first = inside.find(' ');
    const std::size_t second = inside.rfind(' ');
    check(first < second, "a text is named by chunk, object and path", inside);
    out += text_sql(inside.substr(0, first), inside.substr(first + 1, second - first - 1),
                    inside.substr(second + 1));
    sql.remove_prefix(end + 1);
  }
}

}  // namespace

std::span<const std::string_view> store_table_names() { return kTableNames; }

const std::string& store_schema_statements() {
  static const std::string kExpanded = expand(kStatements);
  return kExpanded;
}

std::string store_schema_sql() {
  return "PRAGMA application_id = " + std::to_string(kStoreApplicationId) +
         ";\nPRAGMA user_version = " + std::to_string(kStoreSchemaVersion) + ";\n" +
         store_schema_statements();
}

}  // namespace turnhalle
