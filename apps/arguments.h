// The command line: commands, their options, and errors of one line.
//
//   Arguments run = line.command("run", "Plays a scenario");
//   run.positional("SCENARIO", options->scenario, "scenario file");
//   run.integer("--lifecycles", options->lifecycles, {1, 1'000'000}, "how many");
//   run.action([options] { return run_scenario(*options); });
//
// CLI11 splits the words; values are read here, so that every message says what was expected and
// what was found. Variables that are bound outlive the command line.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/json_reader.h"
#include "core/result.h"

namespace turnhalle::app {

/// What a command comes to: an exit code, or bad usage or input (exit code 2).
using CommandResult = Result<int>;

/// The options of one command.
class Arguments {
 public:
  struct Definition;
  explicit Arguments(Definition& definition) : definition_(&definition) {}

  void positional(const std::string& name, std::string& value, const std::string& help);
  void positional(const std::string& name, std::optional<std::string>& value,
                  const std::string& help);
  /// One of `names`.
  void choice(const std::string& name, std::string& value, std::vector<std::string> names,
              const std::string& help);
  /// One or more words.
  void positionals(const std::string& name, std::vector<std::string>& values,
                   const std::string& help);
  void text(const std::string& flag, std::string& value, const std::string& help);
  void text(const std::string& flag, std::optional<std::string>& value, const std::string& help);
  void integer(const std::string& flag, std::int64_t& value, IntegerRange range,
               const std::string& help);
  void integer(const std::string& flag, std::optional<std::int64_t>& value, IntegerRange range,
               const std::string& help);
  /// Values separated by commas (a comma after a backslash is part of one), or the flag several
  /// times.
  void list(const std::string& flag, std::vector<std::string>& values, const std::string& help);
  /// The flag several times; commas mean nothing.
  void repeated(const std::string& flag, std::vector<std::string>& values,
                const std::string& help);
  void flag(const std::string& flag, bool& value, const std::string& help);
  /// Lines below the options in --help: examples.
  void footer(const std::string& text);
  /// The flag or positional added last must be given.
  void required();
  /// What the command does after its options were read.
  void action(std::function<CommandResult()> action);

 private:
  Definition* definition_;
};

/// All commands of a program.
class CommandLine {
 public:
  CommandLine(const std::string& summary, const std::string& version);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// A command that other commands stand under ("inspect").
  void group(const std::string& name, const std::string& summary);
  /// `name` is a word, or a group and a word ("inspect store").
  Arguments command(const std::string& name, const std::string& summary);
  /// A command whose words another program reads.
  void delegate(const std::string& name, const std::string& summary,
                std::function<CommandResult()> action);

  /// Reads the words and runs the command; prints help or the error. Returns the exit code.
  int run(int count, const char* const* words);

 private:
  struct State;
  CommandResult parse(int count, const char* const* words);
  std::unique_ptr<State> state_;
};

}  // namespace turnhalle::app
