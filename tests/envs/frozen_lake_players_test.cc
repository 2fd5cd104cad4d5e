// The players of frozen_lake_obscure reach the scores that are known of them, their hints and
// replies have the form that a small policy learns, and the compact style needs no other tokens.
#include "envs/frozen_lake_players.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/env_check.h"
#include "core/playthrough.h"
#include "envs/frozen_lake_obscure.h"
#include "envs/frozen_lake_planner.h"
#include "envs/task_sequence.h"
#include "tests/envs/player_scores.h"

namespace turnhalle::frozen_lake {
namespace {

constexpr std::int64_t kPacks = 2000;

struct Reference {
  std::string scenario;
  std::string role;
  std::vector<double> success;
  std::vector<double> reward;
};

class KnownScores : public testing::TestWithParam<Reference> {};

// Four standard errors of 2 000 packs, and half a digit of the reference.
TEST_P(KnownScores, AreReached) {
  const Reference& known = GetParam();
  const PositionScores found =
      score_player(scenario_named(known.scenario), known.role, kPacks);
  for (std::size_t i = 0; i < known.success.size(); ++i) {
    const double p = known.success[i];
    const double error = std::sqrt(p * (1.0 - p) / static_cast<double>(kPacks));
    EXPECT_NEAR(found.success[i], p, 4.0 * error + 0.001) << "position " << i;
  }
  for (std::size_t i = 0; i < known.reward.size(); ++i) {
    const double p = known.reward[i];
    const double error = std::sqrt(p * (1.0 - p) / static_cast<double>(kPacks));
    EXPECT_NEAR(found.reward[i], p, 4.0 * error + 0.001) << "position " << i;
  }
}

// Success and shaped reward of the expert: the simulations that the header refers to. The
// changing buttons: 4 000 packs of this environment. The demonstrators: 10 000; noise and drops are
// stated in the header.
INSTANTIATE_TEST_SUITE_P(
    Players, KnownScores,
    testing::Values(
        Reference{"frozen_lake_obscure_easy",
                  "expert",
                  {0.605, 0.925, 0.985, 0.997},
                  {0.570, 0.886, 0.948, 0.961}},
        Reference{"frozen_lake_obscure_hard",
                  "expert",
                  {0.579, 0.918, 0.989, 0.997},
                  {0.544, 0.876, 0.949, 0.958}},
        Reference{"frozen_lake_obscure_changing",
                  "expert",
                  {0.611, 0.925, 0.905, 0.896, 0.896, 0.900, 0.903, 0.984},
                  {}},
        Reference{"frozen_lake_obscure_easy", "random", {0.163, 0.163, 0.163, 0.163}, {}},
        Reference{"frozen_lake_obscure_hard", "random", {0.10, 0.10, 0.10, 0.10}, {}},
        Reference{
            "frozen_lake_obscure_easy_compact", "demonstrator", {}, {0.425, 0.630, 0.673, 0.700}},
        Reference{"frozen_lake_obscure_easy_compact",
                  "demonstrator_clean",
                  {},
                  {0.507, 0.840, 0.930, 0.957}}));

// Expectimax as it is written in books: no table, no bounds.
double plain_value(const Seen& seen, Cell cell, Permutations posterior, std::int64_t left) {
  double best = 0.0;
  const auto moves = static_cast<double>(seen.budget - left + 1);
  for (std::uint8_t button = 0; left > 0 && button < 4; ++button) {
    std::map<std::uint8_t, Permutations> outcomes;
    for (const Cardinal cardinal : kCardinals) {
      outcomes[seen.board.neighbour(cell, cardinal).index] |=
          posterior & permutations_with(button, cardinal);
    }
    double value = 0.0;
    for (const auto& [index, part] : outcomes) {
      if (part == 0 || seen.board.is_hole({index})) continue;
      const double share = static_cast<double>(std::popcount(part)) / std::popcount(posterior);
      value += share * (Cell{index} == seen.board.goal
                            ? 1.0 - kTurnPenalty * moves / static_cast<double>(seen.budget)
                            : plain_value(seen, {index}, part, left - 1));
    }
    best = std::max(best, value);
  }
  return best;
}

TEST(FrozenLakePlanner, ValuesAreThoseOfPlainExpectimax) {
  Planner planner;
  for (std::uint64_t i = 0; i < 60; ++i) {
    Seen seen;
    seen.board = draw_board({4, 0.65, 4}, RandomKey::from_seed(5).split(i));
    seen.position = seen.board.start;
    seen.budget = 5;
    EXPECT_NEAR(planner.best(seen, kAllPermutations).value,
                plain_value(seen, seen.position, kAllPermutations, seen.budget), 1e-9);
    const Permutations known = permutations_with(0, Cardinal::up);
    EXPECT_NEAR(planner.best(seen, known).value,
                plain_value(seen, seen.position, known, seen.budget), 1e-9);
  }
}

TEST(FrozenLakePlanner, PermutationsAreCountedRight) {
  EXPECT_EQ(std::popcount(kAllPermutations), 24);
  for (std::uint8_t button = 0; button < 4; ++button) {
    Permutations all = 0;
    for (const Cardinal cardinal : kCardinals) {
      EXPECT_EQ(std::popcount(permutations_with(button, cardinal)), 6);
      EXPECT_EQ(all & permutations_with(button, cardinal), 0u);
      all |= permutations_with(button, cardinal);
    }
    EXPECT_EQ(all, kAllPermutations);
  }
  EXPECT_EQ(
      std::popcount(permutations_with(0, Cardinal::up) & permutations_with(1, Cardinal::left)), 2);
}

// Every hypothesis about a lifecycle by itself: the permutation, the other one, the position.
Weights plain_weights(const std::vector<Permutations>& seen, std::int64_t position,
                      const Lasting& lasting) {
  Weights weights{};
  for (std::int64_t at = lasting.change_first; at <= lasting.change_last; ++at) {
    for (std::size_t one = 0; one < 24; ++one) {
      for (std::size_t other = 0; other < 24; ++other) {
        bool possible = one != other;
        for (std::int64_t i = 0; i < position; ++i) {
          const std::size_t holds = i < at ? one : other;
          possible = possible && (seen[static_cast<std::size_t>(i)] >> holds & 1) != 0;
        }
        if (possible) weights[position < at ? one : other] += 1.0 / 23.0;
      }
    }
  }
  return weights;
}

TEST(FrozenLakeBelief, IsTheSumOverAllHypothesesOfOneChange) {
  const Lasting lasting{true, 2, 5};
  for (std::uint64_t i = 0; i < 40; ++i) {
    Random random(RandomKey::from_seed(8).split(i));
    Belief belief(lasting);
    std::vector<Permutations> seen;
    for (std::int64_t position = 0; position < 8; ++position) {
      const Weights found = belief.before(position);
      const Weights expected = plain_weights(seen, position, lasting);
      for (std::size_t j = 0; j < 24; ++j) EXPECT_NEAR(found[j], expected[j], 1e-9);
      // Most permutations stay possible, so that many hypotheses do.
      const auto shown = static_cast<Permutations>((random.bits() | random.bits() | random.bits()) &
                                                   kAllPermutations);
      belief.see(position, shown);
      seen.push_back(shown);
    }
  }
}

TEST(FrozenLakeBelief, WithoutAChangeItIsWhatAllMovesAllow) {
  Belief belief({true, 0, 0});
  belief.see(0, 0xFFF);
  belief.see(1, 0xFF0);
  EXPECT_EQ(support(belief.before(2)), Permutations{0xFF0});
  Belief anew({false, 0, 0});
  anew.see(0, 0xFFF);
  EXPECT_EQ(support(anew.before(1)), kAllPermutations);
}

// The change itself is seen in no observation: only the buttons of later tasks differ.
TEST(FrozenLakeChange, HappensOnceAtAPositionThatIsUniform) {
  const Scenario scenario = scenario_named("frozen_lake_obscure_changing");
  std::map<std::int64_t, int> places;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const auto environment = scenario.family->make();
    const RandomKey key = RandomKey::from_seed(4).split(i);
    std::int64_t changed_at = 0;
    Json buttons;
    for (std::int64_t position = 0; position < 8; ++position) {
      environment->reset({key, key.split(static_cast<std::uint64_t>(position)), position});
      const Json shown = environment->hidden_state()["buttons"];
      if (position > 0 && shown != buttons) {
        EXPECT_EQ(changed_at, 0);
        changed_at = position;
      }
      buttons = shown;
    }
    ++places[changed_at];
  }
  EXPECT_EQ(places.size(), 5u);
  for (std::int64_t at = 2; at <= 6; ++at) EXPECT_NEAR(places[at], 400, 90) << at;
}

// What one lifecycle of compact text looks like, piece by piece.
struct Counts {
  std::int64_t tokens = 0;
  std::int64_t replies = 0;
  std::int64_t pairs_written = 0;
};

std::int64_t pairs_in(const std::string& text) {
  std::int64_t count = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    count += text[i] >= '1' && text[i] <= '4' && text[i - 1] != ' ' ? 1 : 0;
  }
  return count;
}

void play_counted(const Scenario& scenario, const std::string& role, Counts& counts) {
  const std::vector<std::string> pieces = compact_vocabulary();
  const RunSeed seed{11, Split::train, 0};
  for (std::int64_t pack = 0; pack < 300; ++pack) {
    World world(make_lifecycle(scenario, seed, {pack}), {{pack}, seed.agent({pack}), {}}, nullptr);
    const auto player = scenario.family->make_player(role);
    world.start();
    std::size_t read = 0;
    while (!world.finished()) {
      const Conversation view = world.conversation();
      if (view.turn == 0 && view.fresh) read = 0;
      for (; read < view.messages.size(); ++read) {
        const std::int64_t count = count_pieces(view.messages[read].content, pieces);
        ASSERT_GE(count, 0) << view.messages[read].content;
        counts.tokens += view.messages[read].role == Role::assistant ? 0 : count;
      }
      const AgentReply reply = reply_of(*player, view);
      const std::int64_t count = count_pieces(reply.text, pieces);
      ASSERT_GE(count, 1) << reply.text;
      counts.tokens += count;
      if (view.kind == EpisodeKind::solve) {
        EXPECT_LE(count, role == "expert" ? 12 : 8) << reply.text;
        ++counts.replies;
      } else {
        EXPECT_LE(count, 10);
        counts.pairs_written += pairs_in(reply.text);
      }
      world.deliver(reply);
    }
  }
}

TEST(FrozenLakeCompactStyle, ConsistsOfItsPiecesAndIsShort) {
  for (const std::string level : {"easy", "hard"}) {
    const Scenario scenario = scenario_named("frozen_lake_obscure_" + level + "_compact");
    for (const std::string role : {"demonstrator", "demonstrator_clean", "expert", "random"}) {
      Counts counts;
      play_counted(scenario, role, counts);
      const double tokens = static_cast<double>(counts.tokens) / 300.0;
      RecordProperty("tokens_per_lifecycle_" + level + "_" + role, std::to_string(tokens));
      EXPECT_GT(tokens, 150.0);
      EXPECT_LT(tokens, level == "easy" ? 350.0 : 1100.0) << level << " " << role;
    }
  }
}

TEST(FrozenLakeCompactStyle, PiecesAreDifferent) {
  const std::vector<std::string> pieces = compact_vocabulary();
  EXPECT_EQ(std::set<std::string>(pieces.begin(), pieces.end()).size(), pieces.size());
  EXPECT_LT(pieces.size(), 120u);
}

// The demonstrator leaves out 35 % of the pairs that it knows.
TEST(FrozenLakeDemonstrator, DropsPairsFromItsHintsAtTheStatedRate) {
  const Scenario scenario = scenario_named("frozen_lake_obscure_easy_compact");
  const auto environment = scenario.family->make();
  environment->reset({RandomKey::from_seed(1), RandomKey::from_seed(2), 0});
  const std::vector<Message> messages = {
      {Role::system, "Hint: Down4 Right1 Up3 Left2</hint>\n", {}, {}},
      {Role::user, "\nOut of steps. Reward 0\nNew hint:", {}, {}}};
  std::int64_t written = 0;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    const auto player = scenario.family->make_player("demonstrator");
    written += pairs_in(player->play({*environment, messages, EpisodeKind::update_context, 1, 0},
                                     RandomKey::from_seed(9).split(i)));
  }
  EXPECT_NEAR(static_cast<double>(written) / 20'000.0, 1.0 - kPairDropped, 0.014);
  const auto clean = scenario.family->make_player("demonstrator_clean");
  EXPECT_EQ(clean->play({*environment, messages, EpisodeKind::update_context, 1, 0}, {}),
            " <hint> Down4 Right1 Up3 Left2</hint>");
}

// With all buttons known, the wanted direction is off the shortest paths only by noise, and the
// button pressed is not the one that the reply names only by noise.
TEST(FrozenLakeDemonstrator, ErrsAtTheStatedRates) {
  const Scenario scenario = scenario_named("frozen_lake_obscure_easy_compact");
  const auto environment = scenario.family->make();
  const std::vector<Message> messages = {
      {Role::system, "Hint: Down4 Right1 Up3 Left2</hint>\n", {}, {}}};
  const auto player = scenario.family->make_player("demonstrator");
  const std::map<std::string, std::string> words = {
      {"Down4", "4"}, {"Right1", "1"}, {"Up3", "3"}, {"Left2", "2"}};
  double off_path = 0.0;
  double off_path_expected = 0.0;
  double other_button = 0.0;
  constexpr int kDraws = 8000;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    environment->reset({RandomKey::from_seed(1), RandomKey::from_seed(2).split(i), 0});
    const Seen& seen = dynamic_cast<const Observable&>(*environment).seen();
    const auto distance = distances_to_goal(seen.board);
    const std::string text = player->play({*environment, messages, EpisodeKind::solve, 0, 0},
                                          RandomKey::from_seed(9).split(i));
    for (const Cardinal cardinal : kCardinals) {
      const Cell next = seen.board.neighbour(seen.position, cardinal);
      const bool nearer = distance[next.index] + 1 == distance[seen.position.index];
      const std::string name(kCardinalNames[index_of(cardinal)]);
      const bool wanted = text.find(" Want " + name) == 0;
      off_path += wanted && !nearer ? 1.0 / kDraws : 0.0;
      off_path_expected += nearer ? 0.0 : kCardinalNoise / 4.0 / kDraws;
    }
    for (const auto& [pair, digit] : words) {
      if (text.find(" Want " + pair) == 0 && text.find("Direction " + digit) == std::string::npos) {
        other_button += 1.0 / kDraws;
      }
    }
  }
  EXPECT_NEAR(off_path, off_path_expected, 0.012);
  EXPECT_NEAR(other_button, kButtonNoise * 0.75, 0.012);
}

TEST(FrozenLakeDemonstrator, LearnsFromTheHintAndFromWhatItSaw) {
  const Scenario scenario = scenario_named("frozen_lake_obscure_easy_compact");
  const auto environment = scenario.family->make();
  EventQueue queue;
  for (std::uint64_t i = 0; i < 200; ++i) {
    environment->reset({RandomKey::from_seed(i), RandomKey::from_seed(i + 1000), 0});
    const Seen& seen = dynamic_cast<const Observable&>(*environment).seen();
    const std::vector<Message> messages = {
        {Role::system, "Hint: Down ? Right ? Up ? Left ?</hint>\n", {}, {}}};
    const auto player = scenario.family->make_player("demonstrator_clean");
    AgentReply reply;
    reply.text = player->play({*environment, messages, EpisodeKind::solve, 0, 0}, {});
    EXPECT_NE(reply.text.find(" ? <answer>"), std::string::npos) << reply.text;
    const StepResult result = environment->step(kAgentSeat, reply, queue);
    if (result.outcome != Outcome::running) continue;
    const Move move = seen.moves.back();
    const std::string next = player->play({*environment, messages, EpisodeKind::solve, 0, 1}, {});
    const bool moved = move.from != move.to;
    EXPECT_EQ(next.starts_with(" Want"), !moved) << next;
    EXPECT_EQ(next.find(std::to_string(move.direction + 1) + " Want") != std::string::npos, moved);
  }
}

}  // namespace
}  // namespace turnhalle::frozen_lake
