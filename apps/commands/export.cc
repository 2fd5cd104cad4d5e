// turnhalle export: stored lifecycles as lines of JSON for other tools.
#include <iostream>
#include <memory>

#include "apps/commands/commands.h"
#include "apps/output.h"
#include "apps/output_file.h"
#include "apps/recording.h"
#include "core/export.h"

namespace turnhalle::app {
namespace {

struct ExportOptions {
  std::string store;
  std::string format;
  std::string out;
  OutputOptions output;
};

CommandResult write(const ExportOptions& options) {
  Result<StoreReader> store = StoreReader::open(options.store);
  if (!store) {
    return store.error();
  }
  if (Status out = check_output_file(options.out); !out) {
    return out.error();
  }
  Result<ExportReport> report = export_store(*store, options.format, options.out);
  if (!report) {
    return failed(report.error());
  }
  if (options.output.json) {
    print_json({{"command", "export"},
                {"store", options.store},
                {"format", options.format},
                {"rows", report->rows},
                {"files", report->files}});
  } else {
    std::cout << grouped(report->rows) << " rows in " << options.out << "\n" << std::flush;
  }
  return 0;
}

}  // namespace

void add_export(CommandLine& line) {
  const auto options = std::make_shared<ExportOptions>();
  Arguments command = line.command("export", "Writes a store as lines of JSON for other tools");
  command.positional("STORE", options->store, "store file");
  command.choice("--format", options->format, export_format_names(), "what a row is");
  command.required();
  command.text("--out", options->out, "file to write");
  command.required();
  add_output_options(command, options->output);
  command.action([options] { return write(*options); });
}

}  // namespace turnhalle::app
