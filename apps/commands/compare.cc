// turnhalle compare: training runs beside each other.
#include "apps/compare.h"

#include <cmath>
#include <iostream>
#include <memory>
#include <optional>

#include "apps/commands/commands.h"
#include "apps/output.h"
#include "apps/recording.h"
#include "apps/report.h"
#include "core/file.h"

namespace turnhalle::app {
namespace {

struct CompareOptions {
  std::vector<std::string> folders;
  std::vector<std::string> ignored;
  std::optional<std::string> html;
  OutputOptions output;
};

std::string cell(const Json& interval) {
  if (interval.is_null() || !interval["mean"].is_number()) return "–";
  const std::string mean = fixed(interval["mean"].get<double>(), 3);
  const Json& low = interval["low"];
  if (!low.is_number() || std::isnan(low.get<double>())) return mean;  // one run has no spread
  return mean + " [" + fixed(low.get<double>(), 3) + ", " +
         fixed(interval["high"].get<double>(), 3) + "]";
}

void print_comparison(const Json& comparison) {
  Table table({"group", ">runs", ">RL steps", ">position", ">success", ">reward",
               ">reward - first group's"});
  for (const Json& row : comparison["rows"]) {
    std::size_t runs = 0;
    for (const Json& group : comparison["groups"]) {
      if (group["name"] == row["group"]) runs = group["runs"].size();
    }
    const Json& position = row["position"];
    table.row({row["group"].get<std::string>(), std::to_string(runs), row["step"].dump(),
               position.is_string() ? position.get<std::string>() : position.dump(),
               cell(row["success"]), cell(row["reward"]), cell(row["difference"])});
  }
  std::cout << table.text() << std::flush;
}

CommandResult compare_runs(const CompareOptions& options) {
  Result<Json> comparison = collect_comparison(options.folders, options.ignored);
  if (!comparison) {
    return comparison.error();
  }
  if (options.html) {
    const std::string page = report_page(comparison_report(*comparison));
    if (Status written = write_file(*options.html, page); !written) {
      return written.error();
    }
    print_remark(options.output, "wrote " + *options.html);
  }
  if (options.output.json) {
    print_json(*comparison);
  } else {
    print_comparison(*comparison);
  }
  return 0;
}

}  // namespace

void add_compare(CommandLine& line) {
  const auto options = std::make_shared<CompareOptions>();
  Arguments command = line.command("compare", "Puts training runs beside each other");
  command.positionals("RUN", options->folders,
                      "folders of runs; those that differ in their seed only are one group");
  command.required();
  command.repeated("--ignore", options->ignored,
                   "JSON pointer of a setting that does not tell groups apart (/policy/from)");
  command.text("--html", options->html, "a page with the curves to write");
  add_output_options(command, options->output);
  command.action([options] { return compare_runs(*options); });
}

}  // namespace turnhalle::app
