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
// The interface is that of UserRL, arXiv 2509.19736 (one tool with a choice and a content). There
// users are language models; here they follow rules, so that every answer is exact and a replay
// needs nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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
  UserGym(PromptStyle style, std::int64_t turns_max) : style_(style), turns_max_(turns_max) {}

  StepResult step(Seat, const AgentReply& reply, Scheduler&) final;

  std::int64_t turns() const { return turns_; }
  std::int64_t turns_max() const { return turns_max_; }
  PromptStyle style() const { return style_; }

 protected:
  bool compact() const { return style_ == PromptStyle::compact; }
  /// A new episode begins.
  void begin();
  /// Whether the gym offers this one of action, search and answer.
  virtual bool offers(Choice choice) const = 0;
  /// Plays a choice that is offered: sets observation and reward, and outcome_ when it ends the
  /// episode.
  virtual void act(const GymReply& reply, StepResult& result) = 0;

  void write_progress(ByteWriter& out) const;
  /// False when the bytes are no progress of such a gym.
  bool read_progress(ByteReader& in);

 private:
  std::string how_to_write() const;
  PromptStyle style_;
  std::int64_t turns_max_;
  std::int64_t turns_ = 0;
};

/// What the compact style of every gym says when nothing was learned. It is also what InfoPO puts
/// in the place of feedback, so a small policy knows these words.
inline constexpr std::string_view kNothingFound = "No information found.";

/// The pieces of compact text that all gyms share.
std::vector<std::string> common_pieces();
/// What a gym tells the lifecycle: `pieces` come on top of the common ones.
ContextWords gym_words(PromptStyle style, const std::vector<std::string>& pieces,
                       const std::vector<std::string>& stops);

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
