// Rows of a benchmark, and how they are printed: a table, CSV or one JSON object.
#pragma once

#include <string>
#include <vector>

#include "apps/output.h"

namespace turnhalle::app {

/// One measurement: the median of `runs` runs after one for warming up, with the extremes.
struct BenchRow {
  std::string name;
  std::string unit;
  double median = 0.0;
  double low = 0.0;
  double high = 0.0;
  std::int64_t runs = 0;
};

/// The median and the extremes of some values.
BenchRow summarise_runs(std::string name, std::string unit, std::vector<double> values);

struct BenchReport {
  std::string name;     ///< "bench simulator"
  std::string command;  ///< that gives these rows again
  std::vector<BenchRow> rows;
};

/// Prints machine, command and rows on standard output.
void print_bench(const BenchReport& report, const OutputOptions& output, bool csv);

/// Seconds that all threads of this process have computed for so far.
double processor_seconds();

}  // namespace turnhalle::app
