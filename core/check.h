// Always-on checks for bugs in our own code.
//
// check() stops the program with the place and the values when something that must hold does
// not, in release builds too. Bad input is not a bug: it is returned as an Error (result.h).
#pragma once

#include <source_location>
#include <sstream>
#include <string>
#include <string_view>

namespace turnhalle {

/// Prints "FILE:LINE: what (values)" to standard error and aborts.
[[noreturn]] void check_failed(std::string_view what, const std::string& values,
                               std::source_location where);

/// The text of a check and the place it stands, taken at the call.
struct CheckSite {
  std::string_view what;
  std::source_location where;
  // NOLINTNEXTLINE(google-explicit-constructor): a literal converts, so that the place is known.
  consteval CheckSite(const char* text,
                      std::source_location place = std::source_location::current())
      : what(text), where(place) {}
};

/// Stops unless `condition`; `values` are printed beside the text.
template <class... Values>
void check(bool condition, CheckSite site, const Values&... values) {
  if (condition) [[likely]] {
    return;
  }
  std::ostringstream text;
  ((text << " " << values), ...);
  check_failed(site.what, text.str(), site.where);
}

}  // namespace turnhalle
