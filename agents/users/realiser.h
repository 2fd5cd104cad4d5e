// Puts a user's moves into words: sentences by lexis and wording, as many as the persona's length
// allows, then noise around protected words; and finds leaks.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agents/users/move.h"
#include "agents/users/persona.h"
#include "core/rng.h"

namespace turnhalle::users {

/// How a slot is called, and its value, in words. Without a name only the value is said.
struct SlotWords {
  std::string name;
  std::string value;
};

/// What is said instead of templates by a persona of plain wording that has nothing to say.
inline constexpr std::string_view kNothingFound = "No information found.";

/// The moves in the persona's words; deterministic in the key. `words` are those of a move about
/// a slot, which may be wrong ones. Names and values of slots are never changed by noise, and what
/// is said of a slot's value is never left out, whatever the limits of length. `breaks_off`: the
/// message ends early.
std::string realise(const Persona& persona, std::span<const Move> moves,
                    const std::function<SlotWords(const Move&)>& words, RandomKey key,
                    bool breaks_off = false);

/// A text of the user with the label of its role before it.
std::string labelled(const Protocol& protocol, std::string_view text);

/// A piece of a text; a fixed one is left as it is by noise.
struct Piece {
  std::string text;
  bool fixed = false;
};
/// The pieces as one text, with the persona's noise on those that are not fixed.
std::string with_noise(const Noise& noise, std::span<const Piece> pieces, RandomKey key);

/// The first of the values that stands in the text as whole words, case aside: nothing that was
/// not told may.
std::optional<std::size_t> leaked(std::string_view text, std::span<const std::string> values);

}  // namespace turnhalle::users
