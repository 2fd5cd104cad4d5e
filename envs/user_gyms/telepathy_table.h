// What the user of telepathy_gym knows: things, and what is true of each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace turnhalle::user_gyms {

enum class Truth : std::uint8_t { no, maybe, yes, unknown };

/// A property, by its name; a question about it holds one of the words.
struct Property {
  std::string_view name;
  std::string_view question;  ///< "Is it alive?"
  std::string_view words;     ///< with blanks between
};

std::size_t property_count();
const Property& property(std::size_t index);

/// The things, in alphabetical order.
std::size_t entity_count();
const std::string& entity_name(std::size_t index);

/// Never unknown.
Truth truth_of(std::size_t entity, std::size_t property);

/// What a text asks about: one property, or one thing ("is it an owl?"), or nothing that the user
/// understands: more than one, none, or a question with "not" in it.
struct Question {
  enum class Kind : std::uint8_t { unclear, property, entity };
  Kind kind = Kind::unclear;
  std::size_t index = 0;
  bool operator==(const Question&) const = default;
};
Question read_question(std::string_view text);
/// What the user answers who thinks of the thing.
Truth truth_of(std::size_t entity, const Question& question);
/// The only thing that a text names.
std::optional<std::size_t> entity_named(std::string_view text);

}  // namespace turnhalle::user_gyms
