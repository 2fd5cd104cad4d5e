#include "agents/lm/nfc.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "agents/lm/nfc_tables.h"
#include "agents/lm/utf8.h"
#include "core/check.h"

namespace turnhalle::lm {
namespace {

// Everything below composes with nothing before it and does not decompose.
constexpr char32_t first_that_may_change = 0x300;

// Hangul syllables are computed (Unicode Standard, section 3.12).
constexpr char32_t syllable_first = 0xAC00, syllable_count = 11172;
constexpr char32_t lead_first = 0x1100, lead_count = 19;
constexpr char32_t vowel_first = 0x1161, vowel_count = 21;
constexpr char32_t tail_before_first = 0x11A7, tail_count = 28;

struct Unit {
  char32_t code = 0;
  std::uint8_t combining_class = 0;
};

std::uint8_t combining_class(char32_t code) {
  const auto range = std::lower_bound(
      nfc_combining_ranges.begin(), nfc_combining_ranges.end(), code,
      [](const NfcCombiningRange& r, char32_t c) { return r.last < c; });
  return range != nfc_combining_ranges.end() && range->first <= code ? range->combining_class : 0;
}

const NfcDecomposition* decomposition(char32_t code) {
  const auto found = std::lower_bound(
      nfc_decompositions.begin(), nfc_decompositions.end(), code,
      [](const NfcDecomposition& d, char32_t c) { return d.composed < c; });
  return found != nfc_decompositions.end() && found->composed == code ? &*found : nullptr;
}

/// Appends the full canonical decomposition. The first parts decompose further (at most four
/// times in Unicode 14), the second parts do not.
void decompose(char32_t code, std::vector<Unit>& units) {
  if (code >= syllable_first && code < syllable_first + syllable_count) {
    const char32_t index = code - syllable_first;
    units.push_back({lead_first + index / (vowel_count * tail_count), 0});
    units.push_back({vowel_first + index % (vowel_count * tail_count) / tail_count, 0});
    if (index % tail_count != 0) {
      units.push_back({tail_before_first + index % tail_count, 0});
    }
    return;
  }
  std::vector<char32_t> seconds;
  for (const NfcDecomposition* d = decomposition(code); d != nullptr; d = decomposition(code)) {
    code = d->first;
    if (d->second != 0) {
      seconds.push_back(d->second);
    }
  }
  units.push_back({code, combining_class(code)});
  for (auto second = seconds.rbegin(); second != seconds.rend(); ++second) {
    units.push_back({*second, combining_class(*second)});
  }
}

/// Puts every run of combining marks in the order of their classes.
void sort_marks(std::vector<Unit>& units) {
  for (auto at = units.begin(); at != units.end();) {
    const auto is_starter = [](const Unit& unit) { return unit.combining_class == 0; };
    const auto begin = std::find_if_not(at, units.end(), is_starter);
    const auto end = std::find_if(begin, units.end(), is_starter);
    std::stable_sort(begin, end, [](const Unit& a, const Unit& b) {
      return a.combining_class < b.combining_class;
    });
    at = end;
  }
}

std::uint64_t pair_key(char32_t first, char32_t second) {
  return (static_cast<std::uint64_t>(first) << 32) | second;
}

const std::unordered_map<std::uint64_t, char32_t>& compositions() {
  static const auto map = [] {
    std::unordered_map<std::uint64_t, char32_t> made;
    for (const NfcDecomposition& d : nfc_decompositions) {
      if (d.composes) {
        made.emplace(pair_key(d.first, d.second), d.composed);
      }
    }
    return made;
  }();
  return map;
}

/// The composed character, or 0.
char32_t composed(char32_t first, char32_t second) {
  if (first >= lead_first && first < lead_first + lead_count && second >= vowel_first &&
      second < vowel_first + vowel_count) {
    const char32_t pair = (first - lead_first) * vowel_count + (second - vowel_first);
    return syllable_first + pair * tail_count;
  }
  const bool open_syllable = first >= syllable_first && first < syllable_first + syllable_count &&
                             (first - syllable_first) % tail_count == 0;
  if (open_syllable && second > tail_before_first && second < tail_before_first + tail_count) {
    return first + (second - tail_before_first);
  }
  const auto found = compositions().find(pair_key(first, second));
  return found == compositions().end() ? 0 : found->second;
}

/// Joins each starter with the marks that follow it and are not blocked by one of the same or a
/// higher class (Annex 15, D117).
void compose(std::vector<Unit>& units) {
  std::size_t kept = 0;
  std::size_t starter = units.size();
  for (std::size_t i = 0; i < units.size(); ++i) {
    const Unit unit = units[i];
    const bool follows = starter < kept;
    const bool adjacent = follows && starter + 1 == kept;
    const bool unblocked =
        follows && (adjacent || units[kept - 1].combining_class < unit.combining_class);
    const char32_t joined = unblocked ? composed(units[starter].code, unit.code) : 0;
    if (joined != 0) {
      units[starter].code = joined;
      continue;
    }
    if (unit.combining_class == 0) {
      starter = kept;
    }
    units[kept++] = unit;
  }
  units.resize(kept);
}

}  // namespace

std::string nfc(std::string_view text) {
  std::vector<Unit> units;
  bool may_change = false;
  for (std::size_t at = 0; at < text.size() && !may_change;) {
    const Utf8Char c = utf8_at(text, at);
    check(c.length > 0, "nfc() gets well-formed UTF-8");
    may_change = c.code >= first_that_may_change;
    at += c.length;
  }
  if (!may_change) {
    return std::string(text);
  }
  units.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = utf8_at(text, at);
    check(c.length > 0, "nfc() gets well-formed UTF-8");
    decompose(c.code, units);
    at += c.length;
  }
  sort_marks(units);
  compose(units);
  std::string out;
  out.reserve(text.size());
  for (const Unit& unit : units) {
    append_utf8(out, unit.code);
  }
  return out;
}

}  // namespace turnhalle::lm
