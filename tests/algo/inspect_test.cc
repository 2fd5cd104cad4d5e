// The JSON that `turnhalle inspect` gives, and its errors.
#include "trainers/algo/inspect.h"

#include "tests/algo/arrays.h"

namespace turnhalle::algo {
namespace {

using testing::HasSubstr;

JsonDocument document(const std::string& text) { return *parse_json(text, "batch.json"); }

template <class Function>
std::string inspection_error(Function inspect, const std::string& recipe,
                             const std::string& batch) {
  const Result<Json> result = inspect(recipe_of(recipe), document(batch));
  return result.ok() ? "no error" : result.error().text();
}

TEST(InspectAdvantages, gives_tokens_turns_rollouts_and_groups) {
  const Json result =
      *inspect_advantages(recipe_of(R"({"advantage":"rloo"})"),
                          document(R"({"group":["p","p","q","q"],"reward":[1.0,0.0,0.5,null],
                   "turn":[[0,0,-1,1,1],[0,0,0],[0,0],[]],
                   "mask":[[1,1,0,1,1],[1,1,1],[1,0],[]]})"));
  EXPECT_EQ(result["advantage"], Json::parse("[[1.0,1.0,0.0,1.0,1.0],[-1.0,-1.0,-1.0],"
                                             "[0.0,0.0],[]]"));
  EXPECT_EQ(result["per_turn"], Json::parse("[[1.0,1.0],[-1.0],[0.0],[0.0]]"));
  EXPECT_EQ(result["per_rollout"], Json::parse("[1.0,-1.0,0.0,0.0]"));
  ASSERT_EQ(result["groups"].size(), 2U);
  EXPECT_EQ(result["groups"][0]["group"], "p");
  EXPECT_EQ(result["groups"][0]["mean"], 0.5);
  EXPECT_EQ(result["groups"][0]["degenerate"], false);
  EXPECT_EQ(result["groups"][1]["n"], 1);
  EXPECT_EQ(result["groups"][1]["degenerate"], true);
  EXPECT_EQ(result["warnings"], Json::array());
}

/// Two groups of two rows of two turns with every array of a batch file; the rewards of the second
/// row of a group differ. Lifecycles of one task each.
std::string full_batch() {
  return R"({"group":["p","p","q","q"],"reward":[1.0,0.0,0.5,0.25],
    "turn_reward":[[0.5,1.0],[0.0,0.5],[0.5,0.0],[0.25,0.25]],
    "info_gain":[[0.3,null],[-0.2,null],[0.1,null],[0.4,null]],
    "anchor":[["s","t"],["s","u"],["v","w"],["v","w"]],
    "lifecycle":[0,1,0,1],"position":[0,0,0,0],"kind":["solve","solve","solve","solve"],
    "truncated":[0,0,0,1],
    "turn":[[0,-1,1],[0,-1,1],[0,-1,1],[0,-1,1]],"mask":[[1,0,1],[1,0,1],[1,0,1],[1,0,1]],
    "logp":[[-1.0,null,-0.5],[-0.7,null,-1.2],[-0.2,null,-0.9],[-1.5,null,-0.4]],
    "logp_old":[[-1.0,null,-0.5],[-0.7,null,-1.2],[-0.2,null,-0.9],[-1.5,null,-0.4]],
    "logp_rollout":[[-1.0,null,-0.5],[-0.7,null,-1.2],[-0.2,null,-0.9],[-1.5,null,-0.4]],
    "logp_ref":[[-1.1,null,-0.4],[-0.7,null,-1.3],[-0.1,null,-0.9],[-1.5,null,-0.6]],
    "structure":[[1,null,-1],[1,null,0],[0,null,1],[1,null,1]],
    "entropy":[[0.4,null,0.5],[0.6,null,0.7],[0.3,null,0.2],[0.5,null,0.5]]})";
}

TEST(Inspect, shows_advantages_loss_and_weights_of_every_recipe_of_the_folder) {
  const JsonDocument batch = document(full_batch());
  for (const Recipe& recipe : all_recipes()) {
    const Result<Json> advantages = inspect_advantages(recipe, batch);
    ASSERT_TRUE(advantages.ok()) << recipe.name << advantages.error().text();
    EXPECT_NE((*advantages)["advantage"], Json::parse("[[0.0,0.0,0.0],[0.0,0.0,0.0],"
                                                      "[0.0,0.0,0.0],[0.0,0.0,0.0]]"))
        << recipe.name;
    EXPECT_EQ((*advantages)["per_turn"].size(), 4U) << recipe.name;
    const Result<Json> loss = inspect_loss(recipe, batch);
    ASSERT_TRUE(loss.ok()) << recipe.name << loss.error().text();
    EXPECT_EQ((*loss)["grad_logp"][0][1], 0) << recipe.name;
    const Result<Json> weights = inspect_weights(recipe, batch);
    ASSERT_TRUE(weights.ok()) << recipe.name << weights.error().text();
    EXPECT_EQ((*weights)["keep"], Json::parse("[[1,0,1],[1,0,1],[1,0,1],[1,0,1]]")) << recipe.name;
  }
}

TEST(Inspect, names_the_array_that_a_term_needs) {
  EXPECT_THAT(inspection_error(inspect_advantages, "infopo",
                               R"({"group":["p"],"reward":[1],"turn":[[0]],"mask":[[1]]})"),
              HasSubstr("info_gain"));
  EXPECT_THAT(inspection_error(inspect_advantages, "gigpo",
                               R"({"group":["p"],"reward":[1],"turn":[[0]],"mask":[[1]],
                                   "turn_reward":[[1]]})"),
              HasSubstr("anchor"));
}

TEST(InspectAdvantages, needs_no_tokens_where_the_recipe_needs_none) {
  const Json result =
      *inspect_advantages(recipe_of(R"({"advantage":{"kind":"grpo","compat":"verl"}})"),
                          document(R"({"group":["s"],"reward":[0.7]})"));
  EXPECT_NEAR(result["per_rollout"][0].get<double>(), .7 / (1 + 1e-6), 1e-15);
}

TEST(InspectAdvantages, gives_the_unit_example_of_connect_the_dots) {
  // Two lifecycles of one pack: the second has returns 0 everywhere, so A = R / 2 for the first.
  const Json result = *inspect_advantages(
      recipe_of(R"({"credit":"connect_the_dots","advantage":"group_mean"})"),
      document(R"({"group":["p","p","p","p","p","p","p","p","p","p","p","p","p","p"],
        "lifecycle":[0,0,0,0,0,0,0,1,1,1,1,1,1,1],
        "position":[0,1,1,2,2,3,3,0,1,1,2,2,3,3],
        "kind":["solve","update_context","solve","update_context","solve","update_context","solve",
                "solve","update_context","solve","update_context","solve","update_context","solve"],
        "reward":[0,0,1,-0.1,1,0,0,0,0,0,0,0,0,0]})"));
  const Doubles half{.25, .25, 1. / 3, .15, .25, 0, 0};
  for (std::size_t row = 0; row < 7; ++row) {
    EXPECT_NEAR(result["per_rollout"][row].get<double>(), half[row], 1e-15);
    EXPECT_NEAR(result["per_rollout"][row + 7].get<double>(), -half[row], 1e-15);
  }
  EXPECT_EQ(result["groups"][1]["kind"], "update_context");
  EXPECT_EQ(result["groups"][1]["position"], 1);
}

TEST(InspectLoss, takes_given_advantages_as_they_are) {
  // REINFORCE, token mean over three tokens: -(1 * -0.5 + 1 * -1 - 2 * -0.25) / 3 = 1/3.
  const Json result = *inspect_loss(
      recipe_of(R"({"objective":"reinforce"})"),
      document(R"({"mask":[[1,0,1],[1]],"logp":[[-0.5,null,-1.0],[-0.25]],"advantage":[1,-2]})"));
  EXPECT_NEAR(result["loss"].get<double>(), 1.0 / 3, 1e-15);
  EXPECT_NEAR(result["grad_logp"][0][0].get<double>(), -1.0 / 3, 1e-15);
  EXPECT_EQ(result["grad_logp"][0][1], 0.0);
  EXPECT_NEAR(result["grad_logp"][1][0].get<double>(), 2.0 / 3, 1e-15);
  EXPECT_EQ(result["grad_entropy"], Json::parse("[[0.0,0.0,0.0],[0.0]]"));
  EXPECT_EQ(result["grad_value"], Json::parse("[[0.0,0.0,0.0],[0.0]]"));
}

TEST(InspectLoss, accepts_advantages_per_token) {
  const Json result =
      *inspect_loss(recipe_of(R"({"objective":"reinforce","aggregation":"token_sum"})"),
                    document(R"({"mask":[[1,1]],"logp":[[-1,-2]],"advantage":[[3,5]]})"));
  EXPECT_EQ(result["loss"], 13.0);
}

TEST(InspectWeights, gives_weights_and_keeps) {
  const Json result = *inspect_weights(
      recipe_of(R"({"correction":{"kind":"token_mask","low":0.5,"high":2}})"),
      document(R"({"mask":[[1,1,0]],"logp_old":[[-1,-1,null]],"logp_rollout":[[-1,-3,null]]})"));
  EXPECT_EQ(result["weight"], Json::parse("[[1.0,0.0,0.0]]"));
  EXPECT_EQ(result["keep"], Json::parse("[[1,0,0]]"));
  EXPECT_EQ(result["metrics"]["rejected_share"], 0.5);
}

TEST(InspectErrors, name_the_missing_array) {
  EXPECT_EQ(inspection_error(inspect_loss, R"({"regularisers":[{"kind":"kl","coefficient":0.1}]})",
                             R"({"mask":[[1]],"logp":[[-1]],"advantage":[1]})"),
            "batch.json:1:1: expected the array \"logp_ref\", which the recipe inline needs; "
            "found none");
  EXPECT_THAT(inspection_error(inspect_advantages, "grpo", R"({"reward":[1]})"),
              HasSubstr("\"group\""));
  EXPECT_THAT(inspection_error(inspect_advantages, "trloo", R"({"group":["a"],"reward":[1]})"),
              HasSubstr("\"turn_reward\""));
  EXPECT_THAT(inspection_error(inspect_weights, R"({"correction":"token_mask"})",
                               R"({"mask":[[1]],"logp_old":[[-1]]})"),
              HasSubstr("\"logp_rollout\""));
}

TEST(InspectErrors, point_at_what_does_not_fit) {
  const auto error = [](const std::string& batch) {
    return inspection_error(inspect_advantages, R"({"advantage":"grpo"})", batch);
  };
  EXPECT_EQ(error(R"({"group":["a","b"],"reward":[1]})"),
            "batch.json:1:29 /reward: expected 2 rows, as in \"group\"; found 1");
  EXPECT_THAT(error(R"({"group":["a"],"reward":["x"]})"),
              HasSubstr("/reward/0: expected a number; found \"x\""));
  EXPECT_THAT(error(R"({"group":["a"],"reward":[1],"mask":[[1,2]]})"),
              HasSubstr("/mask/0/1: expected 0 or 1; found 2"));
  EXPECT_THAT(error(R"({"group":["a"],"reward":[1],"mask":[[1]],"logp":[[-1,-1]]})"),
              HasSubstr("/logp/0: expected 1 tokens"));
  EXPECT_THAT(error(R"({"group":["a"],"reward":[1],"mask":[[1]],"logp":[[null]]})"),
              HasSubstr("/logp/0/0: expected a number; found null"));
  EXPECT_THAT(error(R"({"group":["a"],"rewards":[1]})"), HasSubstr("Did you mean \"reward\"?"));
  EXPECT_THAT(error(R"({"group":["a","a"],"reward":[1,1],"lifecycle":[0,0],"position":[0,0],
                        "kind":["solve","solve"]})"),
              HasSubstr("/position/1: expected one episode of a kind"));
  EXPECT_THAT(inspection_error(inspect_advantages, "trloo",
                               R"({"group":["a"],"turn_reward":[[1]],"turn":[[0,1]]})"),
              HasSubstr("row 0 has turn 1 and 1 rewards"));
}

TEST(InspectErrors, say_when_a_ratio_overflows) {
  EXPECT_THAT(inspection_error(inspect_loss, R"({"objective":{"kind":"ppo_clip","compat":"trl"}})",
                               R"({"mask":[[1]],"logp":[[0]],"logp_old":[[-1000]],
                                   "advantage":[-1]})"),
              HasSubstr("expected a finite gradient of the log-prob; found inf"));
}

}  // namespace
}  // namespace turnhalle::algo
