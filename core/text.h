// Small text helpers: numbers, splitting, names that are near each other, UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace turnhalle {

/// How much of a text is shown inside a message.
inline constexpr std::size_t kShownBytesMax = 60;

/// Shortest text that reads back as the same double ("0.1", "1e-09"); "inf" and "nan" as such.
std::string shortest(double value);
/// Appends an integer's decimal digits.
void append_number(std::string& out, std::int64_t value);
/// "a, b, c".
std::string join(std::span<const std::string> parts, std::string_view separator);
/// The whole text as an integer or a finite double; false, and `value` untouched, when anything
/// else is in it or the number does not fit.
bool parse_integer(std::string_view text, std::int64_t& value);
bool parse_double(std::string_view text, double& value);
/// Without leading and trailing ASCII white space.
std::string_view trim(std::string_view text);
/// The candidate with the fewest edits to `name`, if it is near enough to be meant; else "".
/// Near: Damerau-Levenshtein distance of at most a third of the name (at least 1), or one name
/// contains the other. Case and the kind of dash do not count; among equals the first wins.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);
/// ` Did you mean "x"?` or nothing.
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);
/// How many bytes from the front are well-formed UTF-8.
std::size_t utf8_prefix(std::string_view bytes);
/// Whether the bytes are well-formed UTF-8 (no overlong forms, no surrogates).
bool is_utf8(std::string_view bytes);
/// The same bytes with each ill-formed byte replaced by U+FFFD.
std::string to_utf8(std::string_view bytes);
/// Appends one character; `code` is a Unicode scalar value.
void append_utf8(std::string& out, char32_t code);
/// ASCII letters, digits and '_': what a word or a name consists of.
bool is_word_character(char c);
/// Safe to print inside a message: control, bidirectional and zero-width characters become \uXXXX
/// escapes, ill-formed bytes U+FFFD. The result has no line break.
std::string one_line(std::string_view text);
/// At most `bytes_max` bytes of well-formed UTF-8, cut between characters, with "…" where cut.
std::string shortened(std::string_view text, std::size_t bytes_max);
/// The text in double quotes as it is shown in a message: one line, shortened.
std::string in_quotes(std::string_view text);
/// Lower-case hexadecimal digits of bytes.
std::string hex(std::string_view bytes);

/// The text strictly between `open` and `close`. Accepted only when each occurs exactly once and
/// in that order (Connect the Dots, code of the paper: shared parsing rule); else false.
bool between_tags(std::string_view text, std::string_view open, std::string_view close,
                  std::string_view& inside);

}  // namespace turnhalle
