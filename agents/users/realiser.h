// Puts a user's moves into words: templates by wording, then noise around protected words; and
// finds leaks.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agents/users/dialogue.h"

namespace turnhalle::users {

/// How a slot is called, and its value, in words. Without a name only the value is said.
struct SlotWords {
  std::string name;
  std::string value;
};

/// What is said instead of templates by a persona of plain wording that has nothing to say.
inline constexpr std::string_view kNothingFound = "No information found.";

/// The moves in the persona's words; deterministic in the key. Names and values of slots are
/// never changed by noise.
std::string realise(const Persona& persona, std::span<const Move> moves,
                    const std::function<SlotWords(std::size_t)>& words, RandomKey key);

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
