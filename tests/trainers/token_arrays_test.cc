// What recipes read off the tokens of rollouts: counterfactuals, anchor states, structure.
#include "trainers/token_arrays.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "trainers/learner.h"

namespace turnhalle {
namespace {

using lm::ChatMessage;
using lm::ChatTemplate;
using lm::TokenId;
using lm::Tokenizer;

const Tokenizer& tokenizer() {
  static const Tokenizer small =
      Tokenizer::load(TURNHALLE_SOURCE_DIR "/tests/lm/data/smollm_like.tokenizer.json").value();
  return small;
}

ChatTemplate chatml() { return ChatTemplate::by_name("chatml").value(); }

// One episode of a lifecycle: what the world said before each reply, and the replies.
struct Exchange {
  std::string told;
  std::string reply;
};
struct Episode {
  EpisodeKind kind = EpisodeKind::solve;
  std::int64_t position = 0;
  std::vector<Exchange> exchanges;
};

// The episodes as one conversation of one lifecycle.
LifecycleRollout rollout_of(const std::vector<Episode>& episodes) {
  LifecycleRollout rollout;
  Sequence& sequence = rollout.sequences.emplace_back();
  for (const Episode& episode : episodes) {
    RolloutRow row;
    row.kind = episode.kind;
    row.position = episode.position;
    row.reward = 1.0;
    for (const Exchange& exchange : episode.exchanges) {
      const std::vector<ChatMessage> messages{{"user", exchange.told}};
      lm::ChatRequest request{.messages = messages};
      if (!sequence.tokens.empty()) request.ledger_end = lm::LedgerEnd::stopped;
      std::vector<TokenId> told;
      EXPECT_TRUE(chatml().encode(tokenizer(), request, told));
      std::vector<TokenId> reply = tokenizer().encode(exchange.reply);
      reply.push_back(tokenizer().id_of("<|im_end|>").value());
      sequence.tokens.insert(sequence.tokens.end(), told.begin(), told.end());
      sequence.spans.push_back(
          {rollout.rows.size(), sequence.tokens.size(), row.turn.size(), reply.size()});
      sequence.tokens.insert(sequence.tokens.end(), reply.begin(), reply.end());
      row.turn.insert(row.turn.end(), reply.size(),
                      static_cast<std::int32_t>(row.turn_reward.size()));
      row.turn_reward.push_back(0.0);
    }
    row.logprob.assign(row.turn.size(), 0.0F);
    rollout.rows.push_back(std::move(row));
  }
  sequence.sampled.assign(sequence.tokens.size(), 0);
  return rollout;
}

RolloutBatch batch_of(const std::vector<std::vector<Episode>>& lifecycles) {
  std::vector<LifecycleRollout> rollouts;
  for (const std::vector<Episode>& episodes : lifecycles) rollouts.push_back(rollout_of(episodes));
  return assemble(std::move(rollouts), static_cast<std::int64_t>(lifecycles.size()));
}

std::vector<TokenId> placeholder() { return tokenizer().encode("No information found."); }

TEST(ChatContents, AreTheMessagesWithoutRolesAndMarks) {
  const std::vector<ChatMessage> messages{
      {"system", "Be brief."}, {"user", "a lake, 4 by 4"}, {"tool", ""}, {"user", "left?"}};
  std::vector<TokenId> ids;
  ASSERT_TRUE(chatml().encode(tokenizer(), {.messages = messages}, ids));
  std::vector<std::string> found;
  for (const lm::TokenSpan& span : chatml().contents(tokenizer(), ids)) {
    found.push_back(
        tokenizer().decode(std::span(ids).subspan(span.begin, span.end - span.begin)));
  }
  EXPECT_EQ(found, (std::vector<std::string>{"Be brief.", "a lake, 4 by 4", "left?"}));
}

TEST(ChatContents, OfAPlainTemplateAreAllTokens) {
  const auto plain = ChatTemplate::by_name("plain").value();
  const std::vector<TokenId> ids{5, 6, 7};
  EXPECT_EQ(plain.contents(tokenizer(), ids), (std::vector<lm::TokenSpan>{{0, 3}}));
  EXPECT_TRUE(plain.contents(tokenizer(), {}).empty());
}

TEST(Counterfactuals, OverwriteOneFeedbackAndKeepAllOtherTokensInTheirPlaces) {
  const RolloutBatch batch = batch_of({{{.exchanges = {{"Guess a number.", "five"},
                                                       {"The number is higher than five.", "eight"},
                                                       {"The number is lower.", "seven"}}}}});
  const std::vector<Sequence> masked =
      make_counterfactuals(batch, tokenizer(), chatml(), placeholder());
  ASSERT_EQ(masked.size(), 2U);
  const Sequence& real = batch.sequences[0];
  for (std::size_t k = 0; k < 2; ++k) {
    const RowSpan& span = real.spans[k + 1];
    const std::size_t told_from = real.spans[k].position + real.spans[k].count;
    ASSERT_EQ(masked[k].tokens.size(), span.position + span.count);
    std::size_t changed = 0;
    for (std::size_t t = 0; t < masked[k].tokens.size(); ++t) {
      if (masked[k].tokens[t] == real.tokens[t]) continue;
      ++changed;
      EXPECT_TRUE(t >= told_from && t < span.position) << t;
    }
    EXPECT_GT(changed, 0U);
    EXPECT_EQ(std::count(masked[k].sampled.begin(), masked[k].sampled.end(), 1),
              static_cast<std::ptrdiff_t>(span.count));
    EXPECT_EQ(target_positions(masked[k], TargetTokens::sampled).front(), span.position);
  }
  const std::string text = tokenizer().decode(masked[0].tokens);
  EXPECT_NE(text.find("five<|im_end|>\n<|im_start|>user\nNo information"), std::string::npos)
      << text;
  EXPECT_EQ(text.find("higher"), std::string::npos) << text;
}

TEST(Counterfactuals, LeaveOutTheOpeningOfAnEpisode) {
  const RolloutBatch batch = batch_of(
      {{{.exchanges = {{"Guess a number.", "five"}}},
        {.kind = EpisodeKind::update_context, .exchanges = {{"Write the context.", "ok"}}}}});
  EXPECT_TRUE(make_counterfactuals(batch, tokenizer(), chatml(), placeholder()).empty());
}

TEST(Counterfactuals, GainsComeFromTheirScoresAndAreAbsentElsewhere) {
  const RolloutBatch batch =
      batch_of({{{.exchanges = {{"Guess.", "five"}, {"It is higher.", "eight"}}}}});
  const std::vector<Sequence> masked =
      make_counterfactuals(batch, tokenizer(), chatml(), placeholder());
  ASSERT_EQ(masked.size(), 1U);
  const std::size_t count = masked[0].spans[0].count;
  const std::vector<double> logp =
      scatter(masked, {std::vector<float>(count, -2.5F)}, batch.rows, std::nan(""));
  for (std::size_t t = 0; t < logp.size(); ++t) {
    if (batch.rows.turn[t] == 1) {
      EXPECT_EQ(logp[t], -2.5);
    } else {
      EXPECT_TRUE(std::isnan(logp[t])) << t;
    }
  }
}

TEST(AnchorStates, AreEqualWhereTheSameWasToldAtTheSamePosition) {
  const auto lifecycle = [](const std::string& second, std::int64_t position) {
    return std::vector<Episode>{
        {.position = position, .exchanges = {{"A lake.", "up"}, {second, "down"}}}};
  };
  const std::vector<std::int64_t> anchor = anchor_states(
      batch_of({lifecycle("row 1", 0), lifecycle("row 1", 0), lifecycle("row 2", 0),
                lifecycle("row 1", 1)}));
  ASSERT_EQ(anchor.size(), 8U);
  EXPECT_EQ(anchor[0], anchor[2]);  // all begin alike
  EXPECT_EQ(anchor[0], anchor[4]);
  EXPECT_EQ(anchor[1], anchor[3]);
  EXPECT_NE(anchor[1], anchor[5]);  // told something else
  EXPECT_NE(anchor[1], anchor[7]);  // another task
  EXPECT_NE(anchor[0], anchor[1]);
}

TEST(StructureMarks, StandAtTheTokensThatCompleteTags) {
  const RolloutBatch batch = batch_of(
      {{{.exchanges = {{"Q", "<think>a</think><answer>b</answer>"}, {"Q", "</answer>"}}}}});
  const std::vector<double> marks = structure_marks(batch, tokenizer(), chatml());
  const std::size_t second = batch.sequences[0].spans[1].token;
  const auto boundary = marks.begin() + static_cast<std::ptrdiff_t>(second);
  EXPECT_EQ(std::count(marks.begin(), boundary, 1.0), 4);
  EXPECT_EQ(std::count(marks.begin(), boundary, -1.0), 0);
  EXPECT_EQ(std::count(boundary, marks.end(), 1.0), 0);
  EXPECT_EQ(std::count(boundary, marks.end(), -1.0), 1);
}

}  // namespace
}  // namespace turnhalle
