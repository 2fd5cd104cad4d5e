// From JSON to a Pack.
#include <algorithm>

#include "core/text.h"
#include "envs/tool_api/tasks.h"

namespace turnhalle::tool_api {
namespace {

constexpr std::size_t kSnippetsMax = 200;
constexpr std::size_t kTasksMax = 10'000;
constexpr std::size_t kTurnsMax = 32;

class PackReader {
 public:
  explicit PackReader(JsonObject& root) : root_(root) {}

  Pack read() {
    const std::array<std::string, 1> kinds = {"api"};
    root_.one_of("kind", kinds);
    root_.integer("version", {1, 1});
    root_.ignore("$schema");
    pack_.api = read_api(root_);
    pack_.leaks_max = root_.integer("leaks_max", {0, 1'000'000}, pack_.leaks_max);
    read_basis();
    if (root_.has("generator")) {
      JsonObject generator = root_.object("generator");
      read_generator(generator);
      generator.finish();
    }
    for (JsonObject& object : limited(root_, "tasks", kTasksMax)) {
      pack_.tasks.push_back(read_task(object));
      object.finish();
    }
    if (pack_.tasks.empty() && pack_.snippets.empty()) {
      root_.fail("tasks", "tasks, or a generator with snippets");
    }
    root_.finish();
    return std::move(pack_);
  }

 private:
  static std::vector<JsonObject> limited(JsonObject& parent, std::string_view key,
                                         std::size_t count_max) {
    std::vector<JsonObject> objects = parent.objects(key, false);
    if (objects.size() > count_max) {
      parent.fail(key, "at most " + std::to_string(count_max) + " entries");
      objects.clear();
    }
    return objects;
  }

  void read_basis() {
    for (const std::string& name : root_.strings("basis", false)) {
      const auto found = std::find(kBasisNames.begin(), kBasisNames.end(), name);
      if (found == kBasisNames.end()) {
        root_.fail("basis", "some of " + join_names());
      } else {
        pack_.basis.push_back(static_cast<Basis>(found - kBasisNames.begin()));
      }
    }
    if (pack_.basis.empty()) {
      pack_.basis = {Basis::state, Basis::responses, Basis::communicate, Basis::forbidden,
                     Basis::refusal, Basis::assertions};
    }
  }

  static std::string join_names() {
    return turnhalle::join(std::vector<std::string>(kBasisNames.begin(), kBasisNames.end()), ", ");
  }

  void read_generator(JsonObject& generator) {
    Scope scope = pack_.api.scope();
    pack_.world = read_effects(generator, "world", scope, false, false);
    scope.locals.clear();
    pack_.inflate = read_effects(generator, "inflate", scope, false, false);
    scope.locals.clear();
    pack_.common = read_effects(generator, "common", scope, false, false);
    pack_.turns = generator.integer_pair("turns", {1, kTurnsMax}, std::pair{1L, 1L});
    for (JsonObject& object : limited(generator, "snippets", kSnippetsMax)) {
      pack_.snippets.push_back(read_snippet(object, scope));
      object.finish();
    }
  }

  Snippet read_snippet(JsonObject& object, Scope scope) {
    Snippet snippet;
    snippet.name = object.string("name");
    snippet.weight = object.integer("weight", {1, 1000}, 1);
    snippet.times = object.integer("times", {1, 100}, 1);
    snippet.first = object.boolean("first", false);
    snippet.last = object.boolean("last", false);
    snippet.draws = read_effects(object, "draw", scope, false, false);
    snippet.say = read_templates(object, "say", scope);
    if (snippet.say.empty()) object.fail("say", "at least one text");
    for (JsonObject& gold : limited(object, "gold", kTurnsMax)) {
      snippet.gold.push_back(read_gold(gold, scope));
      gold.finish();
    }
    snippet.communicate = read_templates(object, "communicate", scope);
    snippet.forbid = read_templates(object, "forbid", scope);
    snippet.refuse = read_templates(object, "refuse", scope);
    snippet.assertions = read_assertions(object, scope);
    return snippet;
  }

  static std::vector<Template> read_templates(JsonObject& object, std::string_view key,
                                              const Scope& scope) {
    std::vector<Template> made;
    for (const std::string& text : object.strings(key, false)) {
      Result<Template> one = Template::parse(text, scope);
      if (!one) {
        object.fail(key, one.error().message);
      } else {
        made.push_back(*std::move(one));
      }
    }
    return made;
  }

  static std::vector<Assertion> read_assertions(JsonObject& object, const Scope& scope) {
    std::vector<Assertion> made;
    for (const std::string& text : object.strings("assert", false)) {
      Result<Expression> one = Expression::parse(text, scope);
      if (!one) {
        object.fail("assert", "expressions (" + one.error().message + ")");
      } else if (!assignable(*one->type(), *type_of(Type::Kind::boolean))) {
        object.fail("assert", "expressions of type bool, not " + name_of(*one->type()));
      } else {
        made.push_back(std::make_shared<const Expression>(*std::move(one)));
      }
    }
    return made;
  }

  const Tool* read_tool(JsonObject& object) {
    const std::string name = object.string("tool");
    const Tool* tool = pack_.api.find(name);
    if (tool == nullptr && object.has("tool")) {
      std::vector<std::string> names;
      for (const Tool& known : pack_.api.tools) names.push_back(known.name);
      object.fail("tool", "a tool of this API." + did_you_mean(name, names));
    }
    return tool;
  }

  GoldTemplate read_gold(JsonObject& object, const Scope& scope) {
    GoldTemplate gold;
    gold.optional = object.boolean("optional", false);
    if (object.has("if")) {
      gold.when = read_expression(object, "if", scope);
      if (gold.when.type() != nullptr &&
          !assignable(*gold.when.type(), *type_of(Type::Kind::boolean))) {
        object.fail("if", "an expression of type bool, not " + name_of(*gold.when.type()));
      }
    }
    const Tool* tool = read_tool(object);
    JsonObject arguments = object.object("args", false);
    if (tool == nullptr) return gold;
    gold.tool = tool->name;
    for (const Parameter& parameter : tool->parameters) {
      if (!arguments.has(parameter.name)) {
        if (parameter.required) arguments.fail(parameter.name, "a value for the parameter");
        continue;
      }
      gold.arguments.emplace_back(parameter.name,
                                  read_expression(arguments, parameter.name, scope));
      const TypeRef& type = gold.arguments.back().second.type();
      if (type != nullptr && !assignable(*type, *parameter.type)) {
        arguments.fail(parameter.name, "an expression of type " + name_of(*parameter.type) +
                                           ", not " + name_of(*type));
      }
    }
    arguments.finish();
    return gold;
  }

  FixedTask read_task(JsonObject& object) {
    FixedTask task;
    task.id = object.string("id");
    Json state = to_json(pack_.api.initial_state);
    if (object.has("initial_state")) state.merge_patch(object.any("initial_state"));
    task.initial = Value::from_json(state);
    std::string where;
    if (pack_.api.state != nullptr && !conforms(task.initial, *pack_.api.state, where)) {
      object.fail("initial_state", "changes that give a state (" + where + ")");
    }
    for (JsonObject& turn : limited(object, "turns", kTurnsMax)) {
      task.turns.push_back(read_turn(turn));
      turn.finish();
    }
    if (task.turns.empty()) object.fail("turns", "at least one turn");
    return task;
  }

  FixedTurn read_turn(JsonObject& object) {
    FixedTurn turn;
    turn.say = object.string("say");
    for (JsonObject& gold : limited(object, "gold", kTurnsMax)) {
      const Tool* tool = read_tool(gold);
      Json arguments = gold.any("args", false);
      if (arguments.is_null()) arguments = Json::object();
      turn.gold.push_back({tool != nullptr ? tool->name : "", arguments,
                           gold.boolean("optional", false)});
      gold.finish();
    }
    turn.communicate = object.strings("communicate", false);
    turn.forbid = object.strings("forbid", false);
    turn.refuse = object.strings("refuse", false);
    turn.assertions = read_assertions(object, pack_.api.scope());
    return turn;
  }

  JsonObject& root_;
  Pack pack_;
};

}  // namespace

const std::array<std::string, 6> kVariantNames = {"base",         "missing_function",
                                                  "missing_parameter", "long_context",
                                                  "flaky",        "renamed"};
const std::array<std::string, 7> kBasisNames = {
    "state", "responses", "actions", "communicate", "forbidden", "refusal", "assertions"};

Pack read_pack(JsonObject& root) { return PackReader(root).read(); }

Result<Pack> pack_from(const JsonDocument& document) {
  JsonReader reader(document);
  JsonObject root = reader.object();
  Pack pack = read_pack(root);
  if (!reader.ok()) {
    return reader.error();
  }
  return pack;
}

}  // namespace turnhalle::tool_api
