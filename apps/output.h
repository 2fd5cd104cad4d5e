// What a command prints: one JSON object or a table on standard output, errors of one line and
// everything else on standard error.
#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "core/result.h"
#include "core/statistics.h"

namespace turnhalle::app {

/// Options that most commands share.
struct OutputOptions {
  bool json = false;   ///< exactly one JSON object on standard output
  bool quiet = false;  ///< no progress and no remarks
};

/// `turnhalle: error: …` in one line.
void print_error(const Error& error);
/// Prints the error and returns exit code 1: the run, a check or a verification failed.
int failed(const Error& error);
/// `turnhalle: …` on standard error, unless quiet.
void print_remark(const OutputOptions& options, const std::string& text);
/// The object and a line break; ill-formed UTF-8 becomes U+FFFD.
void print_json(const Json& object);

/// Columns aligned by the widest cell; numbers are the caller's text.
class Table {
 public:
  /// A column whose name begins with '>' is aligned to the right.
  explicit Table(std::vector<std::string> columns);
  void row(std::vector<std::string> cells);
  /// The table with its header, each line ended.
  std::string text() const;

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

/// "0.612 [0.590, 0.633]"; "–" where nothing was observed.
std::string shown(const Interval& interval);
/// "12 345 678".
std::string grouped(std::int64_t value);
/// A number with `digits` after the point.
std::string fixed(double value, int digits);

}  // namespace turnhalle::app
