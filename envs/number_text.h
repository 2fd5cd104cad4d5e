// Numbers with a fixed number of digits, for tables and expressions.
#pragma once

#include <string>

namespace turnhalle {

/// The value with `digits` digits behind the point; a value that rounds to zero has no sign.
/// "inf" and "nan" as such.
std::string fixed_digits(double value, int digits);

}  // namespace turnhalle
