#include "envs/option_schema.h"

#include <utility>

namespace turnhalle {

Json integer_schema(std::int64_t low, std::int64_t high) {
  return {{"type", "integer"}, {"minimum", low}, {"maximum", high}};
}

Json number_schema(double low, double high) {
  return {{"type", "number"}, {"minimum", low}, {"maximum", high}};
}

Json boolean_schema(bool fallback) { return {{"type", "boolean"}, {"default", fallback}}; }

Json with_default(Json schema, const Json& fallback) {
  schema["default"] = fallback;
  return schema;
}

Json pair_schema(const Json& item, const Json& fallback) {
  const Json array = {{"type", "array"}, {"items", item}, {"minItems", 2}, {"maxItems", 2}};
  return {{"anyOf", {item, array}}, {"default", fallback}};
}

Json options_object(Json properties) {
  return {
      {"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
}

}  // namespace turnhalle
