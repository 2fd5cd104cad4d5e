#include "trainers/algo/recipe_part.h"

#include <algorithm>
#include <utility>

#include "core/text.h"

namespace turnhalle::algo {

void check_origin(JsonReader& reader, JsonObject& object) {
  object.ignore("origin");
  const Json& value = object.value();
  const auto origin = value.is_object() ? value.find("origin") : value.end();
  if (origin == value.end()) {
    return;
  }
  const std::string pointer = child_pointer(object.pointer(), "origin");
  if (!origin->is_object()) {
    reader.fail(pointer, "expected an object that says where constants come from; found " +
                             kind_of(*origin));
    return;
  }
  std::vector<std::string> constants;
  for (const auto& [key, unused] : value.items()) {
    if (key != "origin" && key != "kind") {
      constants.push_back(key);
    }
  }
  for (const auto& [key, note] : origin->items()) {
    const std::string at = child_pointer(pointer, key);
    if (std::find(constants.begin(), constants.end(), key) == constants.end()) {
      reader.fail(at, "expected a constant that stands beside \"origin\" (" +
                          join(constants, ", ") + "); found \"" + key + "\"." +
                          did_you_mean(key, constants));
    } else if (!note.is_string()) {
      reader.fail(at, "expected a string that names a source; found " + shown(note));
    }
  }
}

RecipePart::RecipePart(JsonReader& reader, JsonObject& parent, std::string_view key)
    : reader_(reader), pointer_(child_pointer(parent.pointer(), key)) {
  parent.ignore(key);  // known, so that near misses are told of it
  if (!parent.has(key)) {
    return;
  }
  present_ = true;
  const Json& all = parent.value();
  const auto value = all.find(std::string(key));
  if (value != all.end() && value->is_string()) {
    plain_kind_ = parent.string(key);
    return;
  }
  object_ = parent.object(key);
}

RecipePart::RecipePart(JsonReader& reader, JsonObject element)
    : reader_(reader), pointer_(element.pointer()), present_(true) {
  object_ = std::move(element);
}

std::string RecipePart::kind(const std::vector<std::string>& names,
                             std::optional<std::string> fallback) {
  if (object_) {
    return object_->one_of("kind", names, std::move(fallback));
  }
  if (!present_) {
    return fallback.value_or("");
  }
  if (std::find(names.begin(), names.end(), plain_kind_) == names.end()) {
    reader_.fail(pointer_, "expected one of " + join(names, ", ") + "; found \"" + plain_kind_ +
                               "\"." + did_you_mean(plain_kind_, names));
  }
  return plain_kind_;
}

bool RecipePart::has_constants(std::string_view key) {
  if (!object_) {
    reader_.fail(pointer_,
                 "expected an object with the key \"" + std::string(key) + "\"; found only a kind");
  }
  return object_.has_value();
}

double RecipePart::number(std::string_view key, NumberRange range, double fallback) {
  return object_ ? object_->number(key, range, fallback) : fallback;
}

double RecipePart::needed(std::string_view key, NumberRange range) {
  return has_constants(key) ? object_->number(key, range) : 0;
}

int RecipePart::integer(std::string_view key, IntegerRange range, int fallback) {
  return object_ ? static_cast<int>(object_->integer(key, range, fallback)) : fallback;
}

int RecipePart::needed_integer(std::string_view key, IntegerRange range) {
  return has_constants(key) ? static_cast<int>(object_->integer(key, range)) : 1;
}

bool RecipePart::boolean(std::string_view key, bool fallback) {
  return object_ ? object_->boolean(key, fallback) : fallback;
}

Compat RecipePart::compat() {
  constexpr std::array<Named<Compat>, 2> names{{{"trl", Compat::trl}, {"verl", Compat::verl}}};
  return choice("compat", names, Compat::turnhalle);
}

void RecipePart::finish() {
  if (object_) {
    check_origin(reader_, *object_);
    object_->finish();
  }
}

}  // namespace turnhalle::algo
