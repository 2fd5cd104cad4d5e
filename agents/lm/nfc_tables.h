// The tables of nfc(), made by scripts/make_nfc_tables.py. Internal.
#pragma once

#include <array>
#include <cstdint>

namespace turnhalle::lm {

/// `composed` decomposes canonically into `first` and, unless 0, `second`.
struct NfcDecomposition {
  char32_t composed, first, second;
  bool composes;  ///< the two compose again (no composition exclusion)
};

/// Code points `first` to `last` have this canonical combining class, which is not 0.
struct NfcCombiningRange {
  char32_t first, last;
  std::uint8_t combining_class;
};

/// Both sorted by code point.
extern const std::array<NfcDecomposition, 2061> nfc_decompositions;
extern const std::array<NfcCombiningRange, 382> nfc_combining_ranges;

}  // namespace turnhalle::lm
