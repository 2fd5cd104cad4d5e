// Rollouts of a policy: the token ledger, rows and spans, and what they must not depend on.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "agents/agent_spec.h"
#include "agents/lm/policy.h"
#include "tests/trainers/training_fixture.h"
#include "trainers/new_policy.h"
#include "trainers/rollout.h"

namespace turnhalle {
namespace {

// A policy with fresh weights for the small experiment.
struct Player {
  explicit Player(const TestFolder& folder) : experiment(make_experiment()) {
    const StartingPolicy start =
        make_starting_policy(experiment, folder.file("policy")).value();
    lm::PolicyOptions options;
    options.new_tokens_max = 12;
    options.deterministic = true;
    policy = lm::Policy::around(start.model, start.tokenizer_folder, options).value();
  }

  Result<std::vector<LifecycleRollout>> play(const RolloutPlan& plan) {
    return play_rollouts(
        experiment.scenario, plan, [&](LifecycleIndex) { return policy->make_agent(); },
        [&] { return policy->pump(); }, nullptr);
  }

  Experiment experiment;
  std::shared_ptr<lm::Policy> policy;
};

RolloutPlan small_plan() {
  RolloutPlan plan;
  plan.seed = 3;
  plan.groups = 3;
  plan.group_size = 2;
  return plan;
}

// What an agent saw and said in one lifecycle: per turn the ids, and the text of its conversations.
struct Witness {
  struct Turn {
    bool opens = false;
    std::shared_ptr<const ReplyTokens> tokens;
  };
  std::vector<Turn> turns;
  std::vector<std::string> conversations;
};

class WitnessedAgent final : public Agent {
 public:
  WitnessedAgent(std::unique_ptr<Agent> agent, Witness& witness)
      : agent_(std::move(agent)), witness_(witness) {}
  boost::asio::awaitable<AgentReply> act(const Conversation& conversation) override {
    const bool opens = conversation.fresh && conversation.turn == 0;
    if (opens) witness_.conversations.emplace_back();
    std::string text;
    for (const Message& message : conversation.messages) text += message.content;
    AgentReply reply = co_await agent_->act(conversation);
    witness_.conversations.back() = text + reply.text;
    witness_.turns.push_back({opens, reply.tokens});
    co_return reply;
  }

 private:
  std::unique_ptr<Agent> agent_;
  Witness& witness_;
};

void expect_same_rollout(const LifecycleRollout& a, const LifecycleRollout& b) {
  ASSERT_EQ(a.sequences.size(), b.sequences.size());
  for (std::size_t i = 0; i < a.sequences.size(); ++i) {
    EXPECT_EQ(a.sequences[i].tokens, b.sequences[i].tokens);
    EXPECT_EQ(a.sequences[i].sampled, b.sequences[i].sampled);
  }
  ASSERT_EQ(a.rows.size(), b.rows.size());
  for (std::size_t i = 0; i < a.rows.size(); ++i) {
    EXPECT_EQ(a.rows[i].logprob, b.rows[i].logprob);
    EXPECT_EQ(a.rows[i].turn, b.rows[i].turn);
    EXPECT_EQ(a.rows[i].reward, b.rows[i].reward);
    EXPECT_EQ(a.rows[i].outcome, b.rows[i].outcome);
  }
}

// Every sampled token stands in exactly one span, and spans number a row's tokens without gaps.
void expect_consistent(std::span<const Sequence> sequences,
                       const std::vector<std::size_t>& row_tokens) {
  std::vector<std::size_t> next(row_tokens.size(), 0);
  for (const Sequence& sequence : sequences) {
    ASSERT_EQ(sequence.tokens.size(), sequence.sampled.size());
    std::vector<int> covered(sequence.tokens.size(), 0);
    for (const RowSpan& span : sequence.spans) {
      ASSERT_LT(span.row, next.size());
      EXPECT_EQ(span.token, next[span.row]);
      next[span.row] += span.count;
      for (std::size_t k = 0; k < span.count; ++k) ++covered[span.position + k];
    }
    for (std::size_t i = 0; i < covered.size(); ++i) EXPECT_EQ(covered[i], sequence.sampled[i]);
  }
  EXPECT_EQ(next, row_tokens);
}

TEST(Rollouts, SequencesAreTheLedgersOfTheirConversations) {
  const TestFolder folder;
  Player player(folder);
  RolloutPlan plan = small_plan();
  std::map<std::int64_t, Witness> witnesses;
  const std::vector<LifecycleRollout> rollouts =
      play_rollouts(
          player.experiment.scenario, plan,
          [&](LifecycleIndex index) {
            return std::make_unique<WitnessedAgent>(player.policy->make_agent(),
                                                    witnesses[index.value]);
          },
          [&] { return player.policy->pump(); }, nullptr)
          .value();
  ASSERT_EQ(rollouts.size(), 6U);
  for (std::size_t i = 0; i < rollouts.size(); ++i) {
    const Witness& witness = witnesses[static_cast<std::int64_t>(i)];
    std::vector<std::vector<std::int32_t>> ledgers;
    for (const Witness::Turn& turn : witness.turns) {
      ASSERT_NE(turn.tokens, nullptr);
      if (turn.opens) ledgers.emplace_back();
      std::vector<std::int32_t>& ledger = ledgers.back();
      ledger.insert(ledger.end(), turn.tokens->observed.begin(), turn.tokens->observed.end());
      ledger.insert(ledger.end(), turn.tokens->sampled.begin(), turn.tokens->sampled.end());
      EXPECT_EQ(turn.tokens->sampled.size(), turn.tokens->logprobs.size());
    }
    ASSERT_EQ(ledgers.size(), rollouts[i].sequences.size());
    for (std::size_t k = 0; k < ledgers.size(); ++k) {
      EXPECT_EQ(ledgers[k], rollouts[i].sequences[k].tokens);
    }
  }
}

TEST(Rollouts, RowsAndSpansCoverTheSampledTokens) {
  const TestFolder folder;
  Player player(folder);
  std::vector<LifecycleRollout> rollouts = player.play(small_plan()).value();
  for (const LifecycleRollout& rollout : rollouts) {
    std::vector<std::size_t> row_tokens;
    for (const RolloutRow& row : rollout.rows) {
      EXPECT_EQ(row.turn.size(), row.logprob.size());
      EXPECT_TRUE(std::is_sorted(row.turn.begin(), row.turn.end()));
      EXPECT_EQ(row.turn.back() + 1, static_cast<std::int32_t>(row.turn_reward.size()));
      for (const float logprob : row.logprob) EXPECT_LE(logprob, 0.0F);
      row_tokens.push_back(row.turn.size());
    }
    EXPECT_EQ(rollout.rows.size(), 7U);       // four tasks, three updates
    EXPECT_EQ(rollout.sequences.size(), 4U);  // updates go on in the task's conversation
    expect_consistent(rollout.sequences, row_tokens);
  }
  const std::vector<LifecycleRollout> copies = rollouts;
  const RolloutBatch batch = assemble(std::move(rollouts), 2);
  algo::check_shapes(batch.rows);
  std::vector<std::size_t> row_tokens;
  for (std::size_t row = 0; row < batch.rows.rows(); ++row) {
    row_tokens.push_back(batch.rows.offset[row + 1] - batch.rows.offset[row]);
    EXPECT_EQ(batch.rows.group[row], static_cast<std::int64_t>(row / 14));
    EXPECT_EQ(batch.rows.lifecycle[row], static_cast<std::int64_t>(row / 7 % 2));
    EXPECT_EQ(batch.rows.is_update[row], row % 7 % 2);
    EXPECT_EQ(batch.rows.position[row], static_cast<std::int64_t>((row % 7 + 1) / 2));
    EXPECT_EQ(batch.rows.reward[row], copies[row / 7].rows[row % 7].reward);
  }
  expect_consistent(batch.sequences, row_tokens);
}

TEST(Rollouts, DoNotDependOnHowManyWorldsAreInFlight) {
  const TestFolder folder;
  Player player(folder);
  RolloutPlan plan = small_plan();
  const std::vector<LifecycleRollout> together = player.play(plan).value();
  for (const int in_flight : {1, 3}) {
    plan.in_flight = in_flight;
    const std::vector<LifecycleRollout> again = player.play(plan).value();
    ASSERT_EQ(again.size(), together.size());
    for (std::size_t i = 0; i < together.size(); ++i) expect_same_rollout(together[i], again[i]);
  }
}

TEST(Rollouts, OfAGroupShareTheTaskAndDrawDifferently) {
  const TestFolder folder;
  Player player(folder);
  const std::vector<LifecycleRollout> rollouts = player.play(small_plan()).value();
  const auto first_prompt = [&](std::size_t i) {
    const Sequence& sequence = rollouts[i].sequences[0];
    return std::vector<std::int32_t>(
        sequence.tokens.begin(),
        sequence.tokens.begin() + static_cast<std::ptrdiff_t>(sequence.spans[0].position));
  };
  for (std::size_t group = 0; group < 3; ++group) {
    EXPECT_EQ(first_prompt(2 * group), first_prompt(2 * group + 1));
    EXPECT_NE(rollouts[2 * group].sequences[0].tokens,
              rollouts[2 * group + 1].sequences[0].tokens);
  }
  // A group's tasks are named by its number alone.
  RolloutPlan second = small_plan();
  second.first_group = 1;
  second.groups = 1;
  const std::vector<LifecycleRollout> alone = player.play(second).value();
  expect_same_rollout(alone[0], rollouts[2]);
  expect_same_rollout(alone[1], rollouts[3]);
}

TEST(Rollouts, AreStoppedFromOutsideAndThePolicyPlaysOn) {
  const TestFolder folder;
  Player player(folder);
  const std::vector<LifecycleRollout> expected = player.play(small_plan()).value();
  for (const int last : {1, 5, 17}) {
    std::atomic<bool> stop{false};
    int pumps = 0;
    const auto stopped = play_rollouts(
        player.experiment.scenario, small_plan(),
        [&](LifecycleIndex) { return player.policy->make_agent(); },
        [&] {
          stop = stop || ++pumps == last;
          return player.policy->pump();
        },
        &stop);
    EXPECT_TRUE(stopped);
  }
  const std::vector<LifecycleRollout> again = player.play(small_plan()).value();
  for (std::size_t i = 0; i < expected.size(); ++i) expect_same_rollout(expected[i], again[i]);
}

TEST(Rollouts, ADemonstratorsIdsSpellItsConversations) {
  const TestFolder folder;
  Player player(folder);
  const Scenario& scenario = player.experiment.scenario;
  const AgentFactory demonstrators =
      make_agent_factory(parse_agent("demonstrator").value(), scenario).value();
  std::map<std::int64_t, Witness> witnesses;
  const std::vector<LifecycleRollout> rollouts =
      play_rollouts(
          scenario, small_plan(),
          [&](LifecycleIndex index) {
            return std::make_unique<WitnessedAgent>(
                lm::make_tokenised_agent(demonstrators(index), player.policy->tokenizer(),
                                         player.policy->chat_template()),
                witnesses[index.value]);
          },
          nullptr, nullptr)
          .value();
  for (std::size_t i = 0; i < rollouts.size(); ++i) {
    const Witness& witness = witnesses[static_cast<std::int64_t>(i)];
    ASSERT_EQ(witness.conversations.size(), rollouts[i].sequences.size());
    for (std::size_t k = 0; k < witness.conversations.size(); ++k) {
      EXPECT_EQ(player.policy->tokenizer().decode(rollouts[i].sequences[k].tokens),
                "<bos>" + witness.conversations[k]);
    }
  }
}

}  // namespace
}  // namespace turnhalle
