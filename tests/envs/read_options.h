// Reads an environment's options from a text, as a scenario's reader does.
#pragma once

#include <memory>
#include <string>

#include "core/json_reader.h"
#include "core/registry.h"

namespace turnhalle {

inline Result<std::shared_ptr<const EnvironmentFamily>> read_options(
    const EnvironmentEntry& entry, const std::string& options, PromptStyle style) {
  const auto document = parse_json(options, "options.json");
  JsonReader reader(*document);
  auto family = entry.read(reader.object(), style);
  if (!reader.ok()) return reader.error();
  return family;
}

}  // namespace turnhalle
