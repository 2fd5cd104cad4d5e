// What a simulated user does: which things it tells, dodges, changes, when it leaves. No words.
//
// The things that a user can tell are slots 0, 1, …. A question is about some of them. Chance is
// drawn from (task, persona, trial, question), never from what the agent samples, so that
// rollouts of one task meet the same user.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "agents/users/persona.h"
#include "core/bytes.h"
#include "core/rng.h"

namespace turnhalle::users {

enum class Act : std::uint8_t {
  inform,     ///< tells a slot that was asked for
  volunteer,  ///< tells one that was not
  correct,    ///< tells that a slot which was told has another value
  deflect,    ///< dodges
  unknown,    ///< has nothing to say
  doubt,      ///< does not believe an answer yet
  leave       ///< says goodbye
};

/// `slot` counts for the first three.
struct Move {
  Act act = Act::unknown;
  std::size_t slot = 0;
  bool operator==(const Move&) const = default;
};

/// What the gym's slots are like.
struct Slots {
  std::size_t count = 0;
  /// Whether all of them are needed, so that a user may tell them unasked, and has told
  /// everything when all are told. Else only questions are answered, and nobody leaves.
  bool needed = false;
  /// Whether the user may change its mind about them; only where they are needed.
  bool changeable = true;
};

class Dialogue {
 public:
  /// The persona must outlive it.
  explicit Dialogue(const Persona& persona) : persona_(&persona) {}

  /// A new talk; `key` is of the task and the trial.
  void begin(Slots slots, RandomKey key);
  /// The next question is about these slots; empty where it is about nothing the user knows. At
  /// least one move. When drifted() changes, the gym gives slot drifted_slot() another value
  /// before it words the moves.
  std::vector<Move> ask(const std::set<std::size_t>& asked);
  /// In the current question, it tells the first slot that was not told; unknown where all are.
  std::vector<Move> volunteer_one();
  /// The agent commits to an answer: whether it is to be judged, or doubted first.
  bool accepts(std::string_view answer);
  /// The same question may be asked anew and with a new value: as if it had never been told.
  void forget(std::size_t slot);

  std::size_t slots() const { return slots_.count; }
  bool told(std::size_t slot) const { return told_[slot] != 0; }
  bool told_all() const;
  bool left() const { return left_; }
  bool drifted() const { return drifted_; }
  std::size_t drifted_slot() const { return drifted_slot_; }
  std::int64_t questions() const { return questions_; }
  const Persona& persona() const { return *persona_; }
  /// The key of the current question's words.
  RandomKey words_key() const;

  void snapshot(ByteWriter& out) const;
  /// False when the bytes are of no talk about as many slots.
  bool restore(ByteReader& in);

 private:
  std::vector<Move> respond(const std::set<std::size_t>& asked, Random& random);
  bool tells(std::size_t slot, Random& random);
  void drift(std::vector<Move>& moves, Random& random);
  void tell(std::vector<Move>& moves, Act act, std::size_t slot);
  /// The first slot that was not told; the count of slots where there is none.
  std::size_t next_untold() const;
  bool runs_out_of_patience(Random& random) const;

  const Persona* persona_;
  Slots slots_;
  RandomKey key_;
  std::int64_t questions_ = 0;
  std::vector<std::uint8_t> asked_;  ///< how often, per slot
  std::vector<std::uint8_t> told_;
  std::vector<std::uint8_t> dodged_;
  bool left_ = false;
  bool drifted_ = false;
  std::size_t drifted_slot_ = 0;
  std::uint64_t answer_ = 0;  ///< hash of the last one
  std::int64_t doubts_ = 0;   ///< about it
};

}  // namespace turnhalle::users
