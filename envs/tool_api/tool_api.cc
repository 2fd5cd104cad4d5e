#include "envs/tool_api/tool_api.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "core/text.h"
#include "envs/option_schema.h"
#include "envs/tool_api/players.h"
#include "envs/tool_api/prompt.h"
#include "envs/tool_api/session.h"

namespace turnhalle::tool_api {
namespace {

constexpr std::int64_t kCallsMax = 200;
constexpr std::int64_t kSessionTurnsMax = 1000;

const std::array<std::string, 3> kRewards = {"success", "progress", "credit"};
const std::array<std::string, 2> kUserTools = {"agent", "user"};

template <class Names>
std::size_t place_of(const Names& names, const std::string& name) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

class ToolFamily final : public EnvironmentFamily {
 public:
  ToolFamily(Pack pack, Options options, PromptStyle style) {
    auto fixed = std::make_shared<Fixed>();
    fixed->pack = std::move(pack);
    fixed->options = std::move(options);
    fixed->style = style;
    EnvironmentSpec& spec = fixed->spec;
    spec.name = "tool_api";
    spec.action_grammar =
        "<tool_call>{\"name\": …, \"arguments\": {…}}</tool_call>, or text that ends the turn";
    spec.turns_max = fixed->options.turns;
    spec.calls_one_by_one = true;
    spec.success_from = 1.0 - 1e-9;  // shares of turns are added up
    std::string lines;
    for (const Tool& tool : fixed->pack.api.tools) {
      const bool hidden =
          tool.side == Side::user && fixed->options.user_tools == UserTools::user;
      if (!hidden) spec.tools.push_back(tool_definition(tool));
      fixed->tools.emplace(tool.name, &tool);
      fixed->tool_lines.push_back(tool_line(tool));
      if (hidden) continue;
      lines += (lines.empty() ? "" : "\n") + fixed->tool_lines.back();
    }
    fixed->prompt = system_prompt(fixed->pack.api, lines);
    fixed_ = std::move(fixed);
  }

  const EnvironmentSpec& spec() const override { return fixed_->spec; }
  ContextWords context_words() const override {
    if (fixed_->style == PromptStyle::compact) return {" none", " none", {}, {}};
    return {"Hints: null", "Hints: no hint available.", {}, {}};
  }
  std::unique_ptr<Environment> make() const override { return std::make_unique<Session>(fixed_); }
  std::unique_ptr<Player> make_player(std::string_view role) const override {
    return tool_api::make_player(role, fixed_->style);
  }

 private:
  std::shared_ptr<const Fixed> fixed_;
};

std::vector<Variant> read_variants(JsonObject& object) {
  std::vector<Variant> variants;
  for (const std::string& name : object.strings("variants", false)) {
    const std::size_t place = place_of(kVariantNames, name);
    if (place == kVariantNames.size()) {
      const std::vector<std::string> names(kVariantNames.begin(), kVariantNames.end());
      object.fail("variants", "some of " + turnhalle::join(names, ", ") + ", not " +
                                  in_quotes(name) + "." + did_you_mean(name, names));
      continue;
    }
    variants.push_back(static_cast<Variant>(place));
  }
  if (variants.empty()) variants.push_back(Variant::base);
  const bool renames = std::find(variants.begin(), variants.end(), Variant::renamed) !=
                       variants.end();
  if (renames && variants.size() > 1) {
    object.fail("variants", "\"renamed\" alone: it holds for all tasks of a scenario");
  }
  return variants;
}

// A pack by its name, or out of a file.
Pack read_named_pack(JsonObject& object) {
  const std::string name = object.string("pack");
  const bool is_file = name.ends_with(".json");
  if (!is_file && pack_text(name).empty()) {
    if (object.has("pack")) {
      object.fail("pack", "a pack (" + turnhalle::join(pack_names(), ", ") +
                              ") or the path of a JSON file." + did_you_mean(name, pack_names()));
    }
    return {};
  }
  const Result<JsonDocument> document =
      is_file ? read_json(name) : parse_json(std::string(pack_text(name)), name);
  if (!document) {
    object.fail("pack", "an API file that reads (" + document.error().text() + ")");
    return {};
  }
  Result<Pack> pack = pack_from(*document);
  if (!pack) {
    object.fail("pack", "an API file that reads (" + pack.error().text() + ")");
    return {};
  }
  return *std::move(pack);
}

Pack read_inline_pack(JsonObject& object) {
  if (object.has("pack")) object.fail("pack", "either pack or api");
  JsonObject api = object.object("api");
  return read_pack(api);
}

std::shared_ptr<const EnvironmentFamily> read_family(JsonObject object, PromptStyle style) {
  Pack pack = object.has("api") ? read_inline_pack(object) : read_named_pack(object);
  Options options;
  options.variants = read_variants(object);
  options.reward = static_cast<RewardKind>(
      place_of(kRewards, object.one_of("reward", kRewards, kRewards[0])));
  options.hints = object.boolean("hints", options.hints);
  options.user_tools = static_cast<UserTools>(
      place_of(kUserTools, object.one_of("user_tools", kUserTools, kUserTools[0])));
  options.calls_per_turn =
      object.integer("calls_per_turn", {1, kCallsMax}, options.calls_per_turn);
  options.turns = object.integer("turns", {1, kSessionTurnsMax}, options.turns);
  object.finish();
  if (options.variants.front() == Variant::renamed) rename_tools(pack);
  return std::make_shared<ToolFamily>(std::move(pack), std::move(options), style);
}

Json options_schema() {
  const Json names = {{"type", "array"}, {"items", {{"enum", kVariantNames}}}};
  return options_object(
      {{"pack", {{"type", "string"}, {"description", "a name or the path of an API file"}}},
       {"api", {{"type", "object"}, {"description", "an API, instead of pack"}}},
       {"variants", with_default(names, {"base"})},
       {"reward", with_default({{"enum", kRewards}}, "success")},
       {"hints", boolean_schema(true)},
       {"user_tools", with_default({{"enum", kUserTools}}, "agent")},
       {"calls_per_turn", with_default(integer_schema(1, kCallsMax), 30)},
       {"turns", with_default(integer_schema(1, kSessionTurnsMax), 60)}});
}

}  // namespace

EnvironmentEntry entry() {
  return {"tool_api",
          "requests of a user that take calls of stateful tools, described in JSON",
          {"expert", "nothing", "random", "spam", "transfer"},
          read_family,
          options_schema()};
}

}  // namespace turnhalle::tool_api
