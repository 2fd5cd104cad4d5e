// From JSON to an Api. Every expression is typed here, so that calls need no look at types.
#include <algorithm>
#include <array>
#include <set>

#include "core/text.h"
#include "envs/tool_api/machine.h"

namespace turnhalle::tool_api {
namespace {

using Kind = Type::Kind;

constexpr std::size_t kToolsMax = 200;
constexpr std::size_t kEntriesMax = 1000;  // of each other list
constexpr int kBlocksMax = 8;              // blocks of effects in each other

const std::array<std::string, 3> kKinds = {"READ", "WRITE", "GENERIC"};
const std::array<std::string, 2> kSides = {"agent", "user"};

// Names that agents and expressions can write: letters, digits, underscores; a letter first.
bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_';
         });
}

bool is_taken(const std::string& name) {
  static const std::set<std::string> kTaken = {"state", "constants", "true", "false", "null", "if",
                                               "else",  "and",       "or",   "not",   "in"};
  return kTaken.contains(name);
}

std::string read_name(JsonObject& object, std::string_view key = "name") {
  std::string name = object.string(key);
  if (object.has(key) && (!is_name(name) || is_taken(name))) {
    object.fail(key, "a name of letters, digits and underscores that is no word of expressions");
  }
  return name;
}

TypeRef read_type(JsonObject& object, std::string_view key, const Json& named) {
  const Result<TypeRef> type = parse_type(object.any(key), named);
  if (!type) {
    object.fail(key, type.error().message);
    return type_of(Kind::any);
  }
  return *type;
}

// A list of objects that is not too long.
std::vector<JsonObject> read_objects(JsonObject& parent, std::string_view key, bool required,
                                     std::size_t count_max = kEntriesMax) {
  std::vector<JsonObject> objects = parent.objects(key, required);
  if (objects.size() > count_max) {
    parent.fail(key, "at most " + std::to_string(count_max) + " entries");
    objects.clear();
  }
  return objects;
}

void demand(JsonObject& object, std::string_view key, const Expression& expression,
            const TypeRef& type) {
  if (expression.type() != nullptr && !assignable(*expression.type(), *type)) {
    object.fail(key, "an expression of type " + name_of(*type) + ", not " +
                         name_of(*expression.type()));
  }
}

Expression read_typed(JsonObject& object, std::string_view key, const Scope& scope,
                      const TypeRef& type) {
  Expression expression = read_expression(object, key, scope);
  demand(object, key, expression, type);
  return expression;
}

// Reads one list of effects.
class EffectsReader {
 public:
  EffectsReader(Scope& scope, bool draws_from_state)
      : scope_(scope), draws_from_state_(draws_from_state) {}

  std::vector<Effect> read(JsonObject& parent, std::string_view key, bool required, int depth) {
    std::vector<Effect> effects;
    if (depth > kBlocksMax) {
      parent.fail(key, "blocks at most " + std::to_string(kBlocksMax) + " deep");
      return effects;
    }
    for (JsonObject& object : read_objects(parent, key, required)) {
      effects.push_back(read_one(object, depth));
      object.finish();
    }
    return effects;
  }

 private:
  static constexpr std::array<std::string_view, 10> kVerbs = {
      "set", "insert", "erase", "append", "inc", "let", "draw", "require", "if", "for_each"};

  Effect read_one(JsonObject& object, int depth) {
    for (const std::string_view verb : kVerbs) {
      if (!object.has(verb)) continue;
      if (verb == "let" || verb == "draw") return read_local(object, verb);
      if (verb == "require") return read_condition(object, verb, Effect::Kind::require, depth);
      if (verb == "if") return read_condition(object, verb, Effect::Kind::choose, depth);
      if (verb == "for_each") return read_loop(object, depth);
      return read_change(object, verb);
    }
    object.fail("set", "an effect: " + turnhalle::join(std::vector<std::string>(
                                           kVerbs.begin(), kVerbs.end()), ", "));
    return {};
  }

  void add_local(JsonObject& object, std::string_view key, const TypeRef& type) {
    scope_.locals.emplace_back(read_name(object, key), type);
  }

  Effect read_local(JsonObject& object, std::string_view verb) {
    Effect effect;
    TypeRef type = type_of(Kind::integer);
    if (verb == "let") {
      effect.value = read_expression(object, "be", scope_);
      type = type_or_any(effect.value);
    } else if (object.has("from")) {
      effect.kind = Effect::Kind::draw_from;
      effect.value = read_expression(object, "from", scope_);
      const TypeRef list = type_or_any(effect.value);
      if (list->kind != Kind::list) object.fail("from", "a list, not " + name_of(*list));
      type = list->kind == Kind::list ? list->element : type_of(Kind::any);
    } else {
      effect.kind = Effect::Kind::draw_between;
      effect.key = read_typed(object, "low", scope_, type);
      effect.value = read_typed(object, "high", scope_, type);
    }
    if (verb == "draw" && draws_from_state_ && !state_has_random()) {
      object.fail(verb, "a state with random: {seed: int, counter: int} to draw from");
    }
    add_local(object, verb, type);
    return effect;
  }

  static TypeRef type_or_any(const Expression& expression) {
    return expression.type() != nullptr ? expression.type() : type_of(Kind::any);
  }

  bool state_has_random() const {
    const Type::Field* random = scope_.state->field("random");
    return random != nullptr &&
           assignable(*record_of({{"counter", type_of(Kind::integer)},
                                  {"seed", type_of(Kind::integer)}}),
                      *random->second);
  }

  Effect read_condition(JsonObject& object, std::string_view verb, Effect::Kind kind, int depth) {
    Effect effect;
    effect.kind = kind;
    effect.value = read_typed(object, verb, scope_, type_of(Kind::boolean));
    if (kind == Effect::Kind::choose) {
      effect.then = read_block(object, "then", true, depth);
      effect.otherwise = read_block(object, "else", false, depth);
    }
    return effect;
  }

  std::vector<Effect> read_block(JsonObject& object, std::string_view key, bool required,
                                 int depth) {
    const std::size_t locals = scope_.locals.size();
    std::vector<Effect> effects = read(object, key, required, depth + 1);
    scope_.locals.resize(locals);
    return effects;
  }

  Effect read_loop(JsonObject& object, int depth) {
    Effect effect;
    effect.kind = Effect::Kind::for_each;
    effect.value = read_expression(object, "in", scope_);
    const TypeRef list = type_or_any(effect.value);
    if (list->kind != Kind::list) object.fail("in", "a list, not " + name_of(*list));
    add_local(object, "for_each", list->kind == Kind::list ? list->element : type_of(Kind::any));
    effect.then = read_block(object, "do", true, depth);
    scope_.locals.pop_back();
    return effect;
  }

  Effect read_change(JsonObject& object, std::string_view verb) {
    Effect effect;
    effect.path = read_expression(object, verb, scope_);
    if (effect.path.type() == nullptr) {
      read_operands_blindly(object);
      return effect;
    }
    if (!effect.path.is_path()) object.fail(verb, "a path that begins with state and goes on");
    const TypeRef at = effect.path.type();
    const bool list = at->kind == Kind::list && !at->optional;
    const bool map = at->kind == Kind::map && !at->optional;
    if (verb == "set") {
      effect.kind = Effect::Kind::set;
      effect.value = read_typed(object, "to", scope_, at);
    } else if (verb == "inc") {
      effect.kind = Effect::Kind::increase;
      if (!at->is_numeric() || at->optional) object.fail(verb, "the path of a number");
      effect.value = read_typed(object, "by", scope_, at);
    } else if (verb == "append") {
      effect.kind = Effect::Kind::append;
      if (!list) object.fail(verb, "the path of a list");
      effect.value = read_typed(object, "value", scope_, list ? at->element : at);
    } else if (verb == "insert") {
      effect.kind = Effect::Kind::insert;
      if (!map) object.fail(verb, "the path of a map");
      effect.key = read_typed(object, "key", scope_, type_of(Kind::string));
      effect.value = read_typed(object, "value", scope_, map ? at->element : at);
    } else {
      effect.kind = Effect::Kind::erase;
      if (!map && !list) object.fail(verb, "the path of a map or a list");
      effect.key = read_typed(object, "key", scope_, type_of(list ? Kind::integer : Kind::string));
    }
    return effect;
  }

  // After an error: so that the keys count as known.
  static void read_operands_blindly(JsonObject& object) {
    for (const char* key : {"to", "by", "key", "value"}) object.ignore(key);
  }

  Scope& scope_;
  bool draws_from_state_;
};

class ApiReader {
 public:
  explicit ApiReader(JsonObject& root) : root_(root) {}

  Api read() {
    api_.name = read_name(root_);
    api_.summary = root_.string("summary", "");
    api_.policy = root_.string("policy", "");
    named_ = root_.any("types", false);
    for (const auto& [name, type] : named_.items()) {
      if (const Result<TypeRef> read = parse_type(type, named_); !read) {
        root_.object("types").fail(name, read.error().message);
      }
    }
    api_.constants = Value::from_json(root_.any("constants", false));
    if (!api_.constants.is_map()) api_.constants = Value::map({});
    api_.state = read_type(root_, "state", named_);
    if (api_.state->kind != Kind::record) root_.fail("state", "an object of fields");
    read_functions();
    read_initial_state();
    read_rules();
    for (JsonObject& object : read_objects(root_, "invariants", false)) {
      const Expression that =
          read_typed(object, "that", api_.scope(), type_of(Kind::boolean));
      api_.invariants.push_back({that, object.string("text")});
      object.finish();
    }
    for (JsonObject& object : read_objects(root_, "tools", true, kToolsMax)) read_tool(object);
    return std::move(api_);
  }

 private:
  void read_functions() {
    for (JsonObject& object : read_objects(root_, "functions", false)) {
      auto function = std::make_shared<Function>();
      function->name = read_name(object);
      Scope scope = api_.scope();
      for (JsonObject& parameter : read_objects(object, "params", false)) {
        function->parameters.emplace_back(read_name(parameter),
                                          read_type(parameter, "type", named_));
        parameter.finish();
      }
      scope.locals = function->parameters;
      function->body = read_expression(object, "is", scope);
      object.finish();
      if (function->body.type() != nullptr) api_.functions.push_back(std::move(function));
    }
  }

  void read_initial_state() {
    api_.initial_state = Value::from_json(root_.any("initial_state"));
    std::string where;
    if (!conforms(api_.initial_state, *api_.state, where)) {
      root_.fail("initial_state", "a state of the type above (" + where + ")");
    }
  }

  void read_rules() {
    for (const std::string& path : root_.strings("log_fields", false)) api_.rules.ignore(path);
    for (const std::string& path : root_.strings("unordered", false)) api_.rules.unorder(path);
    api_.rules.tolerance = root_.number("float_tol", {0.0, 1.0}, 1e-9);
  }

  void read_tool(JsonObject& object) {
    Tool tool;
    tool.name = read_name(object);
    if (api_.find(tool.name) != nullptr) object.fail("name", "each tool's name once");
    tool.description = object.string("description");
    const std::string kind = object.one_of("kind", kKinds);
    tool.kind = kind == kKinds[0]   ? ToolKind::read
                : kind == kKinds[1] ? ToolKind::write
                                    : ToolKind::generic;
    tool.side = object.one_of("side", kSides, kSides[0]) == kSides[0] ? Side::agent : Side::user;
    Scope scope = api_.scope();
    for (JsonObject& parameter : read_objects(object, "params", false)) {
      tool.parameters.push_back(read_parameter(parameter));
      scope.locals.emplace_back(tool.parameters.back().name, tool.parameters.back().type);
      parameter.finish();
    }
    for (JsonObject& condition : read_objects(object, "pre", false)) {
      tool.conditions.push_back(read_condition(condition, scope));
      condition.finish();
    }
    tool.effects = read_effects(object, "effects", scope, true, false);
    if (tool.kind == ToolKind::read && !tool.effects.empty()) {
      object.fail("effects", "no effects of a READ tool");
    }
    tool.returns = read_expression(object, "returns", scope);
    object.finish();
    api_.tools.push_back(std::move(tool));
  }

  Condition read_condition(JsonObject& object, Scope& scope) {
    Condition condition;
    if (object.has("let")) {
      condition.is_let = true;
      condition.expression = read_expression(object, "be", scope);
      scope.locals.emplace_back(read_name(object, "let"),
                                condition.expression.type() != nullptr
                                    ? condition.expression.type()
                                    : type_of(Kind::any));
      return condition;
    }
    condition.expression = read_typed(object, "that", scope, type_of(Kind::boolean));
    condition.message = read_template(object, "error", scope);
    condition.code = object.string("code", "refused");
    if (object.has("hint")) condition.hint = read_template(object, "hint", scope);
    return condition;
  }

  Parameter read_parameter(JsonObject& object) {
    Parameter parameter;
    parameter.name = read_name(object);
    parameter.description = object.string("description", "");
    parameter.type = read_type(object, "type", named_);
    parameter.required = object.boolean("required", !object.has("default"));
    parameter.pattern = object.string("pattern", "");
    if (object.has("min")) parameter.low = object.number("min", {});
    if (object.has("max")) parameter.high = object.number("max", {});
    const Json one_of = object.any("enum", false);
    for (const Json& value : one_of) parameter.one_of.push_back(Value::from_json(value));
    std::string where;
    for (const Value& value : parameter.one_of) {
      if (!conforms(value, *parameter.type, where)) {
        object.fail("enum", "values of type " + name_of(*parameter.type));
      }
    }
    if (!one_of.is_null() && !one_of.is_array()) object.fail("enum", "an array");
    parameter.fallback = Value::from_json(object.any("default", false));
    if (!parameter.required && !conforms(parameter.fallback, *parameter.type, where)) {
      object.fail("default", "a value of type " + name_of(*parameter.type) +
                                 " (or a type that ends in ?)");
    }
    return parameter;
  }

  JsonObject& root_;
  Json named_;
  Api api_;
};

}  // namespace

Expression read_expression(JsonObject& object, std::string_view key, const Scope& scope) {
  const Json json = object.any(key);
  const std::string text =
      json.is_string() ? json.get<std::string>()
                       : json.dump(-1, ' ', false, Json::error_handler_t::replace);
  Result<Expression> expression = Expression::parse(text, scope);
  if (!expression) {
    object.fail(key, "an expression (" + expression.error().message + ")");
    return {};
  }
  return *std::move(expression);
}

Template read_template(JsonObject& object, std::string_view key, const Scope& scope) {
  Result<Template> made = Template::parse(object.string(key), scope);
  if (!made) {
    object.fail(key, made.error().message);
    return {};
  }
  return *std::move(made);
}

std::vector<Effect> read_effects(JsonObject& parent, std::string_view key, Scope& scope,
                                 bool draws_from_state, bool required) {
  return EffectsReader(scope, draws_from_state).read(parent, key, required, 0);
}

Api read_api(JsonObject& root) { return ApiReader(root).read(); }

}  // namespace turnhalle::tool_api
