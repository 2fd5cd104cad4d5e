#include "apps/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <iostream>
#include <map>
#include <utility>

#include "apps/output.h"
#include "core/text.h"

namespace turnhalle::app {
namespace {

using Words = std::vector<std::string>;

// One option or positional of a command.
struct Binding {
  std::string name;
  CLI::Option* option = nullptr;
  std::function<Status(const Words&)> take;
  bool repeats = false;
  bool required = false;
};

Error expected(const std::string& where, const std::string& what, const std::string& found) {
  return {where, "expected " + what + "; found " + found};
}

std::string in_words(IntegerRange range) {
  constexpr IntegerRange kAny;
  if (range.low == kAny.low && range.high == kAny.high) {
    return "an integer";
  }
  if (range.high == kAny.high) {
    return "an integer of at least " + std::to_string(range.low);
  }
  return "an integer from " + std::to_string(range.low) + " to " + std::to_string(range.high);
}

Status read_integer(const std::string& flag, const std::string& word, IntegerRange range,
                    std::int64_t& value) {
  std::int64_t read = 0;
  if (!parse_integer(word, read) || read < range.low || read > range.high) {
    return expected(flag, in_words(range), in_quotes(word));
  }
  value = read;
  return ok_status();
}

// A comma after a backslash stands for itself.
Words split_at_commas(const Words& words) {
  Words parts;
  for (const std::string& word : words) {
    parts.emplace_back();
    for (std::size_t at = 0; at < word.size(); ++at) {
      if (word[at] == ',') {
        parts.emplace_back();
        continue;
      }
      if (word.compare(at, 2, "\\,") == 0) ++at;
      parts.back() += word[at];
    }
  }
  return parts;
}

}  // namespace

struct Arguments::Definition {
  std::string name;
  CLI::App* parser = nullptr;
  std::deque<Binding> bindings;
  Words flags;  // for suggestions
  std::function<CommandResult()> action;

  Binding& add(const std::string& word, const std::string& type, const std::string& help) {
    CLI::Option* option = parser->add_option(word);
    option->description(help)->type_name(type)->expected(1);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false);
    if (word.starts_with("-")) {
      flags.push_back(word);
    }
    bindings.push_back({.name = word, .option = option, .take = {}});
    return bindings.back();
  }

  // The first word that nobody takes, as an error.
  Status check_extras() const {
    for (const std::string& word : parser->remaining()) {
      if (word.size() > 1 && word.starts_with("-")) {
        const std::string flag = word.substr(0, word.find('='));
        return Error{"", "expected an option of `turnhalle " + name + "`; found " +
                             in_quotes(flag) + "." + did_you_mean(flag, flags)};
      }
    }
    for (const std::string& word : parser->remaining()) {
      return expected("", "no more words for `turnhalle " + name + "`", in_quotes(word));
    }
    return ok_status();
  }

  Status take_values() const {
    if (Status extras = check_extras(); !extras) {
      return extras;
    }
    for (const Binding& binding : bindings) {
      const Words& words = binding.option->results();
      if (words.empty()) {
        if (binding.required) {
          return expected("", binding.name + " (see `turnhalle " + name + " --help`)", "nothing");
        }
        continue;
      }
      if (words.size() > 1 && !binding.repeats) {
        return expected(binding.name, "one value", std::to_string(words.size()));
      }
      if (Status taken = binding.take(words); !taken) {
        return taken;
      }
    }
    return ok_status();
  }
};

struct CommandLine::State {
  CLI::App parser;
  std::map<std::string, CLI::App*> groups;
  std::deque<Arguments::Definition> definitions;
  std::map<std::string, std::function<CommandResult()>> delegates;
  Words names;  // of the top level
};

void Arguments::positional(const std::string& name, std::string& value, const std::string& help) {
  definition_->add(name, "", help).take = [&value](const Words& words) {
    value = words[0];
    return ok_status();
  };
  required();
}

void Arguments::positional(const std::string& name, std::optional<std::string>& value,
                           const std::string& help) {
  definition_->add(name, "", help).take = [&value](const Words& words) {
    value = words[0];
    return ok_status();
  };
}

void Arguments::choice(const std::string& name, std::string& value,
                       std::vector<std::string> names, const std::string& help) {
  const bool is_flag = name.starts_with("-");
  const std::string type = is_flag ? join(names, "|") : "";
  definition_->add(name, type, is_flag ? help : help + ": " + join(names, ", ")).take =
      [&value, name, names](const Words& words) -> Status {
    if (std::find(names.begin(), names.end(), words[0]) == names.end()) {
      Error error = expected(name, "one of " + join(names, ", "), in_quotes(words[0]) + ".");
      error.message += did_you_mean(words[0], names);
      return error;
    }
    value = words[0];
    return ok_status();
  };
  if (!is_flag) {
    required();
  }
}

void Arguments::positionals(const std::string& name, Words& values, const std::string& help) {
  Binding& binding = definition_->add(name, "", help);
  binding.repeats = true;
  binding.option->expected(1, 1 << 20)->allow_extra_args();
  binding.take = [&values](const Words& words) {
    values = words;
    return ok_status();
  };
  required();
}

void Arguments::text(const std::string& flag, std::string& value, const std::string& help) {
  definition_->add(flag, "TEXT", help).take = [&value](const Words& words) {
    value = words[0];
    return ok_status();
  };
}

void Arguments::text(const std::string& flag, std::optional<std::string>& value,
                     const std::string& help) {
  definition_->add(flag, "TEXT", help).take = [&value](const Words& words) {
    value = words[0];
    return ok_status();
  };
}

void Arguments::integer(const std::string& flag, std::int64_t& value, IntegerRange range,
                        const std::string& help) {
  const std::string shown = help + " (" + std::to_string(value) + ")";
  definition_->add(flag, "N", shown).take = [&value, flag, range](const Words& words) {
    return read_integer(flag, words[0], range, value);
  };
}

void Arguments::integer(const std::string& flag, std::optional<std::int64_t>& value,
                        IntegerRange range, const std::string& help) {
  definition_->add(flag, "N", help).take = [&value, flag, range](const Words& words) -> Status {
    std::int64_t read = 0;
    if (Status status = read_integer(flag, words[0], range, read); !status) {
      return status;
    }
    value = read;
    return ok_status();
  };
}

void Arguments::list(const std::string& flag, Words& values, const std::string& help) {
  Binding& binding = definition_->add(flag, "A,B,…", help);
  binding.repeats = true;
  binding.take = [&values, flag](const Words& words) -> Status {
    values = split_at_commas(words);
    if (std::find(values.begin(), values.end(), "") != values.end()) {
      return expected(flag, "names separated by commas", "an empty name");
    }
    return ok_status();
  };
}

void Arguments::repeated(const std::string& flag, Words& values, const std::string& help) {
  Binding& binding = definition_->add(flag, "TEXT", help);
  binding.repeats = true;
  binding.take = [&values](const Words& words) {
    values = words;
    return ok_status();
  };
}

void Arguments::flag(const std::string& flag, bool& value, const std::string& help) {
  CLI::Option* option = definition_->parser->add_flag(flag);
  option->description(help);
  definition_->flags.push_back(flag);
  const auto take = [&value](const Words&) {
    value = true;
    return ok_status();
  };
  definition_->bindings.push_back(
      {.name = flag, .option = option, .take = take, .repeats = true});
}

void Arguments::footer(const std::string& text) { definition_->parser->footer(text); }

void Arguments::required() {
  Binding& binding = definition_->bindings.back();
  binding.required = true;
  if (!binding.name.starts_with("-")) {
    binding.option->required();  // for the usage line of --help
  }
}

void Arguments::action(std::function<CommandResult()> action) {
  definition_->action = std::move(action);
}

CommandLine::CommandLine(const std::string& summary, const std::string& version)
    : state_(std::make_unique<State>()) {
  state_->parser.name("turnhalle");
  state_->parser.description(summary);
  state_->parser.set_version_flag("--version", "turnhalle " + version);
  state_->parser.allow_extras();
  state_->parser.require_subcommand(0, 1);
  state_->parser.get_formatter()->column_width(36);
  state_->parser.footer("Options of a command: turnhalle COMMAND --help");
}

CommandLine::~CommandLine() = default;

void CommandLine::group(const std::string& name, const std::string& summary) {
  CLI::App* group = state_->parser.add_subcommand(name, summary);
  group->allow_extras();
  group->require_subcommand(0, 1);
  state_->groups[name] = group;
  state_->names.push_back(name);
}

Arguments CommandLine::command(const std::string& name, const std::string& summary) {
  const std::size_t blank = name.find(' ');
  CLI::App* parent = &state_->parser;
  if (blank == std::string::npos) {
    state_->names.push_back(name);
  } else {
    parent = state_->groups.at(name.substr(0, blank));
  }
  CLI::App* parser = parent->add_subcommand(name.substr(blank + 1), summary);
  parser->allow_extras();
  parser->set_version_flag("--version", state_->parser.version());
  Arguments::Definition& definition = state_->definitions.emplace_back();
  definition.name = name;
  definition.parser = parser;
  definition.flags = {"--help"};
  return Arguments(definition);
}

void CommandLine::delegate(const std::string& name, const std::string& summary,
                           std::function<CommandResult()> action) {
  state_->parser.add_subcommand(name, summary);
  state_->names.push_back(name);
  state_->delegates[name] = std::move(action);
}

CommandResult CommandLine::parse(int count, const char* const* words) {
  if (count > 1) {
    const auto delegate = state_->delegates.find(words[1]);
    if (delegate != state_->delegates.end()) {
      return delegate->second();
    }
  }
  try {
    state_->parser.parse(count, words);
  } catch (const CLI::Success& success) {  // --help, --version
    return state_->parser.exit(success, std::cout, std::cerr);
  } catch (const CLI::RequiredError&) {
    // What is missing is said below, after words that nobody knows.
  } catch (const CLI::ParseError& error) {
    const std::string what = error.what();
    return expected("", "a value after " + what.substr(0, what.find(':')), "nothing");
  }
  for (const Arguments::Definition& definition : state_->definitions) {
    if (definition.parser->parsed()) {
      if (Status taken = definition.take_values(); !taken) {
        return taken.error();
      }
      return definition.action();
    }
  }
  for (const auto& [name, group] : state_->groups) {
    if (group->parsed()) {
      Words names;
      for (const CLI::App* command : group->get_subcommands({})) {
        names.push_back(command->get_name());
      }
      const Words rest = group->remaining();
      Error error = expected("", "`turnhalle " + name + "` and one of " + join(names, ", "),
                             rest.empty() ? "nothing" : in_quotes(rest[0]) + ".");
      error.message += rest.empty() ? "" : did_you_mean(rest[0], names);
      return error;
    }
  }
  const Words rest = state_->parser.remaining();
  if (!rest.empty()) {
    Error error = expected("", "a command (" + join(state_->names, ", ") + ")",
                           in_quotes(rest[0]) + ".");
    error.message += did_you_mean(rest[0], state_->names);
    return error;
  }
  std::cout << state_->parser.help();
  return 0;
}

int CommandLine::run(int count, const char* const* words) {
  const CommandResult result = parse(count, words);
  if (!result) {
    print_error(result.error());
    return 2;
  }
  return result.value();
}

}  // namespace turnhalle::app
