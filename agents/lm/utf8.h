// UTF-8 one character at a time, and the alphabet that byte-level vocabularies are written in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace turnhalle::lm {

/// A code point and the bytes it takes; length 0 when the bytes are not well-formed UTF-8.
struct Utf8Char {
  char32_t code = 0;
  std::size_t length = 0;
};

/// The character at `at` < text.size(); overlong forms, surrogates and cut ones have length 0.
inline Utf8Char utf8_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[at + i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) {
    return {first, 1};
  }
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + length > text.size()) {
    return {};
  }
  char32_t code = first & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0u) != 0x80) {
      return {};
    }
    code = (code << 6) | (byte(i) & 0x3Fu);
  }
  constexpr std::array<char32_t, 5> smallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < smallest[length] || code > 0x10FFFF || surrogate) {
    return {};
  }
  return {code, length};
}

/// Appends a code point below 0x110000 that is not a surrogate.
inline void append_utf8(std::string& out, char32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  const int extra = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr std::array<std::uint8_t, 4> lead = {0, 0xC0, 0xE0, 0xF0};
  const auto lead_bits = static_cast<std::uint8_t>(code >> (6 * extra));
  out += static_cast<char>(lead[static_cast<std::size_t>(extra)] | lead_bits);
  for (int i = extra - 1; i >= 0; --i) {
    out += static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F));
  }
}

/// Byte-level vocabularies write each byte as a printable character: the printable bytes of
/// Latin-1 as themselves, the other 68 in ascending order as U+0100, U+0101, … (GPT-2).
constexpr std::array<char32_t, 256> byte_alphabet() {
  std::array<char32_t, 256> alphabet{};
  char32_t next = 0x100;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) ||
                           (byte >= 0xAE && byte <= 0xFF);
    alphabet[byte] = printable ? static_cast<char32_t>(byte) : next++;
  }
  return alphabet;
}

/// Appends bytes in that alphabet.
inline void append_in_byte_alphabet(std::string& out, std::string_view bytes) {
  static constexpr std::array<char32_t, 256> alphabet = byte_alphabet();
  for (const char byte : bytes) {
    append_utf8(out, alphabet[static_cast<std::uint8_t>(byte)]);
  }
}

/// The bytes that a text in that alphabet stands for; false when it has another character.
inline bool from_byte_alphabet(std::string_view text, std::string& bytes) {
  static constexpr std::array<char32_t, 256> alphabet = byte_alphabet();
  bytes.clear();
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = utf8_at(text, at);
    std::size_t byte = c.code < 0x100 ? c.code : 0;
    while (byte < 256 && alphabet[byte] != c.code) {
      ++byte;
    }
    if (c.length == 0 || byte == 256) {
      return false;
    }
    bytes += static_cast<char>(byte);
    at += c.length;
  }
  return true;
}

}  // namespace turnhalle::lm
