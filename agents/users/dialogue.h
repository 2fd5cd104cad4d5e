// What a simulated user does: which things it tells, dodges, changes, when it leaves. No words.
//
// The things that a user can tell are slots 0, 1, …. A question is about some of them. Chance is
// drawn from (task, persona, trial, question), never from what the agent samples, so that
// rollouts of one task meet the same user.
//
// A slot is told once its right value was said. A wrong one leaves an obligation: it is put right
// some questions later, when it is asked for again, before an answer is judged, or before the
// user leaves, whichever comes first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "agents/users/asides.h"
#include "agents/users/move.h"
#include "agents/users/persona.h"
#include "core/bytes.h"
#include "core/rng.h"

namespace turnhalle::users {

/// What the gym's slots are like.
struct Slots {
  std::size_t count = 0;
  /// Whether all of them are needed, so that a user may tell them unasked, and has told
  /// everything when all are told. Else only questions are answered, and nobody leaves.
  bool needed = false;
  /// Whether they have other values, so that the user may change its mind about them or be
  /// mistaken; only where they are needed.
  bool changeable = true;
  /// Whether asking is what counts, so that the user hears it out and does not leave early.
  bool asking_counts = false;
};

class Dialogue {
 public:
  /// The persona must outlive it.
  explicit Dialogue(const Persona& persona) : persona_(&persona), asides_(persona) {}

  /// A new talk; `key` is of the task and the trial.
  void begin(Slots slots, RandomKey key);
  /// The agent's words, before the question or answer that they hold.
  void hears(std::string_view text) { asides_.hears(text); }
  /// The next question is about these slots; empty where it is about nothing the user knows. At
  /// least one move, and those about slots first. When drifted() changes, the gym gives slot
  /// drifted_slot() another value before it words the moves.
  std::vector<Move> ask(const std::set<std::size_t>& asked);
  /// In the current question, it tells the first slot that was not told; unknown where all are.
  std::vector<Move> volunteer_one();
  /// Whether something wrong was said and not put right yet.
  bool owes() const;
  /// Puts right all that was said wrongly.
  std::vector<Move> settle();
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
  /// The key of what is said wrongly about a slot: the same throughout the talk.
  RandomKey mistake_key(std::size_t slot) const;
  /// Whether the message that answers the current question ends early.
  bool breaks_off() const { return breaks_off_; }

  void snapshot(ByteWriter& out) const;
  /// False when the bytes are of no talk about as many slots.
  bool restore(ByteReader& in);

 private:
  std::vector<Move> respond(const std::set<std::size_t>& asked, Random& random);
  /// What the slot's question brings: inform, or how it is dodged.
  Act reaction(std::size_t slot, Random& random);
  void answer(const std::set<std::size_t>& asked, std::vector<Move>& moves, Random& random);
  void answer_vaguely(std::vector<Move>& moves);
  void drift(std::vector<Move>& moves, Random& random);
  void put_right(std::vector<Move>& moves);
  void misremember(std::vector<Move>& moves);
  /// Says a slot by this act, or wrongly, or puts it right.
  void tell(std::vector<Move>& moves, Act act, std::size_t slot);
  void tell_rightly(std::vector<Move>& moves, Act act, std::size_t slot);
  void leave(std::vector<Move>& moves);
  bool errs(std::size_t slot) const;
  /// The first slot about which nothing was said; the count of slots where there is none.
  std::size_t next_unsaid() const;
  bool is_new(const std::set<std::size_t>& asked) const;
  bool runs_out_of_patience(Random& random) const;
  bool leaves_early(const std::vector<Move>& moves) const;
  void write_axes(ByteWriter& out) const;
  bool read_axes(ByteReader& in);
  RandomKey question_key(std::string_view purpose) const;

  const Persona* persona_;
  Asides asides_;
  Slots slots_;
  RandomKey key_;
  std::int64_t questions_ = 0;
  std::vector<std::uint8_t> asked_;  ///< how often, per slot
  std::vector<std::uint8_t> told_;
  std::vector<std::uint8_t> dodged_;
  std::vector<std::uint8_t> owed_;  ///< questions until it is put right; 0: nothing wrong was said
  bool left_ = false;
  bool drifted_ = false;
  bool breaks_off_ = false;
  std::size_t drifted_slot_ = 0;
  std::uint64_t answer_ = 0;  ///< hash of the last one
  std::int64_t doubts_ = 0;   ///< about it
};

}  // namespace turnhalle::users
