// Words of a text as something to search, whatever their case and the marks between them.
#pragma once

#include <string>
#include <string_view>

namespace turnhalle::users {

/// Runs of ASCII letters and digits in lower case, each with one blank before and one after it:
/// one text stands in another as whole words where its spaced words are a part of the other's.
std::string spaced_words(std::string_view text);

}  // namespace turnhalle::users
