// Stateful tool APIs: a user asks, turn by turn, for things that take calls of tools.
//
// Rules    The world is a typed state behind tools that read and change it (machine.h). In each
//          turn the user says something; the agent calls tools as often as it likes and ends the
//          turn with a reply that the user reads. Then the user goes on, until the last turn.
// Hidden   The state, which only the tools show, and what each turn is checked by. Tasks of a
//          lifecycle have nothing in common but the API.
// Action   Tool calls of the reply, or in its text
//          <tool_call>{"name": …, "arguments": {…}}</tool_call>, at most 16 of them; a reply
//          without a call ends the turn. Calls of one reply run side by side under a scenario's
//          latencies, and each meets faults on its own. What is said beside calls is not read.
// Observe  Results by id, as JSON; a refused call gives {error, code, hint}. At the end of a turn
//          the user's next words.
// Reward   success: 1 when each turn passed its checks (checker.h), else 0, at the end. progress:
//          the share of turns that passed, as they end. credit: 1 for success, else 0.9 × the mean
//          over the gold calls of 1 for a call that was made and 0.3 for its tool alone.
// Ends     After the last turn (done), too many calls in one turn (truncated).
// Options  pack: the name of a pack that comes with the program or the path of an API file, or
//          api: one inline; variants ["base"]; reward success|progress|credit (success);
//          hints (true): errors say what to try; user_tools agent|user (agent): whether the agent
//          asks for the user's tools like for its own, or another seat calls them;
//          calls_per_turn 1..200 (30); turns 1..1000 (60): replies of an episode
// Expert   Makes the gold calls, reading calls side by side, and says what is to be said: 1.0.
//          Uses hidden state. Other players: random (some call or the end of the turn), nothing
//          (ends every turn), spam (pours out the state), transfer (hands over to a person).
// Source   The checks of BFCL's multi-turn part, arXiv 2402.15671, and of tau2-bench, arXiv
//          2506.07982; progress as in Environment Tuning, arXiv 2510.10197.
// Differs  APIs, tasks and wording are ours. Users are scripted; they follow their script whatever
//          the agent says. State is checked in every turn in which something can be done.
#pragma once

#include <cstdint>
#include <vector>

#include "core/registry.h"
#include "envs/tool_api/tasks.h"

namespace turnhalle::tool_api {

enum class RewardKind : std::uint8_t { success, progress, credit };
enum class UserTools : std::uint8_t { agent, user };

struct Options {
  std::vector<Variant> variants = {Variant::base};  ///< each task draws one
  RewardKind reward = RewardKind::success;
  bool hints = true;
  UserTools user_tools = UserTools::agent;
  std::int64_t calls_per_turn = 30;
  std::int64_t turns = 60;
};

/// The registry's entry.
EnvironmentEntry entry();

/// Names of the packs that come with the program, sorted.
std::vector<std::string> pack_names();
/// The text of one of them; empty when there is none.
std::string_view pack_text(std::string_view name);

}  // namespace turnhalle::tool_api
