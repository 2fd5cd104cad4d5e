#include "core/store_text_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "core/text.h"

namespace turnhalle {
namespace {

constexpr std::size_t kSlotsMin = 64;
constexpr char kDigits[] = "0123456789abcdef";

std::uint64_t word_at(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

// Whether one of eight bytes is a quote, a backslash or a control character.
bool has_special(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  const std::uint64_t quote = word ^ (kOnes * '"');
  const std::uint64_t slash = word ^ (kOnes * '\\');
  const std::uint64_t found = ((word - kOnes * 0x20) & ~word) | ((quote - kOnes) & ~quote) |
                              ((slash - kOnes) & ~slash);
  return (found & kHighs) != 0;
}

bool is_special(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\n': out += "\\n"; break;
    case '\t': out += "\\t"; break;
    case '\r': out += "\\r"; break;
    default:
      out += "\\u00";
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
  }
}

}  // namespace

// Sixteen bytes at a time through one wide multiplication.
std::uint32_t quick_hash(std::string_view bytes) {
  constexpr std::uint64_t kFirst = 0x9E3779B97F4A7C15;
  constexpr std::uint64_t kSecond = 0xD1B54A32D192ED03;
  const auto fold = [](std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  std::uint64_t sum = bytes.size() * kFirst;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 16; left -= 16, at += 16) {
    sum = fold(word_at(at) ^ kFirst ^ sum, word_at(at + 8) ^ kSecond);
  }
  std::array<char, 16> tail{};
  if (left > 0) std::memcpy(tail.data(), at, left);
  sum = fold(word_at(tail.data()) ^ kFirst ^ sum, word_at(tail.data() + 8) ^ kSecond);
  return static_cast<std::uint32_t>(sum ^ (sum >> 32));
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t begin = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    if (at + 8 <= text.size() && !has_special(word_at(text.data() + at))) {
      at += 8;
    } else if (!is_special(text[at])) {
      ++at;
    } else {
      out.append(text, begin, at - begin);
      append_escaped(out, text[at]);
      begin = ++at;
    }
  }
  out.append(text, begin, text.size() - begin);
  out += '"';
}

std::string_view TextTable::Index::at(std::uint32_t number) const {
  const std::size_t begin = number == 0 ? 0 : ends_[number - 1];
  return std::string_view(bytes_).substr(begin, ends_[number] - begin);
}

std::uint32_t TextTable::Index::add(std::string_view bytes, bool& is_new) {
  if (2 * (ends_.size() + 1) > slots_.size()) grow();
  const std::uint32_t hash = quick_hash(bytes);
  const std::size_t mask = slots_.size() - 1;
  std::size_t place = hash & mask;
  for (; slots_[place].number_and_one != 0; place = (place + 1) & mask) {
    const std::uint32_t number = slots_[place].number_and_one - 1;
    if (slots_[place].hash == hash && at(number) == bytes) {
      is_new = false;
      return number;
    }
  }
  const auto number = static_cast<std::uint32_t>(ends_.size());
  slots_[place] = {hash, number + 1};
  bytes_ += bytes;
  ends_.push_back(bytes_.size());
  is_new = true;
  return number;
}

void TextTable::Index::grow() {
  std::vector<Slot> old(std::max(kSlotsMin, 2 * slots_.size()));
  old.swap(slots_);
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.number_and_one == 0) continue;
    std::size_t place = slot.hash & mask;
    while (slots_[place].number_and_one != 0) place = (place + 1) & mask;
    slots_[place] = slot;
  }
}

void TextTable::Index::clear() {
  std::fill(slots_.begin(), slots_.end(), Slot{});
  bytes_.clear();
  ends_.clear();
}

std::uint32_t TextTable::add_line(std::string_view line) {
  bool is_new = false;
  const std::uint32_t number = line_index_.add(line, is_new);
  if (is_new) {
    append_json_string(lines_.next(), line);
    lines_.done();
    text_of_line_.push_back(0);
  }
  return number;
}

std::uint32_t TextTable::add(std::string_view text) {
  const auto next = static_cast<std::uint32_t>(texts_.size());
  std::size_t end = text.find('\n');
  if (end == std::string_view::npos) {
    const std::uint32_t line = add_line(text);
    if (text_of_line_[line] != 0) return text_of_line_[line] - 1;
    text_of_line_[line] = next + 1;
    append_number(texts_.next(), line);
    texts_.done();
    return next;
  }
  bool is_new = false;
  const std::uint32_t known = text_index_.add(text, is_new);
  if (!is_new) return text_numbers_[known];
  text_numbers_.push_back(next);
  std::string& out = texts_.next();
  char separator = '[';
  while (true) {
    out += separator;
    append_number(out, add_line(text.substr(0, end)));
    separator = ',';
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
    end = text.find('\n');
  }
  out += ']';
  texts_.done();
  return next;
}

void TextTable::clear() {
  line_index_.clear();
  text_index_.clear();
  text_of_line_.clear();
  text_numbers_.clear();
  lines_.clear();
  texts_.clear();
}

}  // namespace turnhalle
