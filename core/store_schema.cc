#include "core/store_schema.h"

#include "core/store_reader.h"

namespace turnhalle {
namespace {

constexpr std::string_view kTableNames[] = {
    "meta",   "runs",   "lifecycles", "episodes",   "chunks",     "turns",   "messages",
    "tool_calls", "events", "tokens", "rewards", "advantages", "metrics", "checkpoints", "forks"};

// Foreign keys are declared for people and for foreign_key_check; the writer does not pay for
// them row by row.
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

CREATE TABLE episodes (
  lifecycle INTEGER NOT NULL REFERENCES lifecycles,
  episode INTEGER NOT NULL,
  kind TEXT NOT NULL,
  position INTEGER NOT NULL,
  continues INTEGER NOT NULL,
  turns_max INTEGER NOT NULL,
  context TEXT NOT NULL,
  messages TEXT NOT NULL,
  calls TEXT NOT NULL,
  outcome TEXT,
  reward REAL,
  success INTEGER,
  turns INTEGER,
  feedback TEXT,
  rewards TEXT,
  PRIMARY KEY (lifecycle, episode)
) STRICT, WITHOUT ROWID;

CREATE TABLE chunks (
  lifecycle INTEGER NOT NULL REFERENCES lifecycles,
  chunk INTEGER NOT NULL,
  started INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  turns TEXT NOT NULL,
  marks BLOB NOT NULL,
  chain BLOB NOT NULL,
  PRIMARY KEY (lifecycle, chunk)
) STRICT;

CREATE TABLE tokens (
  lifecycle INTEGER NOT NULL,
  episode INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  observed INTEGER NOT NULL,
  sampled INTEGER NOT NULL,
  weight_version INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (lifecycle, episode, turn),
  FOREIGN KEY (lifecycle, episode) REFERENCES episodes
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

CREATE VIEW turns AS
SELECT c.lifecycle,
       json_extract(t.value, '$.episode') AS episode,
       json_extract(t.value, '$.turn') AS turn,
       json_extract(t.value, '$.reply') AS reply,
       coalesce(json_extract(t.value, '$.failure'), 'none') AS failure,
       coalesce(json_extract(t.value, '$.failure_text'), '') AS failure_text,
       coalesce(json_extract(t.value, '$.latency_ns'), 0) AS latency_ns,
       json_extract(t.value, '$.observation') AS observation,
       coalesce(json_extract(t.value, '$.outcome'), 'running') AS outcome,
       coalesce(json_extract(t.value, '$.reward'), 0.0) AS reward,
       coalesce(json_extract(t.value, '$.asked_ns'), 0) AS asked_ns,
       coalesce(json_extract(t.value, '$.replied_ns'), 0) AS replied_ns,
       coalesce(json_extract(t.value, '$.finished_ns'), 0) AS finished_ns
FROM chunks c, json_each(c.turns) t;

CREATE VIEW messages AS
SELECT e.lifecycle, e.episode, -1 AS turn, m.key AS number,
       json_extract(m.value, '$.role') AS role, json_extract(m.value, '$.content') AS content,
       coalesce(json_extract(m.value, '$.tool_call_id'), '') AS tool_call_id
FROM episodes e, json_each(e.messages) m
UNION ALL
SELECT c.lifecycle, json_extract(t.value, '$.episode'), json_extract(t.value, '$.turn'), m.key,
       json_extract(m.value, '$.role'), json_extract(m.value, '$.content'),
       coalesce(json_extract(m.value, '$.tool_call_id'), '')
FROM chunks c, json_each(c.turns) t, json_each(t.value, '$.messages') m;

CREATE VIEW tool_calls AS
SELECT e.lifecycle, e.episode, -1 AS turn, m.key AS number,
       json_extract(m.value, '$.message') AS message, json_extract(m.value, '$.id') AS id,
       json_extract(m.value, '$.name') AS name, json_extract(m.value, '$.arguments') AS arguments
FROM episodes e, json_each(e.calls) m
UNION ALL
SELECT c.lifecycle, json_extract(t.value, '$.episode'), json_extract(t.value, '$.turn'), m.key,
       json_extract(m.value, '$.message'), json_extract(m.value, '$.id'),
       json_extract(m.value, '$.name'), json_extract(m.value, '$.arguments')
FROM chunks c, json_each(c.turns) t, json_each(t.value, '$.calls') m;

CREATE VIEW events AS
SELECT c.lifecycle, json_extract(t.value, '$.episode') AS episode,
       json_extract(t.value, '$.turn') AS turn, m.key AS number,
       json_extract(m.value, '$.time_ns') AS time_ns,
       json_extract(m.value, '$.sequence') AS sequence, json_extract(m.value, '$.kind') AS kind,
       json_extract(m.value, '$.payload') AS payload
FROM chunks c, json_each(c.turns) t, json_each(t.value, '$.events') m;

CREATE VIEW rewards AS
SELECT e.lifecycle, e.episode, -1 AS turn, m.key AS number,
       json_extract(m.value, '$.name') AS name, json_extract(m.value, '$.value') AS value
FROM episodes e, json_each(e.rewards) m
UNION ALL
SELECT c.lifecycle, json_extract(t.value, '$.episode'), json_extract(t.value, '$.turn'), m.key,
       json_extract(m.value, '$.name'), json_extract(m.value, '$.value')
FROM chunks c, json_each(c.turns) t, json_each(t.value, '$.rewards') m;

CREATE VIEW success_by_position AS
SELECT r.id AS run, r.agent, e.kind, e.position, count(*) AS episodes,
       count(e.reward) AS scored, avg(CASE WHEN e.reward IS NULL THEN NULL ELSE e.success END)
       AS success, avg(e.reward) AS reward
FROM episodes e JOIN lifecycles l ON l.id = e.lifecycle JOIN runs r ON r.id = l.run
WHERE e.outcome IS NOT NULL
GROUP BY r.id, e.kind, e.position;

CREATE VIEW outcomes AS
SELECT r.id AS run, r.agent, e.kind, e.outcome, count(*) AS episodes
FROM episodes e JOIN lifecycles l ON l.id = e.lifecycle JOIN runs r ON r.id = l.run
WHERE e.outcome IS NOT NULL
GROUP BY r.id, e.kind, e.outcome;

CREATE VIEW longest_episodes AS
SELECT lifecycle, episode, kind, position, turns, outcome, reward
FROM episodes WHERE turns IS NOT NULL ORDER BY turns DESC, lifecycle, episode;

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

}  // namespace

std::span<const std::string_view> store_table_names() { return kTableNames; }
std::string_view store_schema_statements() { return kStatements; }

std::string store_schema_sql() {
  return "PRAGMA application_id = " + std::to_string(kStoreApplicationId) +
         ";\nPRAGMA user_version = " + std::to_string(kStoreSchemaVersion) + ";\n" +
         std::string(kStatements);
}

}  // namespace turnhalle
