#include "core/fault.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/text.h"

namespace turnhalle {
namespace {

const std::array<std::string, kFaultKinds> kNames = {
    "timeout",    "error",          "slow",         "duplicate",
    "lost_reply", "partial_effect", "schema_drift", "dropped_user_reply",
    "crash"};

IntegerRange read_bounds(JsonObject& window, std::string_view key) {
  const IntegerRange all{0, std::numeric_limits<std::int64_t>::max()};
  const auto [low, high] = window.integer_pair(key, all, std::pair{all.low, all.high});
  return {low, high};
}

bool inside(const IntegerRange& range, std::int64_t value) {
  return range.low <= value && value <= range.high;
}

bool aims_at(std::string_view target, std::string_view crossing) {
  return target == "*" || target == crossing ||
         (target == "tool:*" && crossing.starts_with("tool:"));
}

void read_rename(JsonObject& object, FaultRule& rule) {
  JsonObject rename = object.object("rename");
  if (rename.value().is_object()) {
    for (const auto& [from, to] : rename.value().items()) {
      rule.rename.emplace_back(from, rename.string(from));
    }
  }
  rename.finish();
  if (rule.rename.empty()) object.fail("rename", "an object of one or more names");
}

FaultRule read_rule(JsonObject object) {
  FaultRule rule;
  const std::string kind = object.one_of("kind", kNames);
  const auto place = std::find(kNames.begin(), kNames.end(), kind);
  rule.kind = static_cast<FaultKind>(place == kNames.end() ? 0 : place - kNames.begin());
  rule.rate = object.number("rate", {0.0, 1.0});
  rule.target = object.string("target", "*");
  JsonObject window = object.object("window", false);
  rule.window = {read_bounds(window, "turns"), read_bounds(window, "positions"),
                 read_bounds(window, "ms")};
  window.finish();
  if (rule.kind == FaultKind::timeout || rule.kind == FaultKind::lost_reply) {
    rule.after = milliseconds(object.integer("after_ms", {0, std::int64_t{1} << 40}, 30'000));
  }
  if (rule.kind == FaultKind::slow) rule.delay = read_latency(object, "delay");
  if (rule.kind == FaultKind::error || rule.kind == FaultKind::partial_effect) {
    rule.message = object.string("message", rule.message);
  }
  if (rule.kind == FaultKind::schema_drift) read_rename(object, rule);
  object.finish();
  return rule;
}

// Whole words of a text that is no JSON.
bool rename_words(std::string& text, const FaultRule& rule) {
  bool changed = false;
  for (const auto& [from, to] : rule.rename) {
    for (std::size_t at = text.find(from); at != std::string::npos && !from.empty();
         at = text.find(from, at)) {
      const std::size_t end = at + from.size();
      const auto inside_word = [](char one, char other) {
        return is_word_character(one) && is_word_character(other);
      };
      const bool whole = (at == 0 || !inside_word(text[at - 1], from.front())) &&
                         (end == text.size() || !inside_word(text[end], from.back()));
      if (whole) {
        text.replace(at, from.size(), to);
        changed = true;
      }
      at += whole ? to.size() : 1;
    }
  }
  return changed;
}

bool rename_keys(Json& value, const FaultRule& rule) {
  bool changed = false;
  for (const auto& [from, to] : rule.rename) {
    if (value.is_object() && value.contains(from)) {
      Json moved = std::move(value[from]);
      value.erase(from);
      value[to] = std::move(moved);
      changed = true;
    }
  }
  if (value.is_structured()) {
    for (Json& element : value) changed = rename_keys(element, rule) || changed;
  }
  return changed;
}

}  // namespace

bool has_tool(const EnvironmentSpec& spec, std::string_view name) {
  return std::any_of(spec.tools.begin(), spec.tools.end(), [&](const Json& tool) {
    const Json function = tool.value("function", tool);
    return function.value("name", "") == name;
  });
}

std::string_view name_of(FaultKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

bool FaultPlan::is_idle() const {
  return std::all_of(rules.begin(), rules.end(),
                     [](const FaultRule& rule) { return rule.rate <= 0.0; });
}

std::optional<std::size_t> FaultPlan::draw(const Crossing& crossing, RandomKey key,
                                           std::uint64_t number) const {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const FaultRule& rule = rules[i];
    if (rule.rate > 0.0 && aims_at(rule.target, crossing.target) &&
        inside(rule.window.turns, crossing.turn) &&
        inside(rule.window.positions, crossing.position) &&
        inside(rule.window.ms, crossing.now.ns / 1'000'000) &&
        uniform_at(key.split(i), number) < rule.rate) {
      return i;
    }
  }
  return std::nullopt;
}

FaultPlan read_faults(JsonObject& scenario) {
  FaultPlan plan;
  for (JsonObject& object : scenario.objects("faults", false)) {
    plan.rules.push_back(read_rule(std::move(object)));
  }
  return plan;
}

void check_faults(const FaultPlan& plan, const EnvironmentSpec& spec, JsonReader& reader) {
  for (std::size_t i = 0; i < plan.rules.size(); ++i) {
    const std::string& target = plan.rules[i].target;
    const bool known = target == "*" || target == "action" || target == "tool:*" ||
                       (target.starts_with("tool:") && has_tool(spec, target.substr(5)));
    if (!known) {
      reader.fail("/faults/" + std::to_string(i) + "/target",
                  "expected \"*\", \"action\", \"tool:*\" or \"tool:NAME\" with a tool of the "
                  "environment; found \"" +
                      target + "\"");
    }
  }
}

Json faults_schema() {
  const Json bounds = {{"type", "array"},
                       {"items", {{"type", "integer"}, {"minimum", 0}}},
                       {"minItems", 2},
                       {"maxItems", 2}};
  const Json window = {{"type", "object"},
                       {"additionalProperties", false},
                       {"properties", {{"turns", bounds}, {"positions", bounds}, {"ms", bounds}}}};
  const Json rule = {
      {"type", "object"},
      {"required", {"kind", "rate"}},
      {"additionalProperties", false},
      {"properties",
       {{"kind", {{"enum", kNames}}},
        {"rate", {{"type", "number"}, {"minimum", 0}, {"maximum", 1}}},
        {"target", {{"type", "string"}, {"default", "*"}}},
        {"window", window},
        {"after_ms", {{"type", "integer"}, {"minimum", 0}, {"default", 30'000}}},
        {"delay", latency_schema()},
        {"message", {{"type", "string"}}},
        {"rename", {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}}}}}};
  return {{"type", "array"},
          {"items", rule},
          {"description", "what goes wrong between an action and the environment"}};
}

bool drift(std::string& text, const FaultRule& rule) {
  const std::string_view trimmed = trim(text);
  if (trimmed.starts_with('{') || trimmed.starts_with('[')) {
    if (Result<JsonDocument> read = parse_json(text)) {
      Json value = std::move(read->root);
      if (!rename_keys(value, rule)) {
        return false;
      }
      text = canonical(value);
      return true;
    }
  }
  return rename_words(text, rule);
}

std::string ledger_entry(FaultKind kind, std::size_t rule, std::string_view target,
                         std::string_view call) {
  Json entry = {{"kind", std::string(name_of(kind))}, {"rule", rule}, {"target", target}};
  if (!call.empty()) entry["call"] = call;
  return canonical(entry);
}

}  // namespace turnhalle
