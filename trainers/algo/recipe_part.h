// Reading one part of a recipe: an object with a kind and constants, or a plain kind.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json_reader.h"
#include "trainers/algo/recipe.h"

namespace turnhalle::algo {

/// Names beside the values that they stand for.
template <class T>
struct Named {
  const char* name;
  T value;
};

/// One part. Reads return the fallback when the part is absent or a plain string.
class RecipePart {
 public:
  /// The part at `key` of `parent`; absent, a string, or an object.
  RecipePart(JsonReader& reader, JsonObject& parent, std::string_view key);
  /// An element of a list.
  RecipePart(JsonReader& reader, JsonObject element);

  bool present() const { return present_; }
  /// Its kind, one of `names`; `fallback` when the part is absent or names none.
  std::string kind(const std::vector<std::string>& names,
                   std::optional<std::string> fallback = std::nullopt);
  double number(std::string_view key, NumberRange range, double fallback);
  /// Like number(), but must be there.
  double needed(std::string_view key, NumberRange range);
  int integer(std::string_view key, IntegerRange range, int fallback);
  int needed_integer(std::string_view key, IntegerRange range);
  bool boolean(std::string_view key, bool fallback);
  template <class T, std::size_t N>
  T choice(std::string_view key, const std::array<Named<T>, N>& options, T fallback) {
    if (!object_) {
      return fallback;
    }
    std::vector<std::string> names;
    for (const auto& option : options) {
      names.emplace_back(option.name);
    }
    const std::string chosen = object_->one_of(key, names, "");
    for (const auto& option : options) {
      if (chosen == option.name) {
        return option.value;
      }
    }
    return fallback;
  }
  Compat compat();
  /// Checks the notes on origins and refuses keys that nobody read.
  void finish();
  const std::string& pointer() const { return pointer_; }

 private:
  /// Whether constants can be read; if not, the error says that `key` is missing.
  bool has_constants(std::string_view key);

  JsonReader& reader_;
  std::optional<JsonObject> object_;
  std::string plain_kind_;
  std::string pointer_;
  bool present_ = false;
};

/// "origin" may only speak of keys that stand beside it, in words.
void check_origin(JsonReader& reader, JsonObject& object);

/// Refuses combinations that contradict each other and notes parts that do nothing.
void check_recipe(Recipe& recipe, JsonReader& reader);

}  // namespace turnhalle::algo
