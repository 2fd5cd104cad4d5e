// turnhalle check: reads files and reports what is wrong with them.
#include <iostream>
#include <memory>

#include "apps/check_file.h"
#include "apps/commands/commands.h"
#include "apps/output.h"
#include "apps/recording.h"

namespace turnhalle::app {
namespace {

struct CheckOptions {
  std::vector<std::string> files;
  OutputOptions output;
};

Json to_json(const CheckedFile& file) {
  return {{"file", file.file},
          {"kind", file.kind.empty() ? Json() : Json(file.kind)},
          {"errors", file.errors},
          {"warnings", file.warnings}};
}

void print_for_people(const std::vector<CheckedFile>& files) {
  for (const CheckedFile& file : files) {
    const bool good = file.readable && file.errors.empty();
    std::cout << (good ? "good   " : "BAD    ") << file.file;
    if (!file.kind.empty()) {
      std::cout << " (" << file.kind << ")";
    }
    std::cout << "\n";
    for (const std::string& check : file.checks) std::cout << "  " << check << "\n";
    if (file.readable) {
      for (const std::string& error : file.errors) std::cout << "  error: " << error << "\n";
    }
    for (const std::string& warning : file.warnings) {
      std::cout << "  warning: " << warning << "\n";
    }
  }
  std::cout << std::flush;
}

CommandResult check_files(const CheckOptions& options) {
  std::vector<CheckedFile> files;
  for (const std::string& path : options.files) files.push_back(check_file(path));
  if (options.output.json) {
    Json list = Json::array();
    for (const CheckedFile& file : files) list.push_back(to_json(file));
    print_json({{"command", "check"}, {"files", std::move(list)}});
  } else {
    print_for_people(files);
  }
  int code = 0;
  for (const CheckedFile& file : files) {
    if (!file.readable) {
      return file.error;
    }
    code = file.errors.empty() ? code : 1;
  }
  return code;
}

}  // namespace

void add_check(CommandLine& line) {
  const auto options = std::make_shared<CheckOptions>();
  Arguments check = line.command("check", "Checks scenario, recipe and experiment files");
  check.positionals("FILE", options->files, "files to read; each says what kind it is");
  add_output_options(check, options->output);
  check.footer("A scenario's environment goes through the conformance checks too: exit code 1 "
               "when one fails, 2 when a file does not read.");
  check.action([options] { return check_files(*options); });
}

}  // namespace turnhalle::app
