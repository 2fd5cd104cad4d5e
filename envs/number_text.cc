#include "envs/number_text.h"

#include <array>
#include <charconv>

namespace turnhalle {

std::string fixed_digits(double value, int digits) {
  std::array<char, 400> text;
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, digits)
          .ptr;
  std::string result(text.data(), end);
  if (result.starts_with('-') && result.find_first_not_of("-0.") == std::string::npos) {
    result.erase(0, 1);
  }
  return result;
}

}  // namespace turnhalle
