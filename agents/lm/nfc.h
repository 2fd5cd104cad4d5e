// Unicode normalisation form C, which some vocabularies (Qwen) were trained on.
#pragma once

#include <string>
#include <string_view>

namespace turnhalle::lm {

/// The composed form of well-formed UTF-8 (Unicode Standard Annex 15), by the tables of Unicode
/// 14. Linear, except in runs of combining marks, which are sorted.
std::string nfc(std::string_view text);

}  // namespace turnhalle::lm
