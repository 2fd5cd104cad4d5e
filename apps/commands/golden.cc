// turnhalle golden: compares the written playthroughs with what the program does, or writes them.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>

#include "apps/commands/commands.h"
#include "apps/data_folder.h"
#include "apps/output.h"
#include "apps/recording.h"
#include "core/file.h"
#include "core/playthrough.h"
#include "core/text.h"
#include "envs/all.h"
#include "envs/task_sequence.h"

namespace turnhalle::app {
namespace {

struct GoldenOptions {
  std::vector<std::string> update;
  OutputOptions output;
};

struct GoldenItem {
  std::string name;
  std::string state;  // "equal", "different", "missing", "written"
  std::string detail;
};

std::vector<std::string> scenario_names(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& item : std::filesystem::directory_iterator(folder, ignored)) {
    if (item.path().extension() == ".json") names.push_back(item.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<GoldenItem> compare_golden(const std::string& name, const std::string& text) {
  const std::string path = data_folder("tests/golden") + "/" + name + ".txt";
  if (!std::filesystem::exists(path)) {
    return GoldenItem{name, "missing", "write it: turnhalle golden --update " + name};
  }
  Result<std::string> expected = read_file(path);
  if (!expected) {
    return expected.error();
  }
  const std::optional<TextDifference> difference = first_difference(*expected, text);
  return difference ? GoldenItem{name, "different", describe(path, *difference)}
                    : GoldenItem{name, "equal", ""};
}

Result<GoldenItem> treat(const std::string& name, bool update) {
  Result<Scenario> scenario =
      read_scenario(data_folder("scenarios") + "/" + name + ".json", all_environments());
  if (!scenario) {
    return scenario.error();
  }
  Result<std::string> text = write_playthrough(*scenario, {}, make_lifecycle);
  if (!text) {
    return text.error();
  }
  if (!update) {
    return compare_golden(name, *text);
  }
  const std::string path = data_folder("tests/golden") + "/" + name + ".txt";
  if (Status written = write_file(path, *text); !written) {
    return written.error();
  }
  return GoldenItem{name, "written", path};
}

Status check_names(const std::vector<std::string>& wanted,
                   const std::vector<std::string>& known) {
  for (const std::string& name : wanted) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return Error{"--update", "expected a scenario of scenarios/; found " + in_quotes(name) +
                                   "." + did_you_mean(name, known)};
    }
  }
  return ok_status();
}

void print_items(const GoldenOptions& options, const std::vector<GoldenItem>& items) {
  if (options.output.json) {
    Json list = Json::array();
    for (const GoldenItem& item : items) {
      list.push_back({{"name", item.name}, {"state", item.state}, {"detail", item.detail}});
    }
    print_json({{"command", "golden"}, {"items", std::move(list)}});
    return;
  }
  Table table({"playthrough", "state", "detail"});
  for (const GoldenItem& item : items) table.row({item.name, item.state, item.detail});
  std::cout << table.text() << std::flush;
}

CommandResult run_golden(const GoldenOptions& options) {
  const std::vector<std::string> known = scenario_names(data_folder("scenarios"));
  if (Status names = check_names(options.update, known); !names) {
    return names.error();
  }
  const bool update = !options.update.empty();
  std::vector<GoldenItem> items;
  int code = 0;
  for (const std::string& name : update ? options.update : known) {
    Result<GoldenItem> item = treat(name, update);
    if (!item) {
      return failed(item.error());
    }
    code = item->state == "different" || item->state == "missing" ? 1 : code;
    items.push_back(std::move(*item));
  }
  print_items(options, items);
  return code;
}

}  // namespace

void add_golden(CommandLine& line) {
  const auto options = std::make_shared<GoldenOptions>();
  Arguments golden = line.command("golden", "Compares the written playthroughs of tests/golden");
  golden.list("--update", options->update, "scenarios whose playthroughs are written anew");
  add_output_options(golden, options->output);
  golden.action([options] { return run_golden(*options); });
}

}  // namespace turnhalle::app
