// Reading recipes: short forms, origins, compat, and the errors and warnings that people see.
#include "trainers/algo/recipe.h"

#include "tests/algo/arrays.h"

namespace turnhalle::algo {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string recipe_error(const std::string& text) {
  const Result<Recipe> recipe = load_recipe(text, recipes_folder());
  return recipe.ok() ? "no error" : recipe.error().text();
}

TEST(Recipe, reads_the_example_of_the_command_line) {
  const Recipe recipe =
      recipe_of(R"({"advantage":{"kind":"rloo","compat":"verl"},"objective":{"kind":"ppo_clip",)"
                R"("clip_low":0.2,"clip_high":0.28},"aggregation":"token_mean"})");
  EXPECT_EQ(std::get<LeaveOneOut>(recipe.advantage).singleton, Singleton::raw);
  EXPECT_EQ(std::get<PpoClip>(recipe.objective.kind).clip_high, .28);
  EXPECT_EQ(recipe.aggregation.kind, AggregationKind::token_mean);
  EXPECT_THAT(recipe.warnings, IsEmpty());
}

TEST(Recipe, takes_conventions_from_compat_and_lets_constants_override_them) {
  const auto normalisation = [](const std::string& text) {
    return std::get<GroupNormalised>(recipe_of(text).advantage).normalisation;
  };
  EXPECT_EQ(normalisation(R"({"advantage":{"kind":"grpo","compat":"trl"}})").eps, 1e-4);
  EXPECT_EQ(normalisation(R"({"advantage":{"kind":"grpo","compat":"verl"}})").singleton,
            Singleton::raw);
  const Normalisation own = normalisation(
      R"({"advantage":{"kind":"grpo","compat":"verl","eps":0.5,"std":"population"}})");
  EXPECT_EQ(own.eps, .5);
  EXPECT_EQ(own.std, StdKind::population);
  EXPECT_EQ(own.singleton, Singleton::raw);
}

TEST(Recipe, of_each_paper_reads_under_its_own_name_with_a_summary_and_an_arxiv_number) {
  for (const Recipe& recipe : all_recipes()) {
    const Result<Recipe> again = load_recipe(recipe.name, recipes_folder());
    ASSERT_TRUE(again.ok()) << again.error().text();
    EXPECT_EQ(again->summary, recipe.summary);
    EXPECT_THAT(recipe.summary, testing::Not(IsEmpty())) << recipe.name;
    EXPECT_THAT(recipe.paper, HasSubstr("arXiv ")) << recipe.name;
    EXPECT_THAT(recipe.warnings, IsEmpty()) << recipe.name;
  }
}

TEST(Recipe, of_each_paper_says_where_every_constant_comes_from) {
  for (const Recipe& recipe : all_recipes()) {
    const Json root = read_json(std::string(recipes_folder()) + "/" + recipe.name + ".json")->root;
    std::vector<Json> parts;
    for (const auto& [slot, value] : root.items()) {
      if (value.is_array()) {
        parts.insert(parts.end(), value.begin(), value.end());
      } else if (value.is_object()) {
        parts.push_back(value);
      }
    }
    for (const Json& part : parts) {
      for (const auto& [key, value] : part.items()) {
        const bool is_constant = key != "kind" && key != "origin";
        EXPECT_TRUE(!is_constant || part.value("origin", Json::object()).contains(key))
            << recipe.name << ": " << key;
      }
    }
  }
}

TEST(Recipe, names_what_connect_the_dots_is_made_of) {
  const Recipe recipe = recipe_of("connect_the_dots");
  EXPECT_EQ(std::get<LifecycleReturn>(recipe.credit).style, ReturnStyle::mean);
  EXPECT_FALSE(std::get<RecOneSide>(recipe.objective.kind).importance_weight);
  EXPECT_EQ(recipe.objective.anchor, Anchor::rollout);
  EXPECT_TRUE(
      std::get<RecOneSide>(recipe_of("connect_the_dots_is").objective.kind).importance_weight);
  EXPECT_THAT(arrays_for_loss(recipe), ElementsAre("mask", "logp", "logp_rollout"));
}

/// Every kind that a slot's schema knows, as the schema of its object.
std::vector<Json> kinds_of(const Json& slot) {
  std::vector<Json> kinds;
  const Json& choices = slot.contains("items") ? slot["items"]["oneOf"] : slot["oneOf"];
  for (const Json& choice : choices) {
    if (choice.contains("properties")) {
      kinds.push_back(choice);
    }
  }
  return kinds;
}

/// The least number of constants that a kind can have.
Json smallest(const Json& kind) {
  Json part{{"kind", kind["properties"]["kind"]["const"]}};
  for (const Json& name : kind["required"]) {
    if (name != "kind") {
      part[name.get<std::string>()] = 1;
    }
  }
  return part;
}

TEST(RecipeSchema, knows_the_constants_that_the_reader_knows_and_no_others) {
  const Json properties = recipe_schema()["properties"];
  std::size_t tried = 0;
  for (const auto& [slot, schema] : properties.items()) {
    if (!schema.contains("oneOf") && !schema.contains("items")) {
      continue;
    }
    for (const Json& kind : kinds_of(schema)) {
      for (const auto& [name, unused] : kind["properties"].items()) {
        if (name == "kind" || name == "origin") {
          continue;
        }
        Json part = smallest(kind);
        if (part["kind"] == "connect_the_dots" && name == "window") {
          part["return"] = "sliding_window_mean";
        } else if (part["kind"] == "connect_the_dots" && name == "gamma") {
          part["return"] = "discounted";
        }
        part[name] = Json::array();
        Json recipe = Json::object();
        recipe[slot] = schema.contains("items") ? Json::array({part}) : part;
        const std::string error = recipe_error(recipe.dump());
        EXPECT_THAT(error, HasSubstr("/" + name + ": expected ")) << recipe;
        EXPECT_THAT(error, testing::Not(HasSubstr("a known key"))) << recipe;
        ++tried;
      }
    }
  }
  EXPECT_GT(tried, 80U);
}

TEST(RecipeSchema, has_every_key_of_the_recipes_of_the_folder) {
  const Json properties = recipe_schema()["properties"];
  for (const Recipe& recipe : all_recipes()) {
    const Json root = read_json(std::string(recipes_folder()) + "/" + recipe.name + ".json")->root;
    for (const auto& [slot, value] : root.items()) {
      ASSERT_TRUE(properties.contains(slot)) << slot;
      const Json parts = value.is_array() ? value : Json::array({value});
      for (const Json& part : parts) {
        if (!part.is_object() || slot == "update") {
          continue;
        }
        bool found = false;
        for (const Json& kind : kinds_of(properties[slot])) {
          found |= kind["properties"]["kind"]["const"] == part["kind"];
          for (const auto& [key, unused] : part.items()) {
            EXPECT_TRUE(kind["properties"]["kind"]["const"] != part["kind"] ||
                        kind["properties"].contains(key))
                << recipe.name << " " << key;
          }
        }
        EXPECT_TRUE(found) << recipe.name << " " << part["kind"];
      }
    }
  }
}

TEST(RecipeErrors, suggest_the_nearest_name) {
  const std::string error = recipe_error(R"({"objektive":"reinforce"})");
  EXPECT_THAT(error, testing::StartsWith("recipe:1:14 /objektive: expected one of the keys "));
  EXPECT_THAT(error, testing::EndsWith("Did you mean \"objective\"?"));
  EXPECT_THAT(recipe_error(R"({"objective":"ppo_clap"})"), HasSubstr("Did you mean \"ppo_clip\"?"));
  EXPECT_THAT(recipe_error(R"({"objective":{"kind":"ppo_clip","clip_hi":1}})"),
              HasSubstr("Did you mean \"clip_high\"?"));
  EXPECT_THAT(recipe_error("connect_the_dot"), HasSubstr("Did you mean \"connect_the_dots\"?"));
}

TEST(RecipeErrors, point_at_values_out_of_range_and_missing_constants) {
  EXPECT_THAT(recipe_error(R"({"objective":{"kind":"ppo_clip","clip_low":2}})"),
              HasSubstr("/objective/clip_low: expected a number from 0 to 1; found 2"));
  EXPECT_THAT(recipe_error(R"({"aggregation":"constant"})"),
              HasSubstr("/aggregation: expected an object with the key \"length\""));
  EXPECT_THAT(recipe_error(R"({"credit":{"kind":"connect_the_dots","return":"discounted"}})"),
              HasSubstr("/credit/gamma"));
  EXPECT_THAT(recipe_error(R"({"version":2})"), HasSubstr("/version"));
}

TEST(RecipeErrors, check_the_notes_on_origins) {
  EXPECT_THAT(recipe_error(R"({"advantage":{"kind":"grpo","eps":1e-6,"origin":{"epz":"here"}}})"),
              HasSubstr("/advantage/origin/epz: expected a constant that stands beside"));
  EXPECT_THAT(recipe_error(R"({"advantage":{"kind":"grpo","eps":1e-6,"origin":{"eps":7}}})"),
              HasSubstr("/advantage/origin/eps: expected a string"));
  EXPECT_EQ(recipe_error(R"({"advantage":{"kind":"grpo","eps":1e-6,"origin":{"eps":"here"}}})"),
            "no error");
}

TEST(RecipeErrors, refuse_parts_that_contradict_each_other) {
  const auto refuses = [](const std::string& text, const std::string& where) {
    EXPECT_THAT(recipe_error(text), HasSubstr(where)) << text;
  };
  refuses(R"({"credit":"token_return","advantage":"grpo"})", " /advantage: ");
  refuses(R"({"credit":"connect_the_dots","advantage":"grpo"})", " /advantage: ");
  refuses(R"({"credit":"outcome","filter":[{"kind":"zero_variance"}]})", " /filter: ");
  refuses(R"({"credit":"connect_the_dots","advantage":"group_mean",)"
          R"("filter":[{"kind":"zero_variance"}]})",
          " /filter: ");
  refuses(R"({"objective":{"kind":"ppo_clip","dual_clip":1.1}})", " /objective/dual_clip: ");
  refuses(R"({"credit":"turn_return","objective":"gspo"})", " /objective: ");
  refuses(R"({"objective":"rec_one_side","correction":"token_truncate"})", " /correction: ");
  refuses(R"({"reward":[{"kind":"kl_penalty","coefficient":0.1}],)"
          R"("regularisers":[{"kind":"kl","coefficient":0.1}]})",
          " /reward/0: ");
  refuses(R"({"advantage_transform":[{"kind":"adaptive_reweight"},{"kind":"whiten"}]})",
          " /advantage_transform: ");
  refuses(R"({"aggregation":"turn_mean_token_sum"})", " /aggregation: ");
  refuses(R"({"objective":{"kind":"cispo","ratio_low":6}})", " /objective/ratio_low: ");
  refuses(R"({"credit":"outcome","advantage":"trloo"})", " /advantage: ");
  refuses(R"({"credit":"outcome","advantage":"reinforce_plus_plus"})", " /advantage: ");
}

TEST(RecipeWarnings, tell_of_parts_that_do_nothing) {
  EXPECT_THAT(recipe_of(R"({"reward":[{"kind":"scale","scale":10,"shift":-0.2}],)"
                        R"("advantage":"grpo"})")
                  .warnings,
              ElementsAre(HasSubstr("reward scale: a no-op"), HasSubstr("reward shift: a no-op")));
  EXPECT_THAT(
      recipe_of(R"({"reward":[{"kind":"scale","scale":10}],"advantage":"dr_grpo"})").warnings,
      IsEmpty());
  EXPECT_THAT(recipe_of(R"({"regularisers":[{"kind":"kl","coefficient":0}]})").warnings,
              ElementsAre(HasSubstr("kl: a no-op")));
}

TEST(RecipeWarnings, are_right_about_the_no_op) {
  const Batch batch = random_batch({.seed = 31, .groups = 3, .lifecycles = 4, .tasks = 1});
  const Recipe plain = recipe_of(R"({"advantage":{"kind":"grpo","eps":0}})");
  const Recipe scaled = recipe_of(R"({"reward":[{"kind":"scale","scale":10,"shift":-0.2}],)"
                                  R"("advantage":{"kind":"grpo","eps":0}})");
  expect_near(compute_advantages(scaled, batch)->per_token,
              compute_advantages(plain, batch)->per_token, 1e-12);
}

}  // namespace
}  // namespace turnhalle::algo
