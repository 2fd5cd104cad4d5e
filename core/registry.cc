#include "core/registry.h"

#include "core/check.h"

namespace turnhalle {

void EnvironmentRegistry::add(EnvironmentEntry entry) {
  check(find(entry.name) == nullptr, "an environment is registered once", entry.name);
  entries_.push_back(std::move(entry));
}

const EnvironmentEntry* EnvironmentRegistry::find(std::string_view name) const {
  for (const EnvironmentEntry& entry : entries_) {
    if (entry.name == name) {
      return &entry;
    }
  }
  return nullptr;
}

std::vector<std::string> EnvironmentRegistry::names() const {
  std::vector<std::string> names;
  for (const EnvironmentEntry& entry : entries_) {
    names.push_back(entry.name);
  }
  return names;
}

}  // namespace turnhalle
