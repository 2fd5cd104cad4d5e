// Name → environment. A literal list (envs/all.cc) fills it; no static registration.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/env.h"

namespace turnhalle {

struct EnvironmentEntry {
  std::string name;
  std::string summary;               ///< one line
  std::vector<std::string> players;  ///< "expert" and "random" at least
  /// Reads the scenario's "options" (unknown keys are errors, recorded in the object's reader);
  /// null when they are wrong.
  std::function<std::shared_ptr<const EnvironmentFamily>(JsonObject options, PromptStyle style)>
      read;
  /// JSON Schema of the options, for `turnhalle schema`.
  Json options_schema;
};

class EnvironmentRegistry {
 public:
  /// Names must be new.
  void add(EnvironmentEntry entry);
  /// Null when unknown.
  const EnvironmentEntry* find(std::string_view name) const;
  std::vector<std::string> names() const;
  const std::vector<EnvironmentEntry>& entries() const { return entries_; }

 private:
  std::vector<EnvironmentEntry> entries_;
};

}  // namespace turnhalle
