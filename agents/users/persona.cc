#include "agents/users/persona.h"

#include <algorithm>
#include <array>

namespace turnhalle::users {
namespace {

const std::array<std::string, 4> kDisclosures = {"on_ask", "all_at_once", "one_per_turn",
                                                 "when_pressed"};
const std::array<std::string, 4> kVagueReplies = {"unknown", "asks_back", "hints", "tells_one"};
const std::array<std::string, 5> kWordings = {"plain", "formal", "casual", "terse", "non_native"};
const std::array<std::string, 2> kLexes = {"train", "held_out"};
const std::array<std::string, 3> kStyles = {"standard", "minimal", "rambling"};
const std::array<std::string, 3> kRoleLabels = {"none", "name", "tag"};
const std::array<std::string, 4> kDodges = {"deflect", "refuse", "counter", "dont_know"};
constexpr std::int64_t kAsksMax = 4;
constexpr std::int64_t kQuestionsMax = 20;
constexpr std::int64_t kDoubtsMax = 2;
constexpr std::int64_t kCorrectsAfterMax = 4;
constexpr std::int64_t kLevelMax = 3;
constexpr std::int64_t kRequestsMax = 3;
constexpr std::int64_t kInsistsMax = 3;
constexpr std::int64_t kRamblingMin = 8;
constexpr std::int64_t kWordsMax = 200;
constexpr double kTyposMax = 0.3;
constexpr double kTruncatedMin = 0.2;

template <class Kind, std::size_t kCount>
Kind one_of(JsonObject& object, std::string_view key,
            const std::array<std::string, kCount>& names) {
  const std::string name = object.one_of(key, names, names[0]);
  const auto place = std::find(names.begin(), names.end(), name);
  return static_cast<Kind>(place == names.end() ? 0 : place - names.begin());
}

double chance(JsonObject& object, std::string_view key) {
  return object.number(key, {0.0, 1.0}, 0.0);
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
  return {
      {"kind", {{"const", "user"}}},
      {"version", {{"const", 1}}},
      {"name", text},
      {"summary", text},
      {"held_out", boolean},
      {"disclosure", {{"enum", kDisclosures}}},
      {"asks", integers(1, kAsksMax)},
      {"at_once_max", integers(0, kQuestionsMax)},
      {"vague", {{"enum", kVagueReplies}}},
      {"deflect", numbers(1)},
      {"refuse", numbers(1)},
      {"counter", numbers(1)},
      {"dont_know", numbers(1)},
      {"volunteer", numbers(1)},
      {"mistakes",
       closed({{"chance", numbers(1)}, {"corrects_after", integers(1, kCorrectsAfterMax)}})},
      {"memory", closed({{"reasks", numbers(1)}, {"contradicts", numbers(1)}})},
      {"drift_at", integers(0, kQuestionsMax)},
      {"patience", closed({{"grace", integers(1, kQuestionsMax)},
                           {"hazard", numbers(1)},
                           {"growth", numbers(1)}})},
      {"leaves_early", numbers(1)},
      {"doubts", integers(0, kDoubtsMax)},
      {"stops", boolean},
      {"temper", closed({{"chance", numbers(1)},
                         {"growth", numbers(1)},
                         {"level_max", integers(1, kLevelMax)}})},
      {"tangents", closed({{"chance", numbers(1)}, {"complains", numbers(1)}})},
      {"requests",
       closed({{"count", integers(0, kRequestsMax)}, {"insists", integers(0, kInsistsMax)}})},
      {"wording", {{"enum", kWordings}}},
      {"lexis", {{"enum", kLexes}}},
      {"verbosity",
       closed({{"style", {{"enum", kStyles}}}, {"words_max", integers(kRamblingMin, kWordsMax)}})},
      {"noise", closed({{"typos", numbers(kTyposMax)},
                        {"lower_case", boolean},
                        {"no_punctuation", boolean},
                        {"truncation", numbers(1)},
                        {"truncated_to",
                         {{"type", "number"}, {"minimum", kTruncatedMin}, {"maximum", 1}}}})},
      {"protocol",
       closed({{"words_max", integers(0, kWordsMax)}, {"role_label", {{"enum", kRoleLabels}}}})}};
}

// What it tells.
void read_content(JsonObject& object, Persona& persona) {
  persona.disclosure = one_of<Disclosure>(object, "disclosure", kDisclosures);
  persona.asks = object.integer("asks", {1, kAsksMax}, persona.asks);
  persona.at_once_max = object.integer("at_once_max", {0, kQuestionsMax}, persona.at_once_max);
  persona.vague = one_of<Vague>(object, "vague", kVagueReplies);
  persona.deflect = chance(object, "deflect");
  persona.refuse = chance(object, "refuse");
  persona.counter = chance(object, "counter");
  persona.dont_know = chance(object, "dont_know");
  const double all = persona.deflect + persona.refuse + persona.counter + persona.dont_know;
  if (all > 1.0 + 1e-9) {
    const auto given = std::find_if(kDodges.rbegin(), kDodges.rend(),
                                    [&](const std::string& key) { return object.has(key); });
    object.fail(*given, "deflect + refuse + counter + dont_know to be at most 1");
  }
  persona.volunteer = chance(object, "volunteer");
  JsonObject mistakes = object.object("mistakes", false);
  persona.mistakes.chance = chance(mistakes, "chance");
  persona.mistakes.corrects_after = mistakes.integer("corrects_after", {1, kCorrectsAfterMax}, 1);
  mistakes.finish();
  JsonObject memory = object.object("memory", false);
  persona.memory.reasks = chance(memory, "reasks");
  persona.memory.contradicts = chance(memory, "contradicts");
  memory.finish();
  persona.drift_at = object.integer("drift_at", {0, kQuestionsMax}, persona.drift_at);
}

// When it stops.
void read_stopping(JsonObject& object, Persona& persona) {
  JsonObject patience = object.object("patience", false);
  persona.patience.grace = patience.integer("grace", {1, kQuestionsMax}, kQuestionsMax);
  persona.patience.hazard = chance(patience, "hazard");
  persona.patience.growth = chance(patience, "growth");
  patience.finish();
  persona.leaves_early = chance(object, "leaves_early");
  persona.doubts = object.integer("doubts", {0, kDoubtsMax}, persona.doubts);
  persona.stops = object.boolean("stops", persona.stops);
}

// What it says beside the matter.
void read_asides(JsonObject& object, Persona& persona) {
  JsonObject temper = object.object("temper", false);
  persona.temper.chance = chance(temper, "chance");
  persona.temper.growth = chance(temper, "growth");
  persona.temper.level_max = temper.integer("level_max", {1, kLevelMax}, kLevelMax);
  temper.finish();
  JsonObject tangents = object.object("tangents", false);
  persona.tangents.chance = chance(tangents, "chance");
  persona.tangents.complains = chance(tangents, "complains");
  tangents.finish();
  JsonObject requests = object.object("requests", false);
  persona.requests.count = requests.integer("count", {0, kRequestsMax}, 0);
  persona.requests.insists = requests.integer("insists", {0, kInsistsMax}, 1);
  requests.finish();
}

// How it is worded.
void read_words(JsonObject& object, Persona& persona) {
  persona.wording = one_of<Wording>(object, "wording", kWordings);
  persona.lexis = one_of<Lexis>(object, "lexis", kLexes);
  JsonObject verbosity = object.object("verbosity", false);
  persona.verbosity.style = one_of<Style>(verbosity, "style", kStyles);
  persona.verbosity.words_max =
      verbosity.integer("words_max", {kRamblingMin, kWordsMax}, persona.verbosity.words_max);
  verbosity.finish();
  JsonObject noise = object.object("noise", false);
  persona.noise.typos = noise.number("typos", {0.0, kTyposMax}, 0.0);
  persona.noise.lower_case = noise.boolean("lower_case", false);
  persona.noise.no_punctuation = noise.boolean("no_punctuation", false);
  persona.noise.truncation = chance(noise, "truncation");
  persona.noise.truncated_to =
      noise.number("truncated_to", {kTruncatedMin, 1.0}, persona.noise.truncated_to);
  noise.finish();
  JsonObject protocol = object.object("protocol", false);
  persona.protocol.words_max = protocol.integer("words_max", {0, kWordsMax}, 0);
  persona.protocol.role_label = one_of<RoleLabel>(protocol, "role_label", kRoleLabels);
  protocol.finish();
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
  read_content(object, persona);
  read_stopping(object, persona);
  read_asides(object, persona);
  read_words(object, persona);
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
