// PARA-GRPO, arXiv 2605.20342: the table of format and tool rewards printed for its released code,
// the corrected scoring, structural tokens, and its advantages.
#include <set>

#include "tests/algo/arrays.h"
#include "trainers/algo/reward/para_format.h"
#include "trainers/algo/structure.h"
#include "trainers/algo/task_budget.h"

namespace turnhalle::algo {
namespace {

const std::string kThought = "the clip shows a dog";
const std::string kThink = "<think>" + kThought + "</think>";
const std::string kPrefilled = kThought + "</think>";
const std::string kCall = R"(<tool_call>{"name":"crop_video","arguments":{"from":1}}</tool_call>)";
const std::string kCode = R"(<tool_code>print(crop_video(1, 2))</tool_code>)";
const std::string kAnswer = "<answer>B</answer>";

struct Golden {
  const char* what;
  std::string text;
  double plain, anchored, tool_wrong, tool_right;
};

std::vector<Golden> golden_rows() {
  return {
      {"think and answer", kThink + kAnswer, .7, 1, 0, 0},
      {"the same, think prefilled", kPrefilled + kAnswer, .3, .5, 0, 0},
      {"bare text", "B", 0, 0, 0, 0},
      {"answer tags only", kAnswer, .4, .6, 0, 0},
      {"think never closed, no answer", "<think>" + kThought, .3, .05, 0, 0},
      {"unclosed think and answer", "<think>" + kThought + kAnswer, .6, .55, 0, 0},
      {"think and call, think and answer", kThink + kCall + kThink + kAnswer, 1, 1, .1, .6},
      {"the same, both prefilled", kPrefilled + kCall + kPrefilled + kAnswer, .3, .5, .1, .6},
      {"think and tool_code leak", kThink + kCode, .7, .8, .1, .6},
      {"two calls", kThink + kCall + kCall + kThink + kAnswer, 1, 1, .1, .6},
      {"unclosed call", kThink + R"(<tool_call>{"name":"crop_video")", .3, .4, 0, 0},
      {"empty tags", "<think></think><answer></answer>", 0, 0, 0, 0},
      {"made-up response",
       kThink + kCall + "<tool_response>a dog</tool_response>" + kThink + kAnswer, 1, 1, .3, .8}};
}

TEST(ParaReward, gives_the_golden_table_of_the_released_code) {
  for (const Golden& row : golden_rows()) {
    const FormatFacts facts = format_facts(row.text);
    EXPECT_NEAR(format_reward(facts, FormatScale::plain, 0), row.plain, 1e-12) << row.what;
    EXPECT_NEAR(format_reward(facts, FormatScale::anchored, .5), row.anchored, 1e-12) << row.what;
    for (const double accuracy : {0.0, 1.0}) {
      ParaReply reply;
      reply.sampled = row.text;
      reply.accuracy = accuracy;
      const ParaReward reward = para_reward(reply, ParaScale{});
      EXPECT_NEAR(reward.tool, accuracy > 0 ? row.tool_right : row.tool_wrong, 1e-12) << row.what;
      EXPECT_NEAR(reward.total, accuracy + reward.format + reward.tool, 1e-12) << row.what;
    }
  }
}

TEST(ParaReward, corrected_sees_the_forced_prefix_and_believes_the_transcript_only) {
  ParaReply reply{"<think>", "", false, 1};
  const std::string perfect = kPrefilled + kAnswer;
  reply.sampled = perfect;
  ParaScale fixed;
  fixed.mode = AnchorMode::fixed;
  EXPECT_NEAR(para_reward(reply, ParaScale{}).format, .5, 1e-12);
  EXPECT_NEAR(para_reward(reply, fixed).format, 1, 1e-12);
  const std::string made_up = kPrefilled + kCall + "<tool_response>a dog</tool_response>";
  reply.sampled = made_up;
  EXPECT_NEAR(para_reward(reply, fixed).tool, .6, 1e-12);
  reply.executed = true;
  EXPECT_NEAR(para_reward(reply, fixed).tool, .8, 1e-12);
}

TEST(ParaReward, is_not_clipped_below_and_zero_for_a_degenerate_reply) {
  EXPECT_NEAR(format_reward(format_facts("<think>hm"), FormatScale::anchored, .5), -.15, 1e-12);
  std::string chatter = kAnswer;
  for (int i = 0; i < 5; ++i) {
    chatter += "<|im_start|>";
  }
  ParaReply reply;
  reply.sampled = chatter;
  reply.accuracy = 1;
  EXPECT_EQ(para_reward(reply, ParaScale{}).total, 0);
  const std::string long_chatter = chatter + std::string(300, ' ');
  reply.sampled = long_chatter;
  EXPECT_NEAR(para_reward(reply, ParaScale{}).total, 1.6, 1e-12);
}

StructureReport structure_of(const std::vector<std::string>& pieces, bool forced = false) {
  return check_structure(find_tags(pieces, "<|im_end|>"), pieces.size(), forced);
}

TEST(Structure, accepts_thought_call_and_answer) {
  const StructureReport report =
      structure_of({"<think>", "a", "</think>", "<tool_call>", "{}", "</tool_call>", "<|im_end|>"});
  EXPECT_TRUE(report.accepted);
  EXPECT_FALSE(report.failing_token.has_value());
  EXPECT_EQ(report.mark, (Doubles{1, 0, 1, 1, 0, 1, 0}));
  EXPECT_TRUE(
      structure_of({"a</think>", "<answer>", "B", "</answer>", "<|im_end|>"}, true).accepted);
}

TEST(Structure, finds_the_first_token_that_breaks_the_grammar) {
  struct Case {
    std::vector<std::string> pieces;
    std::size_t failing;
  };
  for (const Case& broken :
       std::vector<Case>{{{"<answer>", "B", "</answer>", "<|im_end|>"}, 0},
                         {{"<think>", "a", "<tool_call>", "</think>"}, 2},
                         {{"<think>", "a", "<|im_end|>"}, 2},
                         {{"<think>", "</think>", "<tool_code>", "x", "</tool_code>"}, 2},
                         {{"<think>", "</think>", "B", "<|im_end|>"}, 3},
                         {{"<think>", "</think>", "<think>"}, 2},
                         {{"<think>", "</think>", "<answer>", "B", "<|im_end|>"}, 4},
                         {{"<think>", "</think>", "<answer>", "</answer>", "<tool_call>"}, 4}}) {
    const StructureReport report = structure_of(broken.pieces);
    EXPECT_FALSE(report.accepted);
    ASSERT_TRUE(report.failing_token.has_value());
    EXPECT_EQ(*report.failing_token, broken.failing);
    EXPECT_EQ(report.mark[broken.failing], -1);
    for (std::size_t t = broken.failing + 1; t < report.mark.size(); ++t) {
      EXPECT_EQ(report.mark[t], 0);
    }
  }
}

TEST(Structure, of_a_reply_that_was_cut_off_is_neither_accepted_nor_failed) {
  const StructureReport report = structure_of({"<think>", "a", "</think>"});
  EXPECT_FALSE(report.accepted);
  EXPECT_FALSE(report.failing_token.has_value());
}

TEST(Structure, marks_the_token_that_completes_a_tag) {
  const std::vector<std::string> pieces{"<", "think", ">a <", "b></", "think", "><answer>"};
  EXPECT_EQ(
      find_tags(pieces, "<|im_end|>"),
      (std::vector<TagAt>{{2, Tag::think_open}, {5, Tag::think_close}, {5, Tag::answer_open}}));
}

TEST(ParaGrpo, token_mode_adds_exactly_its_weight_at_structural_tokens) {
  Batch batch = random_batch({.seed = 31, .groups = 3, .lifecycles = 4, .tasks = 1});
  const Doubles without = compute_advantages(recipe_of("para_grpo"), batch)->per_token;
  const Doubles with = compute_advantages(recipe_of("para_grpo_token"), batch)->per_token;
  for (std::size_t t = 0; t < batch.tokens(); ++t) {
    EXPECT_NEAR(with[t] - without[t], batch.mask[t] != 0 ? .5 * batch.structure[t] : 0, 1e-15);
  }
}

TEST(ParaGrpo, clips_scaled_rewards_before_the_z_score) {
  Batch batch;
  batch.group = std::vector<std::int64_t>(8, 0);
  batch.reward = {2.6, 2.0, 1.0, .5, 0, .05, 2.0, 1.6};
  batch.has_reward = Marks(8, 1);
  batch.offset = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  batch.mask = Marks(8, 1);
  const Recipe recipe = recipe_of(
      R"({"reward":[{"kind":"scale","scale":10,"shift":-2,"low":-20,"high":20}],
          "advantage":{"kind":"grpo","eps":1e-5}})");
  expect_near(compute_advantages(recipe, batch)->per_row,
              Doubles{1.1403, .9192, -.1866, -.7395, -1.2924, -1.2371, .9192, .4769}, 5e-5);
}

TEST(ParaGrpo, adds_the_divergence_to_go_before_whitening) {
  Batch batch;
  batch.group = {0};
  batch.reward = {1};
  batch.has_reward = {1};
  batch.offset = {0, 4};
  batch.mask = Marks(4, 1);
  batch.logp_rollout = {-.5, -1, -.2, -.7};
  batch.logp_ref = {-.6, -.8, -.2, -1.2};
  const Recipe recipe =
      recipe_of(R"({"advantage_transform":[{"kind":"kl_to_go","coefficient":0.01}]})");
  expect_near(compute_advantages(recipe, batch)->per_token, Doubles{.996, .997, .995, .995}, 1e-14);
}

TEST(TaskBudget, is_shared_by_a_group_changes_with_the_epoch_and_is_uniform) {
  const std::vector<std::int64_t> choices{4, 8, 16, 32, 64};
  std::map<std::int64_t, int> drawn;
  int changed = 0;
  for (int task = 0; task < 5000; ++task) {
    const std::string name = "video " + std::to_string(task);
    const std::int64_t budget = task_budget(1, 0, name, choices);
    EXPECT_EQ(task_budget(1, 0, name, choices), budget);
    changed += task_budget(1, 1, name, choices) != budget ? 1 : 0;
    ++drawn[budget];
  }
  for (const std::int64_t choice : choices) {
    EXPECT_NEAR(drawn[choice], 1000, 120) << choice;
  }
  EXPECT_NEAR(changed, 4000, 120);
}

}  // namespace
}  // namespace turnhalle::algo
