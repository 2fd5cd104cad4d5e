// Dialogue acts of simulated users.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace turnhalle::users {

enum class Act : std::uint8_t {
  inform,      ///< tells a slot that was asked for
  volunteer,   ///< tells one that was not
  correct,     ///< tells that a slot which was told has another value
  rectify,     ///< tells a slot about which it has said something wrong
  mistake,     ///< says something wrong about a slot that was not told
  contradict,  ///< says something wrong about one that was
  hint,        ///< names a slot that was not told, not its value
  reask,       ///< asks whether it has told a slot that was told
  deflect,     ///< dodges
  refuse,      ///< does not want to say
  counter,     ///< answers with a question
  dont_know,   ///< does not know yet
  clarify,     ///< asks what is meant
  unknown,     ///< has nothing to say
  doubt,       ///< does not believe an answer yet
  urge,        ///< wants it to go faster
  complain,    ///< about how it goes
  threaten,    ///< to go elsewhere, and stays
  tangent,     ///< speaks of something else
  nag,         ///< complains that this was ignored
  request,     ///< wants something that nothing satisfies
  insist,      ///< on it
  let_go,      ///< of it
  leave        ///< says goodbye
};

inline constexpr std::size_t kActs = static_cast<std::size_t>(Act::leave) + 1;

/// `slot` counts for the first eight; it is the tangent of a tangent and nag, and the number of a
/// request, insist and let_go.
struct Move {
  Act act = Act::unknown;
  std::size_t slot = 0;
  bool operator==(const Move&) const = default;
};

/// Whether the value of the move's slot is said, as it is.
inline bool tells(Act act) {
  return act == Act::inform || act == Act::volunteer || act == Act::correct || act == Act::rectify;
}
/// Whether a wrong value of the move's slot is said.
inline bool misleads(Act act) { return act == Act::mistake || act == Act::contradict; }
/// Whether the move is about a slot.
inline bool about_slot(Act act) {
  return tells(act) || misleads(act) || act == Act::hint || act == Act::reask;
}
/// Whether one of the moves is about this slot.
inline bool speaks_of(std::span<const Move> moves, std::size_t slot) {
  return std::any_of(moves.begin(), moves.end(), [slot](const Move& move) {
    return about_slot(move.act) && move.slot == slot;
  });
}
/// Whether it says only that there is nothing to answer.
inline bool empty_handed(Act act) {
  return act == Act::unknown || act == Act::clarify || act == Act::hint;
}

}  // namespace turnhalle::users
