// What the gyms of simulated users have in common: how a reply is read, turns, endings, players.
//
// An agent and a user take turns. A reply holds exactly one of the markers
//     [action] text    says or asks something
//     [search] text    looks something up
//     [answer] text    commits to a solution
//     [finish]         stops here
// in lower case; the text goes on to the end of the reply, and what stands before the marker is
// thinking, which nobody reads. A gym offers some of the first three. Anything else costs its
// turn and is answered with how to write.
//
// The user is a persona (agents/users/persona.h, option persona): it may dodge, add, change its
// mind, doubt an answer until it is repeated, or leave. What it has said wrongly it puts right
// before it judges an answer, which has to be given again. In style compact its wording, its noise
// and what it says beside the matter make no difference, since text is made of pieces.
//
// The interface is that of UserRL, arXiv 2509.19736 (one tool with a choice and a content). There
// users are language models; here they follow rules, so that every answer is exact and a replay
// needs nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agents/users/dialogue.h"
#include "agents/users/realiser.h"
#include "core/env.h"
#include "envs/untimed_environment.h"

namespace turnhalle::user_gyms {

enum class Choice : std::uint8_t { action, search, answer, finish, unreadable };

/// A view into the reply.
struct GymReply {
  Choice choice = Choice::unreadable;
  std::string_view content;  ///< trimmed
};
GymReply read_reply(std::string_view reply);

/// The marker of a choice that can be read, "[action]".
std::string_view marker_of(Choice choice);

/// The runs of ASCII letters of a text, in lower case and in order; at most the first 400.
std::vector<std::string> words_of(std::string_view text);

/// A gym's user in either style: counts turns and ends what has had all of them.
class UserGym : public UntimedEnvironment {
 public:
  /// The persona must outlive it.
  UserGym(PromptStyle style, std::int64_t turns_max, const users::Persona& persona)
      : style_(style), turns_max_(turns_max), user_(persona) {}

  StepResult step(Seat, const AgentReply& reply, Scheduler&) final;

  std::int64_t turns() const { return turns_; }
  std::int64_t turns_max() const { return turns_max_; }
  const users::Dialogue& user() const { return user_; }

 protected:
  bool compact() const { return style_ == PromptStyle::compact; }
  /// A new episode begins, with a user who can tell these slots.
  void begin(const Task& task, users::Slots slots);
  /// The user is asked about slots: what it does, after any change of mind.
  std::vector<users::Move> ask_user(const std::set<std::size_t>& asked);
  /// The user tells the next thing by itself; says unknown where all is told.
  std::vector<users::Move> volunteer_one() { return user_.volunteer_one(); }
  /// The moves of the last question in words.
  std::string in_words(std::span<const users::Move> moves) const;
  /// What a move about a slot says.
  users::SlotWords words_of_move(const users::Move& move) const;
  /// A slot's name and its value as it is.
  virtual users::SlotWords slot_words(std::size_t slot) const = 0;
  /// The same with another value, for a user who is mistaken; of slots that have other values.
  virtual users::SlotWords wrong_words(std::size_t slot, RandomKey) const {
    return slot_words(slot);
  }
  /// Puts right what was said wrongly before the user ends the talk by itself.
  std::vector<users::Move> settle() { return user_.settle(); }
  /// What the compact style says for a value.
  virtual std::string piece_of(const std::string& value) const { return " " + value; }
  /// The user changes its mind about a slot.
  virtual void change(std::size_t, RandomKey) {}
  /// So that the same slot can be asked for anew.
  void forget(std::size_t slot) { user_.forget(slot); }
  /// Whether the gym offers this one of action, search and answer.
  virtual bool offers(Choice choice) const = 0;
  /// Plays a choice that is offered: sets observation and reward, and outcome_ when it ends the
  /// episode.
  virtual void act(const GymReply& reply, StepResult& result) = 0;

  void write_progress(ByteWriter& out) const;
  /// False when the bytes are no progress of such a gym.
  bool read_progress(ByteReader& in);
  /// Whether the talk that was read is about so many slots, as every talk of an episode is.
  bool talks_about(std::size_t slots) const;

 private:
  std::string how_to_write() const;
  void play(const GymReply& read, StepResult& result);
  /// The user's reply to an answer that it does not judge yet; nothing where it does.
  std::optional<std::string> holds_back(std::string_view answer);
  PromptStyle style_;
  std::int64_t turns_max_;
  std::int64_t turns_ = 0;
  users::Dialogue user_;
};

/// What the compact style of every gym says when nothing was learned. It is also what InfoPO puts
/// in the place of feedback, so a small policy knows these words.
using users::kNothingFound;

/// The pieces of compact text that all gyms share.
std::vector<std::string> common_pieces();
/// What a gym tells the lifecycle: `pieces` come on top of the common ones.
ContextWords gym_words(PromptStyle style, const std::vector<std::string>& pieces,
                       const std::vector<std::string>& stops);

/// The same for a gym that has the long wording only: no pieces in either style.
ContextWords wordy_context(PromptStyle style);

/// A player of a gym: nothing is carried from task to task.
class GymPlayer : public Player {
 public:
  explicit GymPlayer(PromptStyle style) : style_(style) {}
  std::string play(const PlayerView& view, RandomKey key) final;

 protected:
  virtual std::string move(const PlayerView& view, Random& random) = 0;
  bool compact() const { return style_ == PromptStyle::compact; }

 private:
  PromptStyle style_;
};

}  // namespace turnhalle::user_gyms
