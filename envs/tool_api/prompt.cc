#include "envs/tool_api/prompt.h"

namespace turnhalle::tool_api {
namespace {

using Kind = Type::Kind;

constexpr std::string_view kRules =
    "You help a user by calling tools. The user cannot see the calls, only what you write at the "
    "end of your turn.\n\n"
    "# How to act\n"
    "To call tools, write for each of them "
    "<tool_call>{\"name\": …, \"arguments\": {…}}</tool_call>. Several calls in one reply run side "
    "by side; call one after another what depends on an earlier result. A reply without a call "
    "is read by the user and ends your turn: write it when the request is done, and say in it "
    "what the user asked to know. When a request cannot be done, or a value for it is missing and "
    "no tool tells it, say so or ask instead of guessing. Change nothing that was not asked for.";

Json parameter_schema(const Parameter& parameter) {
  Json schema = type_schema(*parameter.type);
  const bool text = parameter.type->kind == Kind::string;
  if (!parameter.description.empty()) schema["description"] = parameter.description;
  if (!parameter.one_of.empty()) schema["enum"] = to_json(Value::list(parameter.one_of));
  if (parameter.low) schema[text ? "minLength" : "minimum"] = *parameter.low;
  if (parameter.high) schema[text ? "maxLength" : "maximum"] = *parameter.high;
  if (!parameter.required && !parameter.fallback.is_null()) {
    schema["default"] = to_json(parameter.fallback);
  }
  return schema;
}

const char* type_word(Kind kind) {
  switch (kind) {
    case Kind::boolean:
      return "boolean";
    case Kind::integer:
      return "integer";
    case Kind::number:
      return "number";
    case Kind::string:
      return "string";
    case Kind::list:
      return "array";
    case Kind::map:
    case Kind::record:
      return "object";
    default:
      return "null";
  }
}

}  // namespace

Json type_schema(const Type& type) {
  Json schema = Json::object();
  if (type.kind == Kind::any || type.kind == Kind::never) return schema;
  schema["type"] = type_word(type.kind);
  if (type.optional) schema["type"] = {type_word(type.kind), "null"};
  if (type.kind == Kind::list) schema["items"] = type_schema(*type.element);
  if (type.kind == Kind::map) schema["additionalProperties"] = type_schema(*type.element);
  if (type.kind == Kind::record) {
    schema["properties"] = Json::object();
    schema["required"] = Json::array();
    schema["additionalProperties"] = false;
    for (const auto& [name, field] : type.fields) {
      schema["properties"][name] = type_schema(*field);
      schema["required"].push_back(name);
    }
  }
  return schema;
}

Json tool_definition(const Tool& tool) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Parameter& parameter : tool.parameters) {
    properties[parameter.name] = parameter_schema(parameter);
    if (parameter.required) required.push_back(parameter.name);
  }
  const std::string description =
      tool.side == Side::user ? "Asks the user to do this, and tells what the user reports: " +
                                    tool.description
                              : tool.description;
  return {{"type", "function"},
          {"function",
           {{"name", tool.name},
            {"description", description},
            {"parameters",
             {{"type", "object"},
              {"properties", std::move(properties)},
              {"required", std::move(required)},
              {"additionalProperties", false}}}}}};
}

std::string tool_line(const Tool& tool) { return canonical(tool_definition(tool)["function"]); }

std::string system_prompt(const Api& api, const std::string& tool_lines) {
  std::string text(kRules);
  if (!api.policy.empty()) text += "\n\n# Policy\n" + api.policy;
  return text + "\n\n# Tools\n" + tool_lines;
}

}  // namespace turnhalle::tool_api
