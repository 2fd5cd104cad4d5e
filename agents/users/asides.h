// What a user says beside the matter: it loses its temper, digresses, wants what cannot be had.
//
// None of it tells a slot or keeps one from being told, so that it never changes what can be
// achieved. Chance is drawn from (task, persona, trial, question) like that of a dialogue.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "agents/users/move.h"
#include "agents/users/persona.h"
#include "core/bytes.h"
#include "core/rng.h"

namespace turnhalle::users {

/// What tangents are about. A reply that names the subject answers the tangent.
inline constexpr std::array<std::string_view, 6> kSubjects = {
    "chess", "comets", "knitting", "volcanoes", "astrology", "crosswords"};
/// A question of fact, one of opinion, an opinion, and a statement.
inline constexpr std::size_t kTangentKinds = 4;
/// Tangents are numbered 0 … kTangents-1.
inline constexpr std::size_t kTangents = kSubjects.size() * kTangentKinds;
inline std::string_view subject_of(std::size_t tangent) {
  return kSubjects[tangent / kTangentKinds];
}

class Asides {
 public:
  /// The persona must outlive it.
  explicit Asides(const Persona& persona) : persona_(&persona) {}

  /// A new talk.
  void begin(RandomKey key);
  /// The agent's words, before the question that they hold.
  void hears(std::string_view text);
  /// Adds what comes on top of the answer to question 1, 2, …; `wasted` when the question could
  /// bring nothing new.
  void add(std::int64_t question, bool wasted, std::vector<Move>& moves);

  void snapshot(ByteWriter& out) const;
  /// False when the bytes are of no such talk.
  bool restore(ByteReader& in, RandomKey key);

 private:
  bool remembers() const;
  void vent(double draw, std::vector<Move>& moves);
  void request(std::int64_t question, std::vector<Move>& moves) const;

  const Persona* persona_;
  RandomKey key_;
  std::int64_t outbursts_ = 0;
  std::size_t pending_ = kTangents;  ///< the tangent that was not answered yet; kTangents for none
  bool answered_ = false;            ///< whether the agent's last words answered one
};

}  // namespace turnhalle::users
