#include "trainers/experiment.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "core/text.h"

namespace turnhalle {
namespace {

std::string beside(const std::string& file, const std::string& path) {
  const std::filesystem::path wanted(path);
  if (wanted.is_absolute()) return path;
  return (std::filesystem::path(file).parent_path() / wanted).lexically_normal().string();
}

Schedule read_schedule(JsonObject& object, double peak) {
  Schedule schedule;
  schedule.peak = object.number("learning_rate", {0.0, 10.0}, peak);
  schedule.warmup_steps = object.integer("warmup_steps", {0, 1'000'000}, 0);
  schedule.decay_from = object.number("decay_from", {0.0, 1.0}, 1.0);
  return schedule;
}

OptimizerKind read_optimizer(JsonObject& object) {
  static constexpr std::array<std::string, 2> kNames = {"adamw", "muon"};
  return object.one_of("optimizer", kNames, "adamw") == "muon" ? OptimizerKind::muon
                                                               : OptimizerKind::adamw;
}

PolicySource read_policy(JsonObject object, const std::string& file) {
  PolicySource policy;
  policy.from = object.string("from", std::string());
  if (!policy.from.empty()) policy.from = beside(file, policy.from);
  policy.new_tokens_max = object.integer("new_tokens_max", {1, 1 << 16}, policy.new_tokens_max);
  static constexpr std::array<std::string, 3> kPrecisions = {"float32", "bfloat16", "auto"};
  policy.precision = object.one_of("precision", kPrecisions, policy.precision);
  policy.freeze_embedding = object.boolean("freeze_embedding", false);
  policy.freeze_layers = object.integer("freeze_layers", {0, 1024}, 0);
  if (policy.from.empty()) {
    lm::ModelConfig& config = policy.config;
    config.type = lm::read_model_type(object, lm::ModelType::llama);
    config.hidden_size = object.integer("hidden_size", {8, 8192}, 64);
    config.num_hidden_layers = object.integer("num_hidden_layers", {1, 256}, 4);
    config.num_attention_heads = object.integer("num_attention_heads", {1, 256}, 4);
    config.num_key_value_heads =
        object.integer("num_key_value_heads", {1, 256}, config.num_attention_heads);
    config.intermediate_size = object.integer("intermediate_size", {8, 1 << 16}, 192);
    config.max_position_embeddings = object.integer("max_position_embeddings", {16, 1 << 20}, 512);
    config.initializer_range = object.number("initializer_range", {1e-4, 1.0}, 0.02);
    policy.vocabulary_size = object.integer("vocabulary_size", {0, 1 << 20}, 0);
    policy.embedding_range = object.number("embedding_range", {0.0, 10.0}, 0.0);
    config.head_dim = config.hidden_size / config.num_attention_heads;
    if (config.hidden_size % config.num_attention_heads != 0 || config.head_dim % 2 != 0) {
      object.fail("hidden_size", "an even multiple of num_attention_heads (" +
                                     std::to_string(config.num_attention_heads) + ")");
    }
    if (config.num_attention_heads % config.num_key_value_heads != 0) {
      object.fail("num_key_value_heads", "a divisor of num_attention_heads");
    }
  }
  object.finish();
  return policy;
}

WarmStart read_warm_start(JsonObject object, const Scenario& scenario) {
  WarmStart warm;
  warm.demonstrator = object.string("demonstrator", warm.demonstrator);
  warm.steps = object.integer("steps", {0, 10'000'000}, 0);
  warm.lifecycles_per_step =
      object.integer("lifecycles_per_step", {1, 100'000}, warm.lifecycles_per_step);
  warm.schedule = read_schedule(object, 6e-3);
  warm.optimizer = read_optimizer(object);
  warm.weight_decay = object.number("weight_decay", {0.0, 10.0}, warm.weight_decay);
  warm.beta2 = object.number("beta2", {0.0, 0.999999}, warm.beta2);
  warm.observation_weight =
      object.number("observation_weight", {0.0, 10.0}, warm.observation_weight);
  if (warm.steps > 0 && scenario.family != nullptr &&
      scenario.family->make_player(warm.demonstrator) == nullptr) {
    object.fail("demonstrator", "a player that " + scenario.environment + " ships");
  }
  object.finish();
  return warm;
}

Evaluation read_evaluation(JsonObject object) {
  Evaluation evaluation;
  evaluation.lifecycles = object.integer("lifecycles", {1, 1'000'000}, evaluation.lifecycles);
  evaluation.every = object.integer("every", {1, 1'000'000}, evaluation.every);
  evaluation.recorded = object.integer("recorded", {0, 1'000'000}, evaluation.recorded);
  object.finish();
  return evaluation;
}

// Paths that `base`, in the folder of `from`, names, as paths from the folder of `to`.
void move_paths(Json& base, const std::string& from, const std::string& to) {
  const std::filesystem::path folder = std::filesystem::path(to).parent_path();
  for (const char* pointer : {"/scenario", "/policy/from", "/reinforcement/recipe"}) {
    const Json::json_pointer at(pointer);
    if (!base.contains(at) || !base[at].is_string()) continue;
    const std::string path = base[at].get<std::string>();
    const bool is_recipe_name =
        pointer == std::string_view("/reinforcement/recipe") && !path.ends_with(".json");
    if (is_recipe_name || std::filesystem::path(path).is_absolute()) continue;
    base[at] = std::filesystem::path(beside(from, path)).lexically_relative(folder).string();
  }
}

// An experiment with "extends" is that one with its own keys put over it (RFC 7386: objects are
// merged, null takes a key away). Places in messages stay those of the file that is read.
Status extend(JsonDocument& document, int depth = 0) {
  constexpr int kDepthMax = 8;
  if (!document.root.is_object() || !document.root.contains("extends")) {
    return ok_status();
  }
  const Json name = document.root["extends"];
  if (!name.is_string() || depth == kDepthMax) {
    return Error{document.place("/extends"), depth == kDepthMax
                                                 ? "expected at most 8 experiments that extend "
                                                   "each other; found more"
                                                 : "expected the path of an experiment; found " +
                                                       kind_of(name)};
  }
  const std::string path = beside(document.file, name.get<std::string>());
  Result<JsonDocument> base = read_json(path);
  if (!base) {
    return base.error();
  }
  if (Status extended = extend(*base, depth + 1); !extended) {
    return extended;
  }
  if (!base->root.is_object()) {
    return Error{base->place(""), "expected an experiment; found " + kind_of(base->root)};
  }
  move_paths(base->root, path, document.file);
  document.root.erase("extends");
  base->root.merge_patch(document.root);
  document.root = std::move(base->root);
  return ok_status();
}

// "~" escapes in JSON pointers, as "~0" and "~1" only (RFC 6901).
bool is_pointer(std::string_view text) {
  for (std::size_t at = text.find('~'); at != std::string_view::npos; at = text.find('~', at + 1)) {
    if (at + 1 == text.size() || (text[at + 1] != '0' && text[at + 1] != '1')) return false;
  }
  return text.starts_with("/");
}

// Sets the values of "/pointer=value"; a value that is not JSON is a string.
Status apply_changes(JsonDocument& document, std::span<const std::string> changes) {
  if (changes.empty()) {
    return ok_status();
  }
  for (const std::string& change : changes) {
    const std::size_t equals = change.find('=');
    if (equals == std::string::npos || !is_pointer(change.substr(0, equals))) {
      return Error{"--set " + change, "expected /pointer=value; found \"" + change + "\""};
    }
    const std::string text = change.substr(equals + 1);
    Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (value.is_discarded()) value = text;
    const Json::json_pointer pointer(change.substr(0, equals));
    const Json::json_pointer parent = pointer.parent_pointer();
    if (!document.root.contains(parent) || !document.root[parent].is_object()) {
      return Error{"--set " + change,
                   "expected a pointer into an object of the experiment; found \"" +
                       pointer.to_string() + "\""};
    }
    document.root[pointer] = value;
  }
  document.text = document.root.dump(2);
  return ok_status();
}

// Recipes are written inline or named; the experiment's document gets what the name stands for.
Status read_recipe_slot(const Json& slot, const ExperimentPlaces& places,
                        const JsonDocument& document, Experiment& experiment) {
  std::string text = slot.dump();
  Json content = slot;
  if (slot.is_string()) {
    text = slot.get<std::string>();
    const bool is_file = text.ends_with(".json");
    if (is_file) text = beside(document.file, text);
    const Result<JsonDocument> file =
        read_json(is_file ? text : places.recipes + "/" + text + ".json");
    if (file) content = file->root;  // else load_recipe() says what is wrong
  }
  Result<algo::Recipe> recipe = algo::load_recipe(text, places.recipes);
  if (!recipe) {
    return recipe.error();
  }
  Reinforcement& reinforcement = experiment.reinforcement;
  reinforcement.recipe = *std::move(recipe);
  experiment.document["recipe_content"] = std::move(content);
  if (reinforcement.recipe.needs_group() && reinforcement.group_size < 2 &&
      reinforcement.steps > 0) {
    return Error{document.place("/reinforcement/group_size"),
                 "expected at least 2, because recipe " + reinforcement.recipe.name +
                     " compares the rollouts of a group; found 1"};
  }
  return ok_status();
}

}  // namespace

double Schedule::at(std::int64_t step, std::int64_t steps) const {
  const double done = static_cast<double>(step + 1);
  if (step < warmup_steps) {
    return peak * done / static_cast<double>(warmup_steps);
  }
  const double flat = decay_from * static_cast<double>(steps);
  if (static_cast<double>(step) < flat) {
    return peak;
  }
  return peak * (static_cast<double>(steps) - static_cast<double>(step)) /
         std::max(1.0, static_cast<double>(steps) - flat);
}

Result<Experiment> read_experiment(const std::string& path, std::span<const std::string> changes,
                                   const EnvironmentRegistry& registry,
                                   const ExperimentPlaces& places) {
  Result<JsonDocument> document = read_json(path);
  if (!document) {
    return document.error();
  }
  if (Status extended = extend(*document); !extended) {
    return extended.error();
  }
  if (Status changed = apply_changes(*document, changes); !changed) {
    return changed.error();
  }
  JsonReader reader(*document);
  JsonObject root = reader.object();
  Experiment experiment;
  experiment.file = path;
  experiment.name = std::filesystem::path(path).stem().string();
  const std::array<std::string, 1> kinds = {"experiment"};
  root.one_of("kind", kinds);
  root.integer("version", {1, 1});
  root.ignore("summary");
  root.ignore("$schema");
  const std::string scenario_path = root.string("scenario");
  if (!reader.ok()) {
    return reader.error();
  }
  Result<Scenario> scenario = read_scenario(beside(path, scenario_path), registry);
  if (!scenario) {
    return scenario.error();
  }
  experiment.scenario = *std::move(scenario);
  experiment.policy = read_policy(root.object("policy"), path);
  experiment.seed = static_cast<std::uint64_t>(root.integer("seed", {0, std::int64_t{1} << 60}, 0));
  experiment.warm_start = read_warm_start(root.object("warm_start", false), experiment.scenario);
  JsonObject rl = root.object("reinforcement", false);
  Reinforcement& reinforcement = experiment.reinforcement;
  const Json recipe_slot = rl.any("recipe", false);
  reinforcement.steps = rl.integer("steps", {0, 10'000'000}, 0);
  reinforcement.groups_per_step = rl.integer("groups_per_step", {1, 100'000}, 32);
  reinforcement.group_size = rl.integer("group_size", {1, 1024}, 8);
  reinforcement.temperature = rl.number("temperature", {0.01, 10.0}, 1.0);
  reinforcement.schedule = read_schedule(rl, 1e-3);
  reinforcement.optimizer = read_optimizer(rl);
  reinforcement.refill_rounds = rl.integer("refill_rounds", {0, 1000}, 0);
  reinforcement.placeholder = rl.string("placeholder", reinforcement.placeholder);
  reinforcement.recorded = rl.integer("recorded", {0, 1024}, reinforcement.recorded);
  if (reinforcement.steps > 0 && recipe_slot.is_null()) {
    rl.fail("recipe", "the name of a recipe, a file or a recipe");
  }
  rl.finish();
  experiment.evaluation = read_evaluation(root.object("evaluation", false));
  experiment.checkpoint_every = root.integer("checkpoint_every", {1, 10'000'000}, 20);
  experiment.tokens_per_micro_batch =
      root.integer("tokens_per_micro_batch", {64, 1 << 24}, experiment.tokens_per_micro_batch);
  experiment.bad_steps_max = root.integer("bad_steps_max", {1, 1000}, experiment.bad_steps_max);
  root.finish();
  if (!reader.ok()) {
    return reader.error();
  }
  experiment.document = document->root;
  experiment.document["scenario_content"] = experiment.scenario.document;
  if (!recipe_slot.is_null()) {
    if (Status read = read_recipe_slot(recipe_slot, places, *document, experiment); !read) {
      return read.error();
    }
  }
  return experiment;
}

Json experiment_schema() {
  const Json integer = {{"type", "integer"}, {"minimum", 0}};
  const Json number = {{"type", "number"}, {"minimum", 0}};
  const Json text = {{"type", "string"}};
  const auto object = [](Json properties) {
    return Json{
        {"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
  };
  const Json optimizer = {{"enum", {"adamw", "muon"}}};
  Json policy = object({{"from", text},
                        {"new_tokens_max", integer},
                        {"precision", {{"enum", {"float32", "bfloat16", "auto"}}}},
                        {"freeze_embedding", {{"type", "boolean"}}},
                        {"freeze_layers", integer},
                        {"model_type", {{"enum", lm::model_type_names()}}},
                        {"hidden_size", integer},
                        {"num_hidden_layers", integer},
                        {"num_attention_heads", integer},
                        {"num_key_value_heads", integer},
                        {"intermediate_size", integer},
                        {"max_position_embeddings", integer},
                        {"initializer_range", number},
                        {"embedding_range", number},
                        {"vocabulary_size", integer}});
  Json warm = object({{"demonstrator", text},
                      {"steps", integer},
                      {"lifecycles_per_step", integer},
                      {"learning_rate", number},
                      {"warmup_steps", integer},
                      {"decay_from", number},
                      {"optimizer", optimizer},
                      {"weight_decay", number},
                      {"beta2", number},
                      {"observation_weight", number}});
  Json rl = object({{"recipe", {{"type", {"string", "object"}}}},
                    {"steps", integer},
                    {"groups_per_step", integer},
                    {"group_size", integer},
                    {"temperature", number},
                    {"learning_rate", number},
                    {"warmup_steps", integer},
                    {"decay_from", number},
                    {"optimizer", optimizer},
                    {"refill_rounds", integer},
                    {"placeholder", text},
                    {"recorded", integer}});
  Json evaluation = object({{"lifecycles", integer}, {"every", integer}, {"recorded", integer}});
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "Turnhalle experiment"},
          {"type", "object"},
          {"anyOf", {{{"required", {"extends"}}}, {{"required", {"scenario", "policy"}}}}},
          {"required", {"kind", "version"}},
          {"additionalProperties", false},
          {"properties",
           {{"$schema", text},
            {"extends", text},
            {"kind", {{"const", "experiment"}}},
            {"version", {{"const", 1}}},
            {"summary", text},
            {"scenario", text},
            {"policy", std::move(policy)},
            {"seed", integer},
            {"warm_start", std::move(warm)},
            {"reinforcement", std::move(rl)},
            {"evaluation", std::move(evaluation)},
            {"checkpoint_every", integer},
            {"tokens_per_micro_batch", integer},
            {"bad_steps_max", integer}}}};
}

}  // namespace turnhalle
