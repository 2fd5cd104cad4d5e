#include <algorithm>
#include <filesystem>
#include <system_error>

#include "core/text.h"
#include "trainers/algo/recipe.h"

namespace turnhalle::algo {
namespace {

Result<std::vector<std::string>> names_in(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".json") {
      names.push_back(entry->path().stem().string());
    }
  }
  if (error) {
    return Error{folder, "expected a readable folder of recipes; found " + error.message()};
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<Recipe> read_from(const std::string& path) {
  Result<JsonDocument> document = read_json(path);
  if (!document.ok()) {
    return document.error();
  }
  if (document->root.is_object() && !document->root.contains("kind")) {
    return Error{document->place(""), "expected the key \"kind\" with \"recipe\"; found none"};
  }
  return read_recipe(*document);
}

}  // namespace

Result<Recipe> load_recipe(const std::string& text_file_or_name, const std::string& folder) {
  if (trim(text_file_or_name).starts_with('{')) {
    Result<JsonDocument> document = parse_json(text_file_or_name, "recipe");
    if (!document.ok()) {
      return document.error();
    }
    return read_recipe(*document);
  }
  if (text_file_or_name.ends_with(".json")) {
    return read_from(text_file_or_name);
  }
  const Result<std::vector<std::string>> names = names_in(folder);
  if (!names.ok()) {
    return names.error();
  }
  if (std::find(names->begin(), names->end(), text_file_or_name) == names->end()) {
    return Error{"recipe", "expected JSON text, a file that ends in .json, or one of " +
                               join(*names, ", ") + "; found \"" + text_file_or_name + "\"." +
                               did_you_mean(text_file_or_name, *names)};
  }
  return read_from(folder + "/" + text_file_or_name + ".json");
}

Result<std::vector<Recipe>> list_recipes(const std::string& folder) {
  const Result<std::vector<std::string>> names = names_in(folder);
  if (!names.ok()) {
    return names.error();
  }
  std::vector<Recipe> recipes;
  for (const std::string& name : *names) {
    Result<Recipe> recipe = read_from(folder + "/" + name + ".json");
    if (!recipe.ok()) {
      return recipe.error();
    }
    recipes.push_back(std::move(*recipe));
  }
  return recipes;
}

}  // namespace turnhalle::algo
