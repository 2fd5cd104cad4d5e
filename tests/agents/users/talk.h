// Personas from text, talks with them, and words for two slots.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agents/users/dialogue.h"
#include "agents/users/persona.h"
#include "agents/users/realiser.h"
#include "core/json.h"

namespace turnhalle::users {

using Moves = std::vector<Move>;

inline Result<Persona> read(const std::string& text) {
  return persona_from(*parse_json(text, "user.json"));
}

/// `axes` without braces; empty for the plain user.
inline Persona persona_with(const std::string& axes) {
  const std::string more = axes.empty() ? "" : "," + axes;
  return read("{\"kind\":\"user\",\"version\":1,\"name\":\"x\"" + more + "}").value();
}

inline Dialogue talk(const Persona& persona, Slots slots, std::uint64_t seed = 1) {
  Dialogue dialogue(persona);
  dialogue.begin(slots, RandomKey::from_seed(seed));
  return dialogue;
}

inline Dialogue talk(const Persona& persona, std::size_t slots, std::uint64_t seed = 1,
                     bool needed = true) {
  return talk(persona, Slots{slots, needed}, seed);
}

inline std::string bytes_of(const Dialogue& dialogue) {
  std::string bytes;
  ByteWriter out(bytes);
  dialogue.snapshot(out);
  return bytes;
}

inline SlotWords words_of(const Move& move) {
  static const std::vector<SlotWords> kWords = {{"date", "Friday"}, {"colour", "sea green"}};
  static const std::vector<SlotWords> kWrong = {{"date", "Sunday"}, {"colour", "pale pink"}};
  return misleads(move.act) ? kWrong[move.slot] : kWords[move.slot];
}

}  // namespace turnhalle::users
