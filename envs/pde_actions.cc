#include "envs/pde_actions.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace turnhalle::pde {
namespace {

constexpr std::array<std::string_view, 5> kActionNames = {"sample", "summary", "regress", "score",
                                                          "finalise"};
constexpr std::size_t kPartsMax = 64;

Error action_error(const std::string& what, std::string_view found) {
  return {"action", "expected " + what + "; found " + in_quotes(found)};
}

// The trimmed parts between separators; none for an empty text.
std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  text = trim(text);
  while (!text.empty() && parts.size() < kPartsMax) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.push_back(trim(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

Result<Action> read_places(std::string_view text) {
  Action action;
  action.kind = ActionKind::sample;
  for (const std::string_view part : parts_of(text, ';')) {
    const std::vector<std::string_view> numbers = parts_of(part, ',');
    std::pair<double, double> place;
    const bool read = numbers.size() == 2 && parse_double(numbers[0], place.first) &&
                      parse_double(numbers[1], place.second);
    const auto inside = [](double value) { return value >= 0.0 && value <= 1.0; };
    if (!read || !inside(place.first) || !inside(place.second)) {
      return action_error("x,t with both in 0 to 1", part);
    }
    action.places.push_back(place);
  }
  if (action.places.empty()) return action_error("points such as 0.5,0.1; 0.3,0", text);
  return action;
}

Result<bool> read_setting(std::string_view part, Action& action) {
  const std::size_t equals = std::min(part.find('='), part.size());
  const std::string_view key = trim(part.substr(0, equals));
  const std::string_view value = equals < part.size() ? part.substr(equals + 1) : "";
  if (key == "max_terms") {
    if (parse_integer(trim(value), action.terms_max) && action.terms_max >= 1 &&
        action.terms_max <= kTermsMax) {
      return true;
    }
    return action_error("max_terms from 1 to 3", value);
  }
  for (const std::string_view item : parts_of(value, ',')) {
    if (key == "terms") {
      const auto place = std::find(kTermNames.begin(), kTermNames.end(), item);
      if (place == kTermNames.end()) return action_error("the name of a term", item);
      action.terms.push_back(static_cast<std::size_t>(place - kTermNames.begin()));
    } else {
      std::int64_t task = 0;
      if (!parse_integer(item, task)) return action_error("the number of a task", item);
      action.tasks.push_back(task);
    }
  }
  if (key != "terms" && key != "tasks") return action_error("terms, max_terms or tasks", key);
  std::sort(action.terms.begin(), action.terms.end());
  const auto end = std::unique(action.terms.begin(), action.terms.end());
  action.terms.erase(end, action.terms.end());
  return true;
}

Result<Action> read_regression(std::string_view text) {
  Action action;
  action.kind = ActionKind::regress;
  for (const std::string_view part : parts_of(text, ';')) {
    if (part.empty()) continue;
    if (const Result<bool> read = read_setting(part, action); !read) return read.error();
  }
  return action;
}

Result<Action> read_equations(ActionKind kind, std::string_view text) {
  Action action;
  action.kind = kind;
  for (const std::string_view part : parts_of(text, ';')) {
    Result<Equation> equation = parse_equation(part);
    if (!equation) return equation.error();
    action.equations.push_back(std::move(*equation));
  }
  const std::size_t most = kind == ActionKind::finalise ? 1 : kCandidatesMax;
  if (action.equations.empty() || action.equations.size() > most) {
    return action_error("1 to " + std::to_string(most) + " equations", shortened(text, 60));
  }
  return action;
}

}  // namespace

Result<Action> parse_action(std::string_view reply) {
  std::string_view inside;
  if (!between_tags(reply, "<answer>", "</answer>", inside)) {
    return action_error("one <answer>…</answer>", shortened(reply, 60));
  }
  inside = trim(inside);
  for (std::size_t i = 0; i < kActionNames.size(); ++i) {
    const std::string open = "<" + std::string(kActionNames[i]) + ">";
    const std::string close = "</" + std::string(kActionNames[i]) + ">";
    std::string_view text;
    if (!inside.starts_with(open) || !inside.ends_with(close) ||
        !between_tags(inside, open, close, text)) {
      continue;
    }
    switch (static_cast<ActionKind>(i)) {
      case ActionKind::sample:
        return read_places(text);
      case ActionKind::regress:
        return read_regression(text);
      case ActionKind::summary:
        return Action{};
      case ActionKind::score:
      case ActionKind::finalise:
        return read_equations(static_cast<ActionKind>(i), text);
    }
  }
  return action_error("sample, summary, regress, score or finalise", shortened(inside, 60));
}

}  // namespace turnhalle::pde
