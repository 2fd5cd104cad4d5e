// turnhalle report: a run's folder as one page for a browser.
#include "apps/report.h"

#include <iostream>
#include <memory>
#include <optional>

#include "apps/commands/commands.h"
#include "apps/output.h"
#include "apps/recording.h"
#include "core/file.h"

namespace turnhalle::app {
namespace {

struct ReportOptions {
  ReportInputs inputs;
  std::optional<std::string> out;
  OutputOptions output;
};

CommandResult report(const ReportOptions& options) {
  Result<Json> data = collect_report(options.inputs);
  if (!data) {
    return data.error();
  }
  const std::string path = options.out.value_or(options.inputs.folder + "/report.html");
  const std::string page = report_page(*data);
  if (Status written = write_file(path, page); !written) {
    return written.error();
  }
  if (options.output.json) {
    print_json({{"command", "report"},
                {"file", path},
                {"bytes", page.size()},
                {"notes", (*data)["notes"]}});
  } else {
    for (const Json& note : (*data)["notes"]) {
      print_remark(options.output, note.get<std::string>());
    }
    std::cout << path << ", " << grouped(static_cast<std::int64_t>(page.size())) << " bytes\n"
              << std::flush;
  }
  return 0;
}

}  // namespace

void add_report(CommandLine& line) {
  const auto options = std::make_shared<ReportOptions>();
  Arguments command = line.command("report", "Writes a training run as one page for a browser");
  command.positional("RUN_FOLDER", options->inputs.folder, "folder of the run");
  command.repeated("--rows", options->inputs.rows,
                   "file printed by `eval --json`: agents to compare, in this order");
  command.text("--out", options->out, "file to write (default RUN_FOLDER/report.html)");
  add_output_options(command, options->output);
  command.action([options] { return report(*options); });
}

}  // namespace turnhalle::app
