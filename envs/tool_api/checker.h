// Whether a turn was done right, and how far a task got.
//
//   state        the state is that which the gold calls leave (CompareRules say what counts)
//   responses    the gold calls' results are among the results of this episode so far, each as
//                often as in the turn (BFCL's containment); order and extra reads are free
//   actions      each gold call was made in this episode, with the same arguments
//   communicate  the reply to the user holds each required text, as whole words; case and commas
//                inside numbers do not count
//   forbidden    it holds none of the forbidden ones, and does not pour out the state: at most
//                `leaks_max` of the state's texts that nobody asked for
//   refusal      it holds one of the words of refusing, where the turn is to be refused
//   assertions   the turn's conditions hold of the state
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "envs/tool_api/tasks.h"

namespace turnhalle::tool_api {

/// A call as it was made. Hashes stand for canonical texts.
struct CallRecord {
  std::uint64_t call = 0;    ///< of name and arguments
  std::uint64_t name = 0;
  std::uint64_t result = 0;  ///< 0: it was refused
  std::int64_t turn = 0;     ///< of the user
};

std::uint64_t hash_of(std::string_view text);
/// Of a name and arguments (bound, so that defaults and spellings do not count).
std::uint64_t hash_of_call(const Tool& tool, const std::vector<Value>& arguments);

/// What the agent did until the end of a turn of the user.
struct TurnView {
  const Value& state;
  std::span<const CallRecord> calls;  ///< of the episode
  std::string_view said;              ///< to the user, at the end of the turn
};

/// What failed, in the order of kBasisNames; empty: nothing.
struct TurnScore {
  std::vector<Basis> failed;
  bool passed() const { return failed.empty(); }
};

TurnScore check_turn(const Pack& pack, const UserTurn& turn, const TurnView& view);

/// Whether `text` holds `wanted` as whole words: "7" is not in "17" or "7.5".
bool holds_words(std::string_view text, std::string_view wanted);
/// How many different texts of the state stand in `said` that are not in `allowed`.
std::int64_t count_leaks(const Value& state, std::string_view said, const std::string& allowed);

/// Partial credit of a task in 0 … 1: the mean over its gold calls of 1 when it was made, 0.3 when
/// only its tool was called, else 0 (0.7 exact + 0.3 name).
double call_credit(const Api& api, const TaskInstance& task, std::span<const CallRecord> calls);

}  // namespace turnhalle::tool_api
