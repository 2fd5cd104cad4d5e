// The keywords of JSON Schema (2020-12) that our schemas use, as a check of a value.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "core/json.h"

namespace turnhalle {

inline bool has_schema_type(const Json& value, const std::string& type) {
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "array") return value.is_array();
  if (type == "null") return value.is_null();
  return type == "object" && value.is_object();
}

std::vector<std::string> schema_errors(const Json& schema, const Json& value,
                                       const std::string& at = "");

inline void check_schema_object(const Json& schema, const Json& value, const std::string& at,
                                std::vector<std::string>& errors) {
  for (const Json& key : schema.value("required", Json::array())) {
    if (!value.contains(key.get<std::string>())) errors.push_back(at + ": lacks " + key.dump());
  }
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [key, item] : value.items()) {
    Json rule = properties.contains(key) ? properties[key]
                                         : schema.value("additionalProperties", Json(true));
    if (rule == true) continue;
    if (rule == false) {
      errors.push_back(at + ": does not know \"" + key + "\"");
      continue;
    }
    for (std::string& error : schema_errors(rule, item, at + "/" + key)) {
      errors.push_back(std::move(error));
    }
  }
}

inline void check_schema_choices(const Json& schema, const Json& value, const std::string& at,
                                 std::vector<std::string>& errors) {
  for (const char* keyword : {"oneOf", "anyOf", "allOf"}) {
    if (!schema.contains(keyword)) continue;
    std::size_t fitting = 0;
    for (const Json& choice : schema[keyword]) fitting += schema_errors(choice, value).empty();
    const std::string word = keyword;
    const bool good = word == "oneOf"   ? fitting == 1
                      : word == "anyOf" ? fitting > 0
                                        : fitting == schema[keyword].size();
    if (!good) errors.push_back(at + ": " + value.dump() + " fits " + std::to_string(fitting) +
                                " choices of " + word);
  }
  if (schema.contains("if") && schema_errors(schema["if"], value).empty()) {
    for (std::string& error : schema_errors(schema["then"], value, at)) {
      errors.push_back(std::move(error));
    }
  }
}

/// What is wrong with the value; empty when it fits the schema. A keyword that is not known here
/// is an error too.
inline std::vector<std::string> schema_errors(const Json& schema, const Json& value,
                                              const std::string& at) {
  static const std::set<std::string> known = {
      "$schema", "title", "description", "default", "type", "enum", "const", "required",
      "properties", "additionalProperties", "items", "minItems", "maxItems", "minimum", "maximum",
      "oneOf", "anyOf", "allOf", "if", "then"};
  std::vector<std::string> errors;
  for (const auto& [keyword, unused] : schema.items()) {
    if (!known.contains(keyword)) errors.push_back(at + ": unknown keyword " + keyword);
  }
  if (schema.contains("type")) {
    const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
    if (std::none_of(types.begin(), types.end(), [&](const Json& type) {
          return has_schema_type(value, type.get<std::string>());
        })) {
      errors.push_back(at + ": " + value.dump() + " is not of type " + schema["type"].dump());
    }
  }
  const Json all = schema.value("enum", Json());
  if (all.is_array() && std::find(all.begin(), all.end(), value) == all.end()) {
    errors.push_back(at + ": " + value.dump() + " is none of " + all.dump());
  }
  if (schema.contains("const") && schema["const"] != value) {
    errors.push_back(at + ": " + value.dump() + " is not " + schema["const"].dump());
  }
  if (value.is_number() && ((schema.contains("minimum") && value < schema["minimum"]) ||
                            (schema.contains("maximum") && value > schema["maximum"]))) {
    errors.push_back(at + ": " + value.dump() + " is out of range");
  }
  if (value.is_array()) {
    if (value.size() < schema.value("minItems", std::size_t{0}) ||
        value.size() > schema.value("maxItems", value.size())) {
      errors.push_back(at + ": has " + std::to_string(value.size()) + " items");
    }
    for (std::size_t i = 0; i < value.size() && schema.contains("items"); ++i) {
      for (std::string& error :
           schema_errors(schema["items"], value[i], at + "/" + std::to_string(i))) {
        errors.push_back(std::move(error));
      }
    }
  }
  if (value.is_object()) check_schema_object(schema, value, at, errors);
  check_schema_choices(schema, value, at, errors);
  return errors;
}

}  // namespace turnhalle
