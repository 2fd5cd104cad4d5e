#include "apps/bench_rows.h"

#include <ctime>
#include <algorithm>
#include <iostream>
#include <utility>

#include "apps/machine.h"

namespace turnhalle::app {
namespace {

// Rates of kernels are small numbers; turns per second have no use for decimals.
std::string plain(double value) { return fixed(value, value < 1000.0 ? 2 : 0); }

std::string spaced(double value) {
  return value < 1000.0 ? fixed(value, 2) : grouped(static_cast<std::int64_t>(value));
}

void print_csv(const BenchReport& report) {
  std::cout << "name,unit,median,low,high,runs,command\n";
  for (const BenchRow& row : report.rows) {
    std::cout << '"' << row.name << "\"," << row.unit << "," << plain(row.median) << ","
              << plain(row.low) << "," << plain(row.high) << "," << row.runs << ",\""
              << report.command << "\"\n";
  }
  std::cout << std::flush;
}

void print_table(const BenchReport& report) {
  const Json machine = describe_machine();
  std::cout << machine["processor"].get<std::string>() << ", " << machine["cores"] << " cores, "
            << machine["compiler"].get<std::string>() << "\n"
            << report.command << "\n\n";
  Table table({"what", "unit", ">median", ">lowest", ">highest", ">runs"});
  for (const BenchRow& row : report.rows) {
    table.row({row.name, row.unit, spaced(row.median), spaced(row.low), spaced(row.high),
               std::to_string(row.runs)});
  }
  std::cout << table.text() << std::flush;
}

void print_object(const BenchReport& report) {
  Json list = Json::array();
  for (const BenchRow& row : report.rows) {
    list.push_back({{"name", row.name},
                    {"unit", row.unit},
                    {"median", row.median},
                    {"low", row.low},
                    {"high", row.high},
                    {"runs", row.runs},
                    {"command", report.command}});
  }
  print_json({{"command", report.name},
              {"machine", describe_machine()},
              {"rows", std::move(list)}});
}

}  // namespace

BenchRow summarise_runs(std::string name, std::string unit, std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  const double median =
      n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2.0;
  return {std::move(name), std::move(unit), median, values.front(), values.back(),
          static_cast<std::int64_t>(n)};
}

void print_bench(const BenchReport& report, const OutputOptions& output, bool csv) {
  if (output.json) {
    print_object(report);
  } else if (csv) {
    print_csv(report);
  } else {
    print_table(report);
  }
}

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace turnhalle::app
