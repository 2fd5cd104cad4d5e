// Options of an agent's name, NAME:ARGUMENT@key=value…, read with errors of one line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/agent_spec.h"
#include "core/json_reader.h"

namespace turnhalle {

/// The first error is kept; after it every read gives nothing.
class WireOptions {
 public:
  explicit WireOptions(const AgentSpec& spec) : spec_(spec) {}

  std::optional<double> number(const std::string& key, NumberRange range);
  std::optional<std::int64_t> integer(const std::string& key, IntegerRange range);
  std::optional<bool> boolean(const std::string& key);
  std::optional<std::string> one_of(const std::string& key, std::vector<std::string> names);
  /// The value of the environment variable that the option names: visible ASCII, never shown.
  std::optional<std::string> secret(const std::string& key);
  /// Records an error unless there is one.
  void fail(const std::string& expected, std::string_view found);
  /// Refuses options that nobody asked for.
  Status finish();

 private:
  const std::string* find(const std::string& key);
  const AgentSpec& spec_;
  std::vector<std::string> known_;
  std::optional<Error> error_;
};

}  // namespace turnhalle
