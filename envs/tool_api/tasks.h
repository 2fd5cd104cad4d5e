// Tasks of a tool API: what the user says, turn by turn, and the gold calls that answer it.
//
// Written one by one ("tasks"), or drawn from templates ("generator"):
//
//   "tasks": [{"id": "t1", "turns": [{"say": "Close ticket 3.", "communicate": ["closed"],
//              "gold": [{"tool": "close_ticket", "args": {"id": "3"}}]}]}]
//
//   "generator": {
//     "world":    [effects on the initial state, with draws],
//     "inflate":  [the same, to make contexts long],
//     "common":   [locals that all turns of a task share],
//     "turns":    [2, 4],
//     "snippets": [{"name": "close", "weight": 2, "times": 1, "first": false, "last": false,
//       "draw":        [{"draw": "id", "from": "filter(keys(state.tickets), …)"}],
//       "say":         ["Close ticket {id|that ticket}.", "Ticket {id} is done."],
//       "gold":        [{"tool": "close_ticket", "args": {"id": "id"}, "optional": false}],
//       "communicate": ["{state.tickets[id].title}"],      what the reply to the user must hold
//       "forbid":      ["…"],                              and what not
//       "refuse":      ["not possible", "cannot"],         one of these must be in it
//       "assert":      ["state.tickets[id].closed"]}]}     what must hold of the state then
//
// A gold call with "if" is made only where that holds; one that is "optional" is a look-up that
// an agent may do without.
//
// A task is a row of snippets, drawn one after another on the state that the gold calls before
// them left; draws whose requirements or gold calls fail are drawn again. In "say", the words
// after | stand there when the value is left out (missing_parameter).
//
// Variants of a base task (BFCL, arXiv 2402.15671 and its third version; RODS, arXiv 2606.19047):
//   missing_function   one tool is withheld until the turn after the one that needs it
//   missing_parameter  a request leaves out a value; the next turn tells it
//   long_context       "inflate" is applied to the state
//   flaky              every third call is answered by a transient error, without effect
//   renamed            tools and parameters have other names, for all tasks of a scenario
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "envs/tool_api/machine.h"

namespace turnhalle::tool_api {

enum class Variant : std::uint8_t {
  base,
  missing_function,
  missing_parameter,
  long_context,
  flaky,
  renamed
};
extern const std::array<std::string, 6> kVariantNames;

/// What a turn is checked by; all must hold.
enum class Basis : std::uint8_t {
  state,
  responses,
  actions,
  communicate,
  forbidden,
  refusal,
  assertions
};
extern const std::array<std::string, 7> kBasisNames;

struct GoldTemplate {
  std::string tool;
  std::vector<std::pair<std::string, Expression>> arguments;
  bool optional = false;  ///< its result need not be looked up
  Expression when;        ///< the call is made only where this holds; without a type: always
};

/// A condition on the state that a turn leaves.
using Assertion = std::shared_ptr<const Expression>;

struct Snippet {
  std::string name;
  std::int64_t weight = 1;
  std::int64_t times = 1;  ///< at most so often in a task
  bool first = false;      ///< only as the first turn, which is then one of these
  bool last = false;       ///< only as the last turn
  std::vector<Effect> draws;
  std::vector<Template> say;
  std::vector<GoldTemplate> gold;
  std::vector<Template> communicate;
  std::vector<Template> forbid;
  std::vector<Template> refuse;
  std::vector<Assertion> assertions;
};

struct GoldCall {
  std::string tool;
  Json arguments;
  bool optional = false;
};

/// One turn of a user, with concrete values.
struct UserTurn {
  std::string name;  ///< of its snippet
  std::string say;
  std::vector<std::string> adds = {};  ///< tools that come with it
  std::vector<GoldCall> gold = {};
  std::vector<Value> results = {};  ///< of the gold calls
  Value after;                      ///< the state when they have run
  std::vector<std::string> communicate = {};
  std::vector<std::string> forbid = {};
  std::vector<std::string> refuse = {};
  std::vector<Assertion> assertions = {};
  std::vector<Value> locals = {};  ///< of the assertions
  bool checked = true;  ///< false: nothing can be done here yet
};

struct TaskInstance {
  std::string id;
  Variant variant = Variant::base;
  Value initial;
  std::vector<UserTurn> turns;
  std::vector<std::string> withheld = {};  ///< tools that are not there at the start
};

struct FixedTurn {
  std::string say;
  std::vector<GoldCall> gold;
  std::vector<std::string> communicate;
  std::vector<std::string> forbid;
  std::vector<std::string> refuse;
  std::vector<Assertion> assertions;
};

struct FixedTask {
  std::string id;
  Value initial;
  std::vector<FixedTurn> turns;
};

/// An API with its tasks.
struct Pack {
  Api api;
  std::vector<Effect> world;
  std::vector<Effect> inflate;
  std::vector<Effect> common;
  std::pair<std::int64_t, std::int64_t> turns{1, 1};
  std::vector<Snippet> snippets;
  std::vector<FixedTask> tasks;
  std::vector<Basis> basis;
  std::int64_t leaks_max = 20;  ///< texts of the state that one message may hold unasked
};

/// Reads a whole API file. The reader keeps errors.
Pack read_pack(JsonObject& root);
Result<Pack> pack_from(const JsonDocument& document);

/// The task of a key. Null when the templates give none.
std::shared_ptr<const TaskInstance> draw_task(const Pack& pack, RandomKey key, Variant variant);
/// One task, written or drawn, without a variant.
std::shared_ptr<TaskInstance> draw_base_task(const Pack& pack, RandomKey key, bool inflated,
                                             bool with_words);
/// The same pack under other names.
void rename_tools(Pack& pack);
/// Runs the gold calls of a turn on a state and keeps results and the state after them. False
/// when one of them is refused.
bool run_gold(const Api& api, UserTurn& turn, Value& state);
/// Whether a turn's assertions hold of a state.
bool assertions_hold(const UserTurn& turn, const Value& state);

}  // namespace turnhalle::tool_api
