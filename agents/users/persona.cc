#include "agents/users/persona.h"

#include <algorithm>
#include <array>

namespace turnhalle::users {
namespace {

const std::array<std::string, 4> kDisclosures = {"on_ask", "all_at_once", "one_per_turn",
                                                 "when_pressed"};
const std::array<std::string, 4> kWordings = {"plain", "formal", "casual", "terse"};
constexpr std::int64_t kAsksMax = 4;
constexpr std::int64_t kQuestionsMax = 20;
constexpr std::int64_t kDoubtsMax = 2;
constexpr double kTyposMax = 0.3;

template <class Kind>
Kind one_of(JsonObject& object, std::string_view key, const std::array<std::string, 4>& names) {
  const std::string name = object.one_of(key, names, names[0]);
  const auto place = std::find(names.begin(), names.end(), name);
  return static_cast<Kind>(place == names.end() ? 0 : place - names.begin());
}

Json integers(std::int64_t low, std::int64_t high) {
  return {{"type", "integer"}, {"minimum", low}, {"maximum", high}};
}
Json numbers(double high) { return {{"type", "number"}, {"minimum", 0}, {"maximum", high}}; }

Json closed(Json properties) {
  return {{"type", "object"}, {"additionalProperties", false}, {"properties", properties}};
}

Json axes() {
  const Json boolean = {{"type", "boolean"}};
  const Json text = {{"type", "string"}};
  return {{"kind", {{"const", "user"}}},
          {"version", {{"const", 1}}},
          {"name", text},
          {"summary", text},
          {"held_out", boolean},
          {"disclosure", {{"enum", kDisclosures}}},
          {"asks", integers(1, kAsksMax)},
          {"at_once_max", integers(0, kQuestionsMax)},
          {"deflect", numbers(1)},
          {"volunteer", numbers(1)},
          {"patience", closed({{"grace", integers(1, kQuestionsMax)},
                               {"hazard", numbers(1)},
                               {"growth", numbers(1)}})},
          {"drift_at", integers(0, kQuestionsMax)},
          {"doubts", integers(0, kDoubtsMax)},
          {"stops", boolean},
          {"wording", {{"enum", kWordings}}},
          {"noise", closed({{"typos", numbers(kTyposMax)},
                            {"lower_case", boolean},
                            {"no_punctuation", boolean}})}};
}

std::vector<std::string> shipped_names() {
  std::vector<std::string> names;
  for (const Persona& persona : shipped_personas()) names.push_back(persona.name);
  return names;
}

}  // namespace

Persona read_persona(JsonObject object) {
  Persona persona;
  object.one_of("kind", std::array<std::string, 1>{"user"}, "user");
  object.integer("version", {1, 1}, 1);
  persona.name = object.string("name", "inline");
  persona.summary = object.string("summary", "");
  persona.held_out = object.boolean("held_out", false);
  persona.disclosure = one_of<Disclosure>(object, "disclosure", kDisclosures);
  persona.asks = object.integer("asks", {1, kAsksMax}, persona.asks);
  persona.at_once_max = object.integer("at_once_max", {0, kQuestionsMax}, persona.at_once_max);
  persona.deflect = object.number("deflect", {0.0, 1.0}, persona.deflect);
  persona.volunteer = object.number("volunteer", {0.0, 1.0}, persona.volunteer);
  JsonObject patience = object.object("patience", false);
  persona.patience.grace = patience.integer("grace", {1, kQuestionsMax}, kQuestionsMax);
  persona.patience.hazard = patience.number("hazard", {0.0, 1.0}, 0.0);
  persona.patience.growth = patience.number("growth", {0.0, 1.0}, 0.0);
  patience.finish();
  persona.drift_at = object.integer("drift_at", {0, kQuestionsMax}, persona.drift_at);
  persona.doubts = object.integer("doubts", {0, kDoubtsMax}, persona.doubts);
  persona.stops = object.boolean("stops", persona.stops);
  persona.wording = one_of<Wording>(object, "wording", kWordings);
  JsonObject noise = object.object("noise", false);
  persona.noise.typos = noise.number("typos", {0.0, kTyposMax}, 0.0);
  persona.noise.lower_case = noise.boolean("lower_case", false);
  persona.noise.no_punctuation = noise.boolean("no_punctuation", false);
  noise.finish();
  object.finish();
  return persona;
}

Result<Persona> persona_from(const JsonDocument& document) {
  JsonReader reader(document);
  Persona persona = read_persona(reader.object());
  if (!reader.ok()) {
    return reader.error();
  }
  return persona;
}

Persona persona_option(JsonObject& options) {
  if (!options.has("persona")) return {};
  if (options.value().at("persona").is_object()) return read_persona(options.object("persona"));
  const std::string name = options.one_of("persona", shipped_names());
  for (const Persona& persona : shipped_personas()) {
    if (persona.name == name) return persona;
  }
  return {};
}

Json persona_schema() {
  Json schema = closed(axes());
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["required"] = {"kind", "version", "name"};
  return schema;
}

Json persona_option_schema() {
  return {{"oneOf", Json::array({{{"enum", shipped_names()}}, closed(axes())})}};
}

}  // namespace turnhalle::users
