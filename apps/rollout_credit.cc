#include "apps/rollout_credit.h"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <utility>

#include "core/file.h"
#include "core/text.h"

namespace turnhalle::app {

std::optional<RolloutName> rollout_of(std::string_view run_id) {
  constexpr std::string_view kBegin = "rollout-";
  if (!run_id.starts_with(kBegin)) {
    return std::nullopt;
  }
  run_id.remove_prefix(kBegin.size());
  const std::size_t dash = run_id.find('-');
  RolloutName name;
  if (dash == std::string_view::npos || !parse_integer(run_id.substr(0, dash), name.step) ||
      !parse_integer(run_id.substr(dash + 1), name.trial)) {
    return std::nullopt;
  }
  return name;
}

RolloutCredit RolloutCredit::beside(const std::string& store) {
  RolloutCredit credit;
  const std::filesystem::path file = std::filesystem::path(store).parent_path() / "credit.jsonl";
  const Result<std::string> text = read_file(file.string());
  std::istringstream lines(text ? *text : std::string());
  for (std::string line; std::getline(lines, line);) {
    Json value = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    std::array<std::int64_t, 4> key{};
    const std::array<const char*, 4> names = {"step", "rollout", "episode", "turn"};
    const bool good = value.is_object() && std::ranges::all_of(names, [&](const char* name) {
      return value.contains(name) && value[name].is_number_integer();
    });
    if (!good) continue;
    std::ranges::transform(names, key.begin(),
                           [&](const char* name) { return value[name].get<std::int64_t>(); });
    credit.lines_[key] = std::move(value);
  }
  return credit;
}

const Json* RolloutCredit::find(const RolloutName& rollout, std::int64_t episode,
                                std::int64_t turn) const {
  const auto found = lines_.find({rollout.step, rollout.trial, episode, turn});
  return found == lines_.end() ? nullptr : &found->second;
}

}  // namespace turnhalle::app
