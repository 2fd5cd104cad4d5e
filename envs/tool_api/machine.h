// A stateful API out of JSON: a typed state, tools, effects, invariants.
//
//   {"kind": "api", "version": 1, "name": "tickets",
//    "types":         {"Ticket": {"title": "string", "priority": "int", "open": "bool"}},
//    "state":         {"tickets": "map<Ticket>", "next": "int", "clock": "int"},
//    "constants":     {"limit": 5},
//    "functions":     [{"name": "is_open", "params": [{"name": "id", "type": "string"}],
//                       "is": "id in state.tickets and state.tickets[id].open"}],
//    "initial_state": {"tickets": {}, "next": 1, "clock": 0},
//    "invariants":    [{"that": "state.next > 0", "text": "the counter stays positive"}],
//    "log_fields":    ["clock"],  "unordered": ["tickets.*.tags"],  "float_tol": 1e-6,
//    "tools": [{"name": "close_ticket", "kind": "WRITE", "side": "agent",
//               "description": "Closes a ticket.",
//               "params":  [{"name": "id", "type": "string"}],
//               "pre":     [{"that": "id in state.tickets", "error": "No ticket {id}.",
//                            "code": "not_found", "hint": "List the tickets first."},
//                           {"let": "ticket", "be": "state.tickets[id]"}],
//               "effects": [{"set": "state.tickets[id].open", "to": "false"}],
//               "returns": "{id: id, open: false}"}]}
//
// Effects  set … to; insert … key … value (a new key); erase … key (or a list's position);
//          append … value; inc … by; let … be; draw … from (a list) or low, high (both included);
//          if … then … else; for_each … in … do. Draws of tools come out of state.random, a record
//          {seed, counter}: chance is part of the state, and so is the clock.
// A call either has all its effects or none. It changes nothing where a precondition fails, an
// expression has no value or an invariant would break; the answer is then {error, code, hint}.
// Kinds    READ changes nothing (and may have no effects), WRITE does, GENERIC is neither.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json_reader.h"
#include "core/rng.h"
#include "envs/tool_api/compare.h"
#include "envs/tool_api/expr.h"

namespace turnhalle::tool_api {

enum class ToolKind : std::uint8_t { read, write, generic };
enum class Side : std::uint8_t { agent, user };
std::string_view name_of(ToolKind kind);

struct Parameter {
  std::string name;
  std::string description;
  TypeRef type;
  bool required = true;
  Value fallback;                  ///< when it is not required
  std::vector<Value> one_of = {};  ///< empty: anything
  std::optional<double> low;       ///< of a number, or of a text's length
  std::optional<double> high;
  std::string pattern;  ///< of a string: # digit, @ letter, ? any character, * any text; "": none
};

/// One entry of "pre": a condition with its error, or a local.
struct Condition {
  bool is_let = false;
  Expression expression;
  Template message;
  std::string code;
  Template hint;
};

struct Effect {
  enum class Kind : std::uint8_t {
    set,
    insert,
    erase,
    append,
    increase,
    let,
    draw_from,
    draw_between,
    require,
    choose,
    for_each
  };
  Kind kind = Kind::let;
  Expression path;   ///< what is changed
  Expression key;    ///< insert, erase; the lower bound of a draw
  Expression value;  ///< what is put there; a list; a condition; the upper bound of a draw
  std::vector<Effect> then = {};
  std::vector<Effect> otherwise = {};
};

struct Tool {
  std::string name;
  std::string description;
  ToolKind kind = ToolKind::read;
  Side side = Side::agent;
  std::vector<Parameter> parameters;
  std::vector<Condition> conditions;
  std::vector<Effect> effects;
  Expression returns;
  std::int64_t locals = 0;  ///< parameters and locals of conditions
};

struct Invariant {
  Expression that;
  std::string text;
};

struct Api {
  std::string name;
  std::string summary;
  std::string policy;  ///< rules for the agent, part of its prompt
  TypeRef state;
  Value constants;
  std::vector<std::shared_ptr<const Function>> functions;
  Value initial_state;
  std::vector<Invariant> invariants;
  CompareRules rules;
  std::vector<Tool> tools;

  Scope scope() const { return {state, constants, {}, functions}; }
  /// Null when there is none.
  const Tool* find(std::string_view tool) const;
};

/// Reads the parts above out of the API's object; others (tasks.h) may read more keys before
/// finish(). Errors stay in the object's reader.
Api read_api(JsonObject& root);

// Pieces of reading that tasks use too.
Expression read_expression(JsonObject& object, std::string_view key, const Scope& scope);
Template read_template(JsonObject& object, std::string_view key, const Scope& scope);
/// Reads effects; locals that they make are added to the scope. `draws_from_state`: draws need
/// state.random.
std::vector<Effect> read_effects(JsonObject& parent, std::string_view key, Scope& scope,
                                 bool draws_from_state, bool required = true);

/// What a call brought about.
struct CallAnswer {
  bool ok = true;
  Value value;       ///< the result, or {error, code, hint}
  std::string code;  ///< of an error
  std::int64_t condition = -1;  ///< which of the tool's conditions failed, if one did
};

struct CallOptions {
  bool hints = true;         ///< errors say what to try
  bool first_effect = false;  ///< only the first effect takes place, and nothing else is checked
};

/// Checks arguments (an object) against the parameters: the values in their order, or an error.
CallAnswer bind_arguments(const Tool& tool, const Json& arguments, std::vector<Value>& values);
/// Runs a call on a state with bound arguments.
CallAnswer run_tool(const Api& api, const Tool& tool, std::vector<Value> values, Value& state,
                    const CallOptions& options = {});
/// Both.
CallAnswer call_tool(const Api& api, const Tool& tool, const Json& arguments, Value& state,
                     const CallOptions& options = {});
/// The name of an argument that could be meant, in an error for an unknown tool.
CallAnswer unknown_tool(std::string_view name, const std::vector<std::string>& known);

/// Runs effects on a state; draws come from `random`, or from state.random where that is null.
/// False, with evaluation.fault, when one of them has no value or a requirement fails; the state
/// is then half changed. The evaluation's locals keep what the effects made.
bool run_effects(const std::vector<Effect>& effects, Evaluation& evaluation, Value& state,
                 Random* random);

}  // namespace turnhalle::tool_api
