// The schema of recipes says what the reader does: constant by constant, in both directions.
#include <algorithm>
#include <regex>
#include <sstream>

#include "tests/algo/arrays.h"
#include "tests/json_schema.h"

namespace turnhalle::algo {
namespace {

using testing::HasSubstr;
using testing::Not;

struct SchemaPart {
  std::string slot;
  bool is_list = false;
  std::string kind;  ///< "" in the slot "update", whose part has none
  Json properties;
  Json required;
};

std::vector<SchemaPart> schema_parts() {
  std::vector<SchemaPart> parts;
  const Json root = recipe_schema();
  for (const auto& [slot, schema] : root["properties"].items()) {
    const bool is_list = schema.contains("items");
    if (slot == "update") {
      parts.push_back({slot, false, "", schema["properties"], Json::array()});
    }
    const Json choices = is_list ? schema["items"]["oneOf"] : schema.value("oneOf", Json::array());
    for (const Json& choice : choices) {
      if (choice.contains("enum")) continue;  // kinds as plain strings
      parts.push_back({slot, is_list, choice["properties"]["kind"]["const"],
                       choice["properties"], choice["required"]});
    }
  }
  EXPECT_GT(parts.size(), 30U);
  return parts;
}

/// A value that the schema of a constant allows.
Json allowed(const Json& schema) {
  if (schema.contains("enum")) return schema["enum"][0];
  if (schema["type"] == "boolean") return true;
  return schema.value("minimum", Json(1));
}

/// What reading the part says, with the required constants and those of `more`.
std::string error_with(const SchemaPart& part, const Json& more) {
  Json object = more;
  if (!part.kind.empty()) object["kind"] = part.kind;
  for (const Json& key : part.required) {
    const auto name = key.get<std::string>();
    if (name != "kind" && !object.contains(name)) object[name] = allowed(part.properties[name]);
  }
  if (part.kind == "connect_the_dots" && more.contains("window")) {
    object["return"] = "sliding_window_mean";
  }
  if (part.kind == "connect_the_dots" && more.contains("gamma")) object["return"] = "discounted";
  Json recipe = {{part.slot, part.is_list ? Json::array({object}) : object}};
  const Result<JsonDocument> document = parse_json(recipe.dump());
  EXPECT_TRUE(document.ok());
  const Result<Recipe> read = read_recipe(*document);
  const std::string error = read.ok() ? "" : read.error().text();
  // A schema knows each constant by itself, not that one lies above another.
  const bool is_relation = error.find("expected more than") != std::string::npos ||
                           std::regex_search(error, std::regex("expected at most [a-z]"));
  return is_relation ? "" : error;
}

/// Where a constant of the part stands, as errors name it.
std::string place(const SchemaPart& part, const std::string& key) {
  return " /" + part.slot + (part.is_list ? "/0/" : "/") + key + ":";
}

void expect_edges(const SchemaPart& part, const std::string& key, const Json& schema) {
  const std::string at = place(part, key);
  for (const char* edge : {"minimum", "maximum"}) {
    if (!schema.contains(edge)) continue;
    const double value = schema[edge].get<double>();
    const double outside = value + (std::string(edge) == "minimum" ? -1.0 : 1.0);
    const bool whole = schema["type"] == "integer";
    const auto number = [&](double x) {
      return whole ? Json(static_cast<std::int64_t>(x)) : Json(x);
    };
    EXPECT_THAT(error_with(part, {{key, number(value)}}), Not(HasSubstr(at)))
        << part.kind << ", " << edge;
    EXPECT_THAT(error_with(part, {{key, number(outside)}}), HasSubstr(at))
        << part.kind << ", " << edge;
  }
}

TEST(RecipeSchema, allows_the_constants_and_ranges_that_the_reader_allows) {
  for (const SchemaPart& part : schema_parts()) {
    for (const auto& [key, schema] : part.properties.items()) {
      if (key == "kind" || key == "origin") continue;
      const std::string at = place(part, key);
      for (const Json& name : schema.value("enum", Json::array())) {
        EXPECT_THAT(error_with(part, {{key, name}}), Not(HasSubstr(at))) << part.kind;
      }
      EXPECT_THAT(error_with(part, {{key, allowed(schema)}}), Not(HasSubstr(at))) << part.kind;
      EXPECT_THAT(error_with(part, {{key, Json::array()}}), HasSubstr(at)) << part.kind;
      expect_edges(part, key, schema);
    }
  }
}

// An error about an unknown key lists all keys that the reader knows.
TEST(RecipeSchema, knows_every_key_that_the_reader_knows) {
  for (const SchemaPart& part : schema_parts()) {
    const std::string error = error_with(part, {{"zzz", 1}});
    const std::string mark = "one of the keys ";
    ASSERT_THAT(error, HasSubstr(mark)) << part.slot << " " << part.kind;
    const std::size_t begin = error.find(mark) + mark.size();
    std::string list = error.substr(begin, error.find("; found", begin) - begin);
    std::replace_if(list.begin(), list.end(), [](char c) { return c == ',' || c == '"'; }, ' ');
    std::istringstream words(list);
    for (std::string word; words >> word;) {
      EXPECT_TRUE(word == "or" || word == "and" || part.properties.contains(word))
          << part.slot << " " << part.kind << ": " << word;
    }
  }
}

TEST(RecipeSchema, fits_every_recipe_of_the_repository) {
  for (const Recipe& recipe : all_recipes()) {
    const Json root = read_json(std::string(recipes_folder()) + "/" + recipe.name + ".json")->root;
    EXPECT_THAT(schema_errors(recipe_schema(), root), testing::IsEmpty()) << recipe.name;
  }
}

}  // namespace
}  // namespace turnhalle::algo
